package doctor

import (
	"crypto/x509"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// Settings are the settings as far as they concern the doctor, with their
// defaults filled in.
type Settings struct {
	gatehouse.Config
	// ConfigFile is empty when all settings come from the environment.
	ConfigFile string
	// SecretFiles are the files that hold secrets.
	SecretFiles []string
	// The rest is as in config.Server.
	Listen, OpsListen string
	CertFile, KeyFile string
	BehindProxy       bool
	WriteTimeout      time.Duration
	// Digests has for each setting the keyed digest of its value, as
	// ops.Instance has it.
	Digests map[string]string
	// Advice is what the loader warns of.
	Advice []Problem
}

// Problem is something that is wrong with the settings, as the loader says it.
type Problem struct {
	// Setting is the path; empty for the file as a whole.
	Setting string
	// Problem goes on from the name of the setting, Cure is what to do.
	Problem, Cure string
	// Where is the line or the variable.
	Where string
}

// Facts is everything that was gathered. What was not looked at stays zero.
type Facts struct {
	Now     time.Time
	Version string // of this program
	// Problems: the settings cannot be used, and nothing else was looked at.
	Problems []Problem
	Settings Settings

	Files    []File
	Disk     Disk
	Database Database
	Machine  Machine
	// Certificate is the chain of tls.cert_file, the leaf first.
	Certificate []*x509.Certificate
	Server      Server
	// Offline: neither the server nor the public origin was asked.
	Offline bool
	Origin  Origin
	// Redis says why the Redis of the settings cannot be used; nil when it can, or
	// when there is none.
	Redis error
}

// Role is what a file is for.
type Role string

// The roles.
const (
	SettingsFile   Role = "the configuration file"
	SecretFile     Role = "a file of secrets"
	DatabaseFile   Role = "the database"
	DatabaseLog    Role = "the database's write-ahead log"
	DatabaseShared Role = "the database's shared memory"
	DatabaseLock   Role = "the server's lock"
	DatabaseFolder Role = "the folder of the database"
	FileFolder     Role = "the folder of settings or secrets"
	BreachedFile   Role = "the list of breached passwords"
)

// File is a file or folder as its entry says. UID and GID are -1 where the
// system has none.
type File struct {
	Role     Role
	Path     string
	Missing  bool
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	Changed  time.Time
}

// Disk is what the database lies on.
type Disk struct {
	// Kind is the file system's name when it is one that matters ("nfs"),
	// else empty.
	Kind string
	// Free is the space for ordinary accounts in bytes; Known says that it was
	// found out.
	Known    bool
	Free     uint64
	ReadOnly bool
}

// Database is what the file says.
type Database struct {
	gatehouse.DatabaseState
	// Missing: there is no file. Err: it could not be looked at.
	Missing bool
	Err     error
}

// Machine is what hashing has to live with.
type Machine struct {
	Cores int
	// Memory is what the server may use, in bytes, and MemoryOf whose limit
	// that is; zero when unknown.
	Memory   uint64
	MemoryOf string
	// Hash is how long one hash at the configured cost takes; zero: unknown.
	Hash time.Duration
	// Container: the program runs in one, where listening on every address is
	// usual.
	Container bool
}

// Server is what the ops listener says.
type Server struct {
	Asked bool
	// Err is why nobody answered; Foreign that somebody else did.
	Err     error
	Foreign bool
	// Taken: no server runs, and something listens at its address.
	Taken bool
	// Old: a Gatehouse without the doctor's questions answered.
	Old      bool
	Ready    bool
	Reason   string
	Instance ops.Instance
}

// Ours says whether the server could be asked about probes.
func (s Server) Ours() bool { return s.Asked && s.Err == nil && !s.Foreign && !s.Old }

// Trouble is the class of a failure on the way to the public origin.
type Trouble string

// The troubles.
const (
	NoTrouble       Trouble = ""
	NameUnknown     Trouble = "name"
	Refused         Trouble = "refused"
	TimedOut        Trouble = "timeout"
	PlainHTTP       Trouble = "plain-http" // where TLS was expected
	SpeaksTLS       Trouble = "tls"        // where plain http was expected
	CertExpired     Trouble = "expired"
	CertNotYet      Trouble = "not-yet"
	CertName        Trouble = "certificate-name"
	CertIncomplete  Trouble = "incomplete"
	CertUntrusted   Trouble = "untrusted"
	OtherTrouble    Trouble = "other"
	HandshakeFailed Trouble = "handshake"
)

// Exchange is one probe and what came back.
type Exchange struct {
	URL     string
	Trouble Trouble
	Err     error
	Status  int
	Header  http.Header
	// Body is its beginning.
	Body []byte
	// Source is this end of the connection.
	Source netip.AddrPort
	// Seen is what our server saw of it; nil when it did not arrive there.
	Seen *ops.Seen
	At   time.Time
}

// Done says whether there was an answer.
func (e *Exchange) Done() bool { return e != nil && e.Trouble == NoTrouble }

// Ours says whether the probe arrived at our server.
func (e *Exchange) Ours() bool { return e.Done() && e.Seen != nil }

// Origin is what probes through the public origin showed.
type Origin struct {
	Asked bool
	// Certificates is the chain that was presented, the leaf first.
	Certificates []*x509.Certificate
	// OtherPort is an origin on this machine at which our server was found
	// when the public one refused.
	OtherPort string
	// PlainOnTLS is a plain http request to the address of an https origin
	// that spoke no TLS; Plain one to port 80 beside an https origin.
	PlainOnTLS, Plain *Exchange
	// Home is the application's first page, Stray a page that is not there,
	// asked for with a forged X-Forwarded-Host.
	Home, Stray *Exchange
	Mounts      []MountProbes
}

// MountProbes are the probes of one mount.
type MountProbes struct {
	BasePath string
	Dialect  string
	// First and Again are the same GET of csrf, sent twice as a browser would;
	// Forged is one with headers that a caller could forge.
	First, Again, Forged *Exchange
	// Cookies brings cookies, Long many of them.
	Cookies, Long *Exchange
	// SignIn is a navigation to the sign-in page, Post a POST with a body.
	SignIn, Post *Exchange
}

// forgedAddress is what forged headers name: an address of documentation
// (RFC 5737 §3), which no caller has.
const (
	forgedAddress = "203.0.113.77"
	forgedHost    = "forged.invalid"
	probeCookie   = "gatehouse-doctor"
)
