package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-auth/gatehouse"
)

// Options say where to look.
type Options struct {
	Settings Settings
	// Problems: the settings cannot be used, so there is nothing to look at.
	Problems []Problem
	// Version of this program.
	Version string
	// Offline leaves the running server and the public origin out.
	Offline bool
	// Connect is the host and port to connect to in place of the public
	// origin's; empty means to look the name up.
	Connect string

	// Now is the clock, Route says to which address a connection really goes,
	// Roots are the authorities trusted, Timeout is for one request. Nil and
	// zero: time.Now, the same address, the system's, ten seconds. Machine says
	// what the process of the server may use; nil looks.
	Now     func() time.Time
	Route   func(address string) string
	Roots   *x509.CertPool
	Machine func(pid int, p gatehouse.Password) Machine
	Timeout time.Duration
}

// Look gathers the facts. What cannot be found out is left out; only the end of
// ctx ends it early. It changes nothing: files are not written, the database is
// read, probes have no session.
func Look(ctx context.Context, o Options) Facts {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Machine == nil {
		o.Machine = func(pid int, p gatehouse.Password) Machine {
			m := machine(pid)
			m.Hash = timeOfHash(p)
			return m
		}
	}
	f := Facts{Now: o.Now(), Version: o.Version, Settings: o.Settings, Problems: o.Problems, Offline: o.Offline}
	if len(o.Problems) > 0 {
		return f
	}
	f.lookAtFiles()
	f.Database.DatabaseState, f.Database.Err = o.Settings.Database.Inspect(ctx)
	if o.Settings.Database.URL == "" && errors.Is(f.Database.Err, fs.ErrNotExist) {
		f.Database.Missing, f.Database.Err = true, nil
	}
	f.Certificate = readChain(o.Settings.CertFile)
	if !o.Offline {
		f.Redis = o.Settings.InspectRedis(ctx)
		l := &looker{Options: o}
		if p := f.Database.Postgres; p != nil {
			l.others = max(0, len(p.Servers)-1)
		}
		l.ops = &http.Transport{DialContext: l.dialer("")}
		defer l.ops.CloseIdleConnections()
		f.Server = l.server(ctx)
		l.asked = f.Server.Ours()
		f.Origin = l.origin(ctx)
	}
	f.Machine = o.Machine(f.Server.Instance.PID, o.Settings.Password)
	return f
}

// lookAtFiles reads directory entries, nothing in them.
func (f *Facts) lookAtFiles() {
	s, db := f.Settings, f.Settings.Database.Path
	look := func(role Role, path string) {
		if path != "" {
			f.Files = append(f.Files, entry(role, path))
		}
	}
	look(SettingsFile, s.ConfigFile)
	var folders []string
	for _, name := range append(slices.Clone(s.SecretFiles), s.ConfigFile, s.KeyFile) {
		if folder := filepath.Dir(name); name != "" && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	for _, name := range s.SecretFiles {
		look(SecretFile, name)
	}
	for _, folder := range folders {
		look(FileFolder, folder)
	}
	if db != "" { // PostgreSQL's files are its own
		look(DatabaseFolder, filepath.Dir(db))
		look(DatabaseFile, db)
		look(DatabaseLog, db+"-wal")
		look(DatabaseShared, db+"-shm")
		look(DatabaseLock, db+".lock")
	}
	look(BreachedFile, s.Password.BreachedFile)
	if db != "" {
		f.Disk = disk(filepath.Dir(db))
	}
}

func entry(role Role, path string) File {
	f := File{Role: role, Path: path, UID: -1, GID: -1}
	info, err := os.Stat(path)
	if err != nil {
		f.Missing = true
		return f
	}
	f.Mode, f.Size, f.Changed = info.Mode(), info.Size(), info.ModTime()
	f.UID, f.GID = owner(info)
	return f
}

// readChain returns the certificates of a PEM file, nil if there are none.
func readChain(path string) (chain []*x509.Certificate) {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return chain
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			chain = append(chain, c)
		}
	}
}

// timeOfHash estimates what one hash takes from a much smaller one: argon2id is
// linear in memory and passes (RFC 9106 §3.2).
func timeOfHash(p gatehouse.Password) time.Duration {
	const memory = 8 << 10
	least := time.Duration(1 << 62)
	for range 3 {
		begun := time.Now() // a duration, not a moment
		argon2.IDKey([]byte("doctor"), []byte("no salt is needed here"), 1, memory, 1, 32)
		least = min(least, time.Since(begun))
	}
	at := min(max(p.Lanes, 1), runtime.GOMAXPROCS(0))
	return time.Duration(float64(least) * float64(p.MemoryKiB) * float64(p.Passes) / memory / float64(at))
}
