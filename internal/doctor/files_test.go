package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// server is another account: the owner of the database.
const server = 4321

func (s *site) chmod(name string, mode fs.FileMode) {
	s.t.Helper()
	if runtime.GOOS == "windows" {
		s.t.Skip("file modes are not Windows's")
	}
	if err := os.Chmod(s.path(name), mode); err != nil {
		s.t.Fatal(err)
	}
}

// chown gives files to the server's account. Where the test may not, they are
// the server's in the facts alone.
func (s *site) chown(names ...string) {
	s.t.Helper()
	for _, name := range names {
		if err := os.Chown(s.path(name), server, server); err != nil {
			s.alter = append(s.alter, func(f *doctor.Facts) {
				for i := range f.Files {
					if f.Files[i].Path == s.path(name) {
						f.Files[i].UID, f.Files[i].GID = server, server
					}
				}
			})
		}
	}
}

// made opens and closes the database, so that it is there; offline judges files
// alone.
func (s *site) made() *site {
	s.t.Helper()
	g, err := gatehouse.New(s.t.Context(), s.look.Settings.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.look.Offline = true
	return s
}

func (s *site) exec(query string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.look.Settings.Database.Path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		s.t.Fatal(err)
	}
}

func TestJudge_namesWhatIsWrongWithFiles(t *testing.T) {
	for _, tt := range []struct {
		name, list, cure string
		seed             func(s *site)
	}{
		{"none is wrong", "", "", func(*site) {}},
		{"settings that others may change", "settings-writable", "chmod o-w", func(s *site) { s.chmod("etc/gatehouse.yaml", 0o666) }},
		{"a folder that others may write in", "folder-writable", "chmod o-w", func(s *site) { s.chmod("etc", 0o777) }},
		{"as that, sticky", "", "", func(s *site) { s.chmod("etc", 0o777|fs.ModeSticky) }},
		{"a database that others may read", "database-open", "chmod 600", func(s *site) { s.chmod("lib", 0o755); s.chmod("lib/gatehouse.db", 0o644) }},
		{"as that, in a folder that is shut", "", "", func(s *site) { s.chmod("lib/gatehouse.db", 0o644) }},
		{"a folder that the server may not write in", "database-folder-unwritable", "chown 4321:4321", func(s *site) { s.chmod("lib", 0o755); s.chown("lib/gatehouse.db") }},
		{"a lock that a command left behind", "database-files-owner", "chown 4321:4321", func(s *site) { s.write("lib/gatehouse.db.lock", ""); s.chown("lib", "lib/gatehouse.db") }},
		{"all of it the server's", "", "", func(s *site) {
			s.write("lib/gatehouse.db.lock", "")
			s.chown("lib", "lib/gatehouse.db", "lib/gatehouse.db.lock")
		}},
		{"a write-ahead log out of hand", "wal-large", "fuser", func(s *site) {
			s.write("lib/gatehouse.db-wal", "")
			if err := os.Truncate(s.path("lib/gatehouse.db-wal"), 300<<20); err != nil { // a file with a hole
				s.t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settle(t, nil).made()
			tt.seed(s)
			r := s.judge()
			if tt.list == "" {
				if len(r.Findings) > 0 {
					t.Error(r.Text())
				}
				return
			}
			wants(t, r, tt.list, tt.cure)
		})
	}
}

// withCertificate has Gatehouse end TLS by itself.
func withCertificate(t *testing.T, change func(*x509.Certificate)) *site {
	t.Helper()
	s := settle(t, func(s *doctor.Settings) {
		s.BehindProxy, s.ClientAddress = false, gatehouse.ClientAddress{PeerIsClient: true}
	})
	cert := newAuthority(t).issue(t, change)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	s.write("etc/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})))
	s.write("etc/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	s.look.Settings.CertFile, s.look.Settings.KeyFile = s.path("etc/cert.pem"), s.path("etc/key.pem")
	if _, err := tls.LoadX509KeyPair(s.path("etc/cert.pem"), s.path("etc/key.pem")); err != nil {
		t.Fatal(err)
	}
	return s.made()
}

func TestJudge_readsTheCertificateFile(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		list   string
		change func(*x509.Certificate)
	}{
		"good":         {"", nil},
		"expired":      {"certificate-expired", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }},
		"soon":         {"certificate-expires-soon", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.Add(-1000*time.Hour), now.Add(time.Hour) }},
		"another name": {"certificate-name", func(c *x509.Certificate) { c.DNSNames = []string{"www.example"} }},
	} {
		if r := withCertificate(t, tt.change).judge(); ids(r) != tt.list {
			t.Errorf("%s: %s", name, r.Text())
		}
	}
}

func TestJudge_namesWhatIsWrongWithTheDatabase(t *testing.T) {
	t.Run("damaged", func(t *testing.T) {
		s := settle(t, nil).made()
		content, err := os.ReadFile(s.path("lib/gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		for i := 4096 * 2; i < len(content); i++ {
			content[i] ^= 0xa5
		}
		s.write("lib/gatehouse.db", string(content))
		wants(t, s.judge(), "database-corrupt", "restore a backup")
	})
	t.Run("no database at all", func(t *testing.T) {
		s := settle(t, nil).made()
		s.write("lib/gatehouse.db", strings.Repeat("this is a text. ", 1000))
		wants(t, s.judge(), "database-corrupt", "restore a backup")
	})
	t.Run("of another program", func(t *testing.T) {
		s := settle(t, nil)
		s.look.Offline = true
		s.exec("CREATE TABLE groceries (name TEXT)")
		wants(t, s.judge(), "database-foreign", "database.path")
	})
	t.Run("of a newer program, which is why it does not run", func(t *testing.T) {
		s := settle(t, nil).made()
		s.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
		s.look.Offline = false
		s.hosts["127.0.0.1:8788"], s.hosts["127.0.0.1:8787"], s.hosts["app.example:443"] = "127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1"
		wants(t, s.judge(), "database-newer", "newer program")
	})
	t.Run("older, and never migrated", func(t *testing.T) {
		s := settle(t, nil).made()
		facts := doctor.Look(t.Context(), s.look)
		facts.Database.Version, facts.Database.Program = 1, 2 // there is one migration so far
		if r := doctor.Judge(facts); len(r.Findings) > 0 {
			t.Errorf("the server would migrate it at its start: %s", r.Text())
		}
		facts.Settings.Database.SkipMigrate = true
		wants(t, doctor.Judge(facts), "database-older", "gatehouse migrate --config "+s.look.Settings.ConfigFile)
	})
	t.Run("with a record from the future", func(t *testing.T) {
		s := settle(t, nil).made()
		s.look.Now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
		g, err := gatehouse.New(t.Context(), s.look.Settings.Config)
		if err != nil {
			t.Fatal(err)
		}
		g.Close()
		s.exec("INSERT INTO events (id, at, type, actor, user_id, session_id, address, detail) VALUES ('e', " + micro(time.Now()) + ", 't', '', '', '', '', '')")
		wants(t, s.judge(), "clock-behind", "timedatectl")
	})
	t.Run("removed under the server", func(t *testing.T) {
		s := settle(t, nil).serve()
		for _, end := range []string{"", "-wal", "-shm"} {
			if err := os.Rename(s.path("lib/gatehouse.db"+end), s.path("lib/old.db"+end)); err != nil {
				t.Fatal(err)
			}
		}
		wants(t, s.atTLS(s.nginx()).judge(), "database-removed", "restore a backup")
	})
	t.Run("a folder in its place", func(t *testing.T) {
		s := settle(t, nil)
		s.look.Offline = true
		if err := os.Mkdir(s.path("lib/gatehouse.db"), 0o700); err != nil {
			t.Fatal(err)
		}
		wants(t, s.judge(), "database-unreadable", "account of the server")
	})
}

func micro(t time.Time) string {
	b, _ := t.UTC().MarshalText()
	return "CAST(strftime('%s', '" + string(b[:19]) + "') AS INTEGER) * 1000000"
}

// What the test's machine cannot be made to be is put into the facts.
func TestJudge_namesWhatIsWrongWithTheDisk(t *testing.T) {
	s := settle(t, nil).made()
	for _, tt := range []struct {
		disk       doctor.Disk
		list, cure string
	}{
		{doctor.Disk{Known: true, Free: 10 << 30}, "", ""},
		{doctor.Disk{}, "", ""},
		{doctor.Disk{Known: true, Free: 10 << 30, Kind: "NFS"}, "database-on-network", "local disk"},
		{doctor.Disk{Known: true, Free: 10 << 30, ReadOnly: true}, "database-read-only", "remount,rw"},
		{doctor.Disk{Known: true, Free: 1 << 20}, "disk-full", "df -h"},
		{doctor.Disk{Known: true, Free: 100 << 20}, "disk-nearly-full", "df -h"},
	} {
		facts := doctor.Look(context.Background(), s.look)
		if runtime.GOOS == "linux" && (!facts.Disk.Known || facts.Disk.Kind != "" || facts.Disk.ReadOnly) {
			t.Errorf("of the folder for tests it is said: %+v", facts.Disk)
		}
		facts.Disk = tt.disk
		if r := doctor.Judge(facts); tt.list == "" {
			if len(r.Findings) > 0 {
				t.Errorf("%+v: %s", tt.disk, r.Text())
			}
		} else {
			wants(t, r, tt.list, tt.cure)
		}
	}
}

func TestLook_changesNothing(t *testing.T) {
	s := settle(t, nil).made()
	list := func() (names []string) {
		for _, folder := range []string{"etc", "lib"} {
			entries, err := os.ReadDir(s.path(folder))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				info, err := e.Info()
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, e.Name()+info.ModTime().String())
			}
		}
		return names
	}
	before := strings.Join(list(), "\n")
	doctor.Look(t.Context(), s.look)
	if after := strings.Join(list(), "\n"); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
