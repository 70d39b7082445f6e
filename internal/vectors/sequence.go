package vectors

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// SequenceSchema is the schema text of a file whose sequences carry their
// inputs as data. A file without it cannot be replayed: it does not say what the
// recorded handler knew.
const SequenceSchema = "gatehouse.sequences/1"

// SequenceFile is http-v4.json or http-v5.json: request and answer sequences
// recorded from the published packages by scripts/vectors.
type SequenceFile struct {
	Format       int                    `json:"format"`
	Schema       string                 `json:"schema"` // SequenceSchema
	About        string                 `json:"about"`
	Packages     map[string]string      `json:"packages"`     // npm name to exact version
	IssuedAt     int64                  `json:"issuedAt"`     // Unix seconds at which every sequence begins
	Placeholders map[string]Placeholder `json:"placeholders"` // by the text that stands in a pattern, "<jwe>" for instance
	Needs        map[string]string      `json:"needs"`        // every word used in Sequence.Needs, with its meaning
	Vectors      []Sequence             `json:"vectors"`
}

// LoadSequences reads a file of sequences from [Dir]. A file of another schema
// has no inputs to replay from: the test is skipped and says so.
func LoadSequences(t testing.TB, file string) *SequenceFile {
	t.Helper()
	var head struct {
		Schema string `json:"schema"`
	}
	Load(t, file, &head)
	if head.Schema != SequenceSchema {
		t.Skipf("%s has schema %q, not %q: its sequences do not carry their inputs; record them with scripts/vectors", file, head.Schema, SequenceSchema)
	}
	var f SequenceFile
	Load(t, file, &f)
	if len(f.Vectors) == 0 {
		t.Fatalf("%s holds no sequences", file)
	}
	return &f
}

// A Sequence is what one browser did and what the package answered, with
// everything the handler had been told.
type Sequence struct {
	Name          string    `json:"name"`  // "v4/credentials-success"; unique in its file
	Op            string    `json:"op"`    // "v4.http" or "v5.http"
	Needs         []string  `json:"needs"` // what a server must have to be configured like this, see SequenceFile.Needs
	Inputs        Inputs    `json:"inputs"`
	Steps         []Step    `json:"steps"`
	DatabaseAfter *Database `json:"databaseAfter"` // patterns; nil without Inputs.Database
	AdapterCalls  []string  `json:"adapterCalls"`  // operations of the adapter interface, in order
	Expect        Expect    `json:"expect"`
	MayDiffer     string    `json:"mayDiffer"` // why some step carries a Difference, else empty
}

// Inputs is all a handler knew while a sequence was recorded. Every default of
// the packages is written out, so a reader needs to know none.
type Inputs struct {
	Dialect   string     `json:"dialect"`   // "v4" or "v5"
	Origin    string     `json:"origin"`    // scheme, host and port; https means secure cookies
	BasePath  string     `json:"basePath"`  // begins with a slash, does not end with one
	Secret    Texts      `json:"secret"`    // the first seals, all open; the CSRF hash takes all, joined by commas
	TrustHost bool       `json:"trustHost"` // v5: false refuses every request
	Session   Session    `json:"session"`
	JWTMaxAge int64      `json:"jwtMaxAge"` // seconds; v4 seals with it at sign-in only, v5 always
	Pages     Pages      `json:"pages"`
	Providers []Provider `json:"providers"` // in configured order
	Users     []User     `json:"users"`     // who can sign in with a password
	Throws    []Throw    `json:"throws"`    // user names at which authorize throws whatever the password
	Hooks     Hooks      `json:"hooks"`
	Database  *Database  `json:"database"` // rows before the first step; nil: no adapter at all
	Upstream  *Upstream  `json:"upstream"` // nil: no OAuth or OpenID Connect provider
}

// Session is the session setting; MaxAge and UpdateAge are seconds.
type Session struct {
	Strategy  string `json:"strategy"` // "jwt" (sealed) or "database" (stored)
	MaxAge    int64  `json:"maxAge"`
	UpdateAge int64  `json:"updateAge"`
}

// Pages are the application's own pages; empty means the built-in one.
type Pages struct {
	SignIn        string `json:"signIn"`
	SignOut       string `json:"signOut"`
	Error         string `json:"error"`
	VerifyRequest string `json:"verifyRequest"`
	NewUser       string `json:"newUser"`
}

// Provider is one configured provider. Members that do not belong to its type
// are empty. "<upstream>" in an address stands for the upstream's base URL.
type Provider struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"` // credentials, email, oauth, oidc (v5), webauthn (v5)

	Fields []Field `json:"fields"` // credentials: the first names the user, the second is the password

	From   string `json:"from"`   // email: sender
	MaxAge int64  `json:"maxAge"` // email: life of a link in seconds

	ClientID         string            `json:"clientId"`
	ClientSecret     string            `json:"clientSecret"`
	Checks           []string          `json:"checks"` // of pkce, state, nonce
	Scope            string            `json:"scope"`
	Issuer           string            `json:"issuer"` // OpenID Connect by discovery when set
	AuthorizationURL string            `json:"authorizationUrl"`
	TokenURL         string            `json:"tokenUrl"`
	UserinfoURL      string            `json:"userinfoUrl"`
	Profile          map[string]string `json:"profile"` // our member (id, name, email, image) to the upstream's

	AllowDangerousEmailAccountLinking bool `json:"allowDangerousEmailAccountLinking"`
}

// Field is one input of a credentials provider.
type Field struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Type  string `json:"type"`
}

// User is somebody the authenticator knows, and what it returns for them.
type User struct {
	Username string     `json:"username"`
	Password string     `json:"password"`
	User     UserRecord `json:"user"`
}

// UserRecord is the user object of the protocol. A nil member is absent, and
// stays absent in claims and answers.
type UserRecord struct {
	ID    string  `json:"id"`
	Name  *string `json:"name"`
	Email *string `json:"email"`
	Image *string `json:"image"`
}

// Throw makes authorize throw for one user name.
type Throw struct {
	Username string `json:"username"`
	Kind     string `json:"kind"`    // "error": an Error with Message; "credentialsSignin" (v5): a CredentialsSignin with Code
	Message  string `json:"message"` // shown by v4, hidden by v5
	Code     string `json:"code"`    // shown by v5
}

// Hooks are the application's callbacks. A nil hook is the package's default.
type Hooks struct {
	SignIn *SignInHook `json:"signIn"`
	JWT    *JWTHook    `json:"jwt"`
}

// SignInHook throws an Error with the message Throw if that is not empty, else
// returns Return: false, true, or a text to redirect to.
type SignInHook struct {
	Return any    `json:"return"`
	Throw  string `json:"throw"`
}

// JWTHook is asked at every encoding of a session token. It returns null if
// ReturnNull, else the claims it was given, with Add put in each time, and with
// the named members of the browser's data copied in when the trigger is update.
type JWTHook struct {
	Add          []Padding `json:"add"`
	CopyOnUpdate []string  `json:"copyOnUpdate"`
	ReturnNull   bool      `json:"returnNull"`
}

// Padding is a long claim by rule.
type Padding struct {
	Claim  string `json:"claim"`
	Seed   string `json:"seed"`
	Length int    `json:"length"` // characters
}

// Text returns the claim's value: the seed, a running number from 0 and a
// semicolon, repeated and cut to length. Seeds are ASCII.
func (p Padding) Text() string {
	var b strings.Builder
	for i := 0; b.Len() < p.Length; i++ {
		b.WriteString(p.Seed)
		b.WriteString(strconv.Itoa(i))
		b.WriteByte(';')
	}
	return b.String()[:p.Length]
}

// Database holds the rows behind the adapter interface. Times are ISO texts. New
// users get the IDs user-1, user-2 and so on, by their place in the table.
type Database struct {
	Users              []Row `json:"users"`
	Accounts           []Row `json:"accounts"`
	Sessions           []Row `json:"sessions"`
	VerificationTokens []Row `json:"verificationTokens"`
	Authenticators     []Row `json:"authenticators"`
}

// Row is one row by column name; an absent column and null differ.
type Row map[string]json.RawMessage

// Upstream scripts the outside identity source.
type Upstream struct {
	Profile json.RawMessage `json:"profile"` // answer of GET /userinfo
	Token   json.RawMessage `json:"token"`   // answer of POST /token, to which an id_token is added if IDToken is not nil
	IDToken *IDToken        `json:"idToken"`
}

// IDToken is the id_token the upstream signs (RS256). In Claims "<upstream>" is
// its base URL and "{{nonce}}" the captured variable; iat and exp are the times
// of the request plus the two offsets in seconds.
type IDToken struct {
	Claims   map[string]json.RawMessage `json:"claims"`
	IssuedAt int64                      `json:"issuedAt"`
	Expires  int64                      `json:"expires"`
	SignedBy string                     `json:"signedBy"` // "published": the key of the JWKS; "stranger": another under the same kid
}
