package doctor_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// The loader's own problems, sorted by cause: each case is a file that it
// refuses.
func TestJudge_namesWhatIsWrongWithSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		name = dir + "/" + name
		if err := os.WriteFile(name, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	own, app := secret().Reveal(), secret().Reveal()
	right := strings.Join([]string{
		"public_origin: https://app.example", "secrets_file: " + file("own", own, 0o600),
		"mounts: [{secrets_file: " + file("app", app, 0o600) + "}]", "database: {path: " + dir + "/gatehouse.db}", "behind_proxy: true", "",
	}, "\n")
	with := func(old, new string) string {
		if !strings.Contains(right, old) {
			t.Fatalf("%q is not in the settings", old)
		}
		return strings.Replace(right, old, new, 1)
	}
	for _, tt := range []struct {
		name, content string
		mode          os.FileMode
		list, setting string
	}{
		{"right", right, 0o600, "", ""},
		{"no YAML", "public_origin: [\nsecrets:", 0o600, "settings-unreadable", ""},
		{"misspelt, so that something is missing", with("public_origin", "public_orgin"), 0o600, "setting-unknown", "public_orgin"},
		{"secrets inside that all can read", with("secrets_file: "+dir+"/own", "secrets: ["+own+"]"), 0o644, "settings-open", ""},
		{"a file of secrets that all can read", with(dir+"/own", file("open", own, 0o644)), 0o600, "secret-file-refused", "secrets_file"},
		{"a file of secrets that is not there", with(dir+"/own", dir+"/none"), 0o600, "secret-file-refused", "secrets_file"},
		{"plain http on another machine", with("https://app", "http://app"), 0o600, "public-origin-refused", "public_origin"},
		{"a path in the origin", with("app.example", "app.example/auth"), 0o600, "public-origin-refused", "public_origin"},
		{"nobody ends TLS", with("behind_proxy: true", ""), 0o600, "tls-refused", "tls.cert_file"},
		{"a placeholder", with(dir+"/own", file("weak", "changeme-changeme-changeme-changeme", 0o600)), 0o600, "secret-refused", "secrets[0]"},
		{"one secret for both", with(dir+"/app", dir+"/own"), 0o600, "secret-refused", "mounts[0].secrets[0]"},
		{"a pattern", with(dir+"/own", file("pattern", strings.Repeat("k3Y-", 12), 0o600)), 0o600, "secret-refused", "secrets[0]"},
		{"a pepper that is a secret", right + "password: {peppers_file: " + dir + "/own}\n", 0o600, "secret-refused", "password.peppers[0]"},
		{"a file of peppers that all can read", right + "password: {peppers_file: " + file("peppers", secret().Reveal(), 0o644) + "}\n", 0o600, "secret-file-refused", "password.peppers_file"},
		{"a list of breached passwords that is none", right + "password: {breached_file: " + file("breached", "qwerty\n", 0o600) + "}\n", 0o600, "setting-refused", "password.breached_file"},
		{"no folder for the database", with(dir+"/gatehouse.db", dir+"/none/gatehouse.db"), 0o600, "database-path-refused", "database.path"},
		{"everybody trusted", right + "client_address: {trusted_proxies: [0.0.0.0/0]}\n", 0o600, "client-address-refused", "client_address.trusted_proxies[0]"},
		{"peer_is_client behind a proxy", right + "client_address: {peer_is_client: true}\n", 0o600, "client-address-refused", "client_address.peer_is_client"},
		{"a number without a unit", right + "session: {max_age: \"90\"}\n", 0o600, "setting-refused", "session.max_age"},
		{"several, the file first", with("public_origin: https", "sesion: {}\npublic_origin: http"), 0o600, "setting-unknown public-origin-refused", "sesion"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(file("gatehouse.yaml", tt.content, tt.mode), nil)
			o := doctor.Options{}
			var bad *config.Error
			if errors.As(err, &bad) {
				for _, p := range bad.Problems {
					o.Problems = append(o.Problems, doctor.Problem{Setting: p.Field, Problem: p.Problem.Problem, Cure: p.Cure, Where: p.Where})
				}
			}
			if tt.list == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			r := doctor.Judge(doctor.Look(t.Context(), o))
			wants(t, r, tt.list, "")
			if len(r.Findings) > 0 && (r.Findings[0].Setting != tt.setting || r.Findings[0].Cure == "" || !r.Failed()) {
				t.Errorf("got %+v", r.Findings[0])
			}
			for _, s := range []string{own, app, "changeme-changeme"} {
				if strings.Contains(r.Text(), s) {
					t.Errorf("a secret is shown: %s", r.Text())
				}
			}
		})
	}
	t.Run("a file that is not there", func(t *testing.T) {
		_, err := config.Load(dir+"/none.yaml", nil)
		var bad *config.Error
		if !errors.As(err, &bad) {
			t.Fatal(err)
		}
		var o doctor.Options
		for _, p := range bad.Problems {
			o.Problems = append(o.Problems, doctor.Problem{Setting: p.Field, Problem: p.Problem.Problem, Cure: p.Cure, Where: p.Where})
		}
		wants(t, doctor.Judge(doctor.Look(t.Context(), o)), "settings-unreadable", "")
	})
}

// Settings that are accepted and yet not good.
func TestJudge_namesWhatIsWeakInSettings(t *testing.T) {
	machine := doctor.Machine{Cores: 2, Memory: 4 << 30, MemoryOf: "this machine", Hash: 30 * time.Millisecond}
	for _, tt := range []struct {
		name    string
		change  func(*doctor.Settings)
		machine func(*doctor.Machine)
		list    string
		cure    string
	}{
		{"a secret of this project's tests", func(s *doctor.Settings) { s.Secrets = []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"} }, nil, "secret-published", "at once"},
		{"a secret that nearly repeats", func(s *doctor.Settings) {
			s.Mounts[0].Secrets = []gatehouse.Secret{"Zk1wR5uXZk1wR5uYZk1wR5uZZk1wR5u1"}
		}, nil, "secret-weak", "gatehouse secret generate"},
		{"what the loader warns of", func(s *doctor.Settings) {
			s.Advice = []doctor.Problem{{Setting: "secrets_file", Problem: "names a file that its group can read", Cure: "chmod 600 own"}}
		}, nil, "settings-advice", "chmod 600"},
		{"a migration of a quarter of a year", func(s *doctor.Settings) { s.Mounts[0].AdoptUntil = time.Now().AddDate(0, 3, 0) }, nil, "adoption-long", "session.maxAge"},
		{"a migration of six weeks", func(s *doctor.Settings) { s.Mounts[0].AdoptUntil = time.Now().AddDate(0, 0, 42) }, nil, "", ""},
		{"a migration that is over", func(s *doctor.Settings) { s.Mounts[0].AdoptUntil = time.Now().Add(-time.Hour) }, nil, "adoption-over", "take the line out"},
		{"ops_listen on every address", func(s *doctor.Settings) { s.OpsListen = ":8788" }, nil, "ops-public", "ops_listen: 127.0.0.1:8788"},
		{"ops_listen on a public address", func(s *doctor.Settings) { s.OpsListen = "198.51.100.4:8788" }, func(m *doctor.Machine) { m.Container = true }, "ops-public", "127.0.0.1"},
		{"ops_listen on every address of a container", func(s *doctor.Settings) { s.OpsListen, s.Listen = ":8788", "0.0.0.0:8787" }, func(m *doctor.Machine) { m.Container = true }, "", ""},
		{"ops_listen in a private network", func(s *doctor.Settings) { s.OpsListen, s.Listen = "10.0.0.4:8788", "[fd00::4]:8787" }, nil, "", ""},
		{"listen on every address", func(s *doctor.Settings) { s.Listen = "0.0.0.0:8787" }, nil, "listen-open", "listen: 127.0.0.1:8787"},
		{"listen on every address with TLS", func(s *doctor.Settings) { s.Listen, s.CertFile = "0.0.0.0:443", "none" }, nil, "", ""},
		{"hashes that do not fit into memory", func(s *doctor.Settings) { s.Password.Workers, s.Password.MemoryKiB = 8, 64<<10 }, func(m *doctor.Machine) { m.Memory, m.MemoryOf = 256<<20, "the control group /gatehouse" }, "hashing-memory", "password.workers: 3"},
		{"one hash that does not fit", func(s *doctor.Settings) { s.Password.Workers, s.Password.MemoryKiB = 1, 512<<10 }, func(m *doctor.Machine) { m.Memory = 256 << 20 }, "hashing-memory", "576 MiB at least"},
		{"more hashes than cores", func(s *doctor.Settings) { s.Password.Workers = 16 }, nil, "hashing-workers", "password.workers: 2"},
		{"a queue without end", func(s *doctor.Settings) { s.Password.Queue = 5000 }, nil, "hashing-slow", "password.queue"},
		{"a cost without measure", func(s *doctor.Settings) { s.Password.Passes = 64 }, func(m *doctor.Machine) { m.Hash = 5 * time.Second }, "hashing-slow", "password.memory_kib"},
		{"nothing known of the machine", func(s *doctor.Settings) { s.Password.Workers = 16 }, func(m *doctor.Machine) { *m = doctor.Machine{} }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settle(t, func(s *doctor.Settings) {
				s.Password.Workers = 2
				tt.change(s)
			})
			s.look.Offline = true
			s.look.Machine = func(int, gatehouse.Password) doctor.Machine {
				m := machine
				if tt.machine != nil {
					tt.machine(&m)
				}
				return m
			}
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

// A file of secrets of root's that the server's group may read is as it should
// be.
func TestJudge_secretsThatTheSystemHandsOverAreRight(t *testing.T) {
	s := settle(t, nil)
	s.look.Offline = true
	own := s.path("etc/own")
	s.look.Settings.Advice = []doctor.Problem{{Setting: "secrets_file", Problem: "names " + own + ", which its whole group can read or change", Cure: "chmod 600 " + own}}
	facts := doctor.Look(t.Context(), s.look)
	for _, tt := range []struct {
		uid, gid int
		mode     os.FileMode
		list     string
	}{{0, server, 0o640, ""}, {0, server, 0o660, "settings-advice"}, {server, server, 0o640, "settings-advice"}} {
		for i := range facts.Files {
			if f := &facts.Files[i]; f.Path == own {
				f.UID, f.GID, f.Mode = tt.uid, tt.gid, tt.mode
			}
		}
		if got := ids(doctor.Judge(facts)); got != tt.list {
			t.Errorf("%d:%d %o: found %q, want %q", tt.uid, tt.gid, tt.mode, got, tt.list)
		}
	}
}

// Secrets as the program makes them, and as other programs do, are not weak.
func TestJudge_randomSecretsAreNotWeak(t *testing.T) {
	s := settle(t, nil)
	s.look.Offline = true
	facts := doctor.Look(t.Context(), s.look)
	for range 200 {
		long := secret()
		for _, one := range []gatehouse.Secret{long, gatehouse.Secret(hexOf(long)), gatehouse.Secret(hexOf(long)[:32])} {
			facts.Settings.Secrets = []gatehouse.Secret{one}
			if r := doctor.Judge(facts); len(r.Findings) > 0 {
				t.Fatalf("%s (the secret was %s)", r.Text(), one.Reveal())
			}
		}
	}
}

// A name that cannot be looked up needs a resolver that says so; the judgement
// alone is tested.
func TestJudge_aNameThatIsUnknownMayBeRight(t *testing.T) {
	s := settle(t, nil).serve()
	s.hosts["app.example:443"], s.hosts["app.example:80"] = "127.0.0.1:1", "127.0.0.1:1"
	facts := doctor.Look(t.Context(), s.look)
	facts.Origin.Mounts[0].First.Trouble = doctor.NameUnknown
	r := doctor.Judge(facts)
	wants(t, r, "origin-name-unknown", "--connect")
	if r.Failed() {
		t.Error("what may be right fails the command")
	}
}

func hexOf(s gatehouse.Secret) string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])
}
