package gatehouse_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gatehouse-auth/gatehouse"

// The arrows of ARCHITECTURE.md that would be easy to turn round by accident.
// A package may import none of what is listed behind it; "…" ends a prefix.
var forbidden = []struct {
	who, what string
	why       string
}{
	{"auth", module + "/…", "the nouns know nobody"},
	{"auth", "net/http", "the nouns know no HTTP"},
	{"auth", "database/sql", "the nouns know no SQL"},
	{"internal/store", module + "/internal/…", "the contract speaks of nouns alone"},
	{"internal/seal", module + "/internal/…", "sealing is pure"},
	{"internal/jwt", module + "/internal/store/…", "signing is pure"},
	{"internal/keyring", "net/http", "rooms know no request"},
	{"internal/keyring", "database/sql", "rooms know no SQL"},
	{"internal/keyring", module + "/internal/session", "mechanisms do not import each other"},
	{"internal/password", "net/http", "rooms know no request"},
	{"internal/session", "net/http", "rooms know no request"},
	{"internal/signin", "net/http", "rooms know no request"},
	{"internal/registration", "net/http", "rooms know no request"},
	{"internal/user", "net/http", "rooms know no request"},
	{"internal/setup", "net/http", "rooms know no request"},
	{"internal/setup", "database/sql", "rooms know no SQL"},
	{"internal/policytest", module + "/internal/store/…", "a table is judged without a database"},
	{"internal/web/management/client", module + "/internal/store/sqlstore", "a client has no database"},
	{"internal/revocation", "net/http", "rooms know no request"},
	{"internal/session", "database/sql", "rooms know no SQL"},
	{"internal/signin", "database/sql", "rooms know no SQL"},
	{"internal/registration", "database/sql", "rooms know no SQL"},
	{"internal/user", "database/sql", "rooms know no SQL"},
	{"internal/session", module + "/internal/password", "mechanisms do not import each other"},
	{"internal/password", module + "/internal/session", "mechanisms do not import each other"},
	{"internal/session", module + "/internal/signin", "arrows point downwards"},
	{"internal/password", module + "/internal/store", "hashing knows no rows"},
	{"internal/web", module + "/internal/session", "the toolbox knows no room"},
	{"internal/web", module + "/internal/store/…", "the web knows no rows"},
	{"internal/web/mount", module + "/internal/store/…", "the web knows no rows"},
	{"internal/web/authjs", module + "/internal/store/…", "the web knows no rows"},
	{"internal/web/api", module + "/internal/store/…", "the web knows no rows"},
	{"internal/web/portal", module + "/internal/store/…", "the web knows no rows"},
	{"internal/web/guard", module + "/internal/store/…", "the web knows no rows"},
	{"internal/view", module + "/…", "what is shown can hold nothing that is not"},
	{"internal/token", "net/http", "rooms know no request"},
	{"internal/token", "database/sql", "rooms know no SQL"},
	{"internal/token", module + "/internal/session", "mechanisms do not import each other"},
	{"internal/token", module + "/internal/signin", "arrows point downwards"},
	{"internal/session", module + "/internal/token", "mechanisms do not import each other"},
	{"internal/web/oauth", module + "/internal/store/…", "the web knows no rows"},
	{"internal/web/authjs/wire", "net/http/httputil", "the wire is text"},
	{"gatehousetest", module + "/internal/…", "it does what embedding programs can do themselves"},
	{"examples/go-embed", module + "/internal/…", "it does what embedding programs can do themselves"},
	{"internal/telemetry", module + "/internal/store/sqlstore", "measuring knows the contract, not the backend"},
	{"internal/ratelimit", "net/http", "mechanisms know no request"},
	{"internal/ratelimit", module + "/internal/…", "the arithmetic knows no rooms"},
	{"internal/store/redisstore", module + "/internal/web", "a backend knows no request"},
	{"internal/store/sqlstore", module + "/internal/session", "a backend keeps rows and decides nothing"},
}

// TestImports_pointDownwards reads the imports of every file that is compiled
// into the program.
func TestImports_pointDownwards(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file == "bench" { // no part of the program: it measures it from outside and within
			return filepath.SkipDir
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && file != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		folder := path.Dir(filepath.ToSlash(file))
		seen[folder] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, file, folder, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range forbidden {
		if !seen[rule.who] {
			t.Errorf("a rule speaks of %s, which is no package", rule.who)
		}
	}
}

func checkImport(t *testing.T, file, folder, name string) {
	for _, rule := range forbidden {
		prefix, isPrefix := strings.CutSuffix(rule.what, "…")
		if rule.who == folder && (name == rule.what || isPrefix && strings.HasPrefix(name, prefix)) {
			t.Errorf("%s imports %s: %s", file, name, rule.why)
		}
	}
	switch {
	case strings.HasSuffix(name, "/internal/store/sqlstore") && folder != "." && !strings.HasSuffix(folder, "test"):
		t.Errorf("%s imports %s: only wire.go and its neighbours name a backend", file, name)
	case strings.HasSuffix(name, "/internal/store/redisstore") && folder != ".":
		t.Errorf("%s imports %s: only wire.go and its neighbours name a backend", file, name)
	case strings.HasSuffix(name, "/internal/config") && folder != "cmd/gatehouse" && folder != "internal/config/reference":
		t.Errorf("%s imports %s: rooms get plain values from wire.go", file, name)
	case name == module+"/gatehousetest":
		t.Errorf("%s imports %s: it is for tests alone", file, name)
	case name == "math/rand" || name == "math/rand/v2":
		t.Errorf("%s imports %s: randomness is crypto/rand", file, name)
	case (strings.HasPrefix(name, "github.com/prometheus/") || strings.HasPrefix(name, "go.opentelemetry.io/")) &&
		folder != "." && folder != "cmd/gatehouse" && !strings.HasPrefix(folder, "internal/telemetry"):
		t.Errorf("%s imports %s: rooms count in plain integers, and internal/telemetry reads them", file, name)
	case strings.HasPrefix(name, "go.opentelemetry.io/otel/sdk") && folder != "cmd/gatehouse" && folder != "internal/telemetry/otlp":
		t.Errorf("%s imports %s: the SDK is the program's", file, name)
	case name == "C":
		t.Errorf("%s uses cgo: the binary is static", file)
	}
}
