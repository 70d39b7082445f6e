package reference_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/config/reference"
)

var off = regexp.MustCompile(`(?m)^( *)#(\S)`)

// example returns the example twice, as it stands and with every setting in
// force. The files that it names are made, in a folder of their own.
func example(t *testing.T) (asIs, whole string) {
	t.Helper()
	made, err := reference.Example(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := certificate(t)
	for name, content := range map[string]string{"secret": ownSecret, "authjs": appSecret, "tracing-headers": "Authorization=Bearer x", "peppers": pepper, "database-url": databaseURL, "feed-url": databaseURL, "redis-url": "rediss://:secret@127.0.0.1:6380/0", "key-master": master, "api-secret": apiSecret, "breached.txt": strings.Repeat("0", 40) + ":3\r\n", "tls/cert.pem": cert, "tls/key.pem": key} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asIs = strings.NewReplacer("/etc/gatehouse/", dir+"/", "/var/lib/gatehouse/", dir+"/").Replace(string(made))
	return asIs, off.ReplaceAllString(asIs, "$1$2")
}

const databaseURL = "postgres://gatehouse:secret@127.0.0.1:5432/gatehouse?sslmode=disable"

// consistent takes those settings out that cannot stand beside others: on
// PostgreSQL there is no file, only iron-session's cookie has a name of its own,
// and once roles are defined, no other can be given.
func consistent(whole string) string { return elsewhere.ReplaceAllString(whole, "") }

var elsewhere = regexp.MustCompile(`(?m)^(  path: .*gatehouse\.db|      cookie: app-session|      ids: \["1"\]|  roles: \["?user"?\])\n`)

func TestExample_isLoaded(t *testing.T) {
	asIs, _ := example(t)
	s, err := config.Load(write(t, asIs), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Warnings) > 0 {
		t.Errorf("warnings: %v", s.Warnings)
	}
	if list := faults(t, readSchema(t), asIs); len(list) > 0 {
		t.Error(list)
	}
}

func TestExample_isLoadedWithEverySettingInForce(t *testing.T) {
	asIs, whole := example(t)
	if asIs == whole {
		t.Fatal("nothing was taken out of its comment")
	}
	if _, err := config.Load(write(t, consistent(whole)), nil); err != nil {
		t.Errorf("%v in\n%s", err, whole)
	}
	if list := faults(t, readSchema(t), whole); len(list) > 0 {
		t.Error(list)
	}
}

// keysOf lists the paths of all keys of a YAML value.
func keysOf(v any, path string) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			all = append(append(all, path+key), keysOf(inner, path+key+".")...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, keysOf(inner, strings.TrimSuffix(path, ".")+"[].")...)
		}
	}
	return all
}

func TestExample_hasEverySetting(t *testing.T) {
	asIs, whole := example(t)
	var v any
	if err := yaml.Unmarshal([]byte(whole), &v); err != nil {
		t.Fatal(err)
	}
	got := keysOf(v, "")
	config.Walk(config.Tree(), func(s config.Setting) {
		path := s.Path
		if s.Filed() {
			path += "_file" // the list itself is named in the comment
		}
		if !slices.Contains(got, path) {
			t.Errorf("%s is missing", path)
		}
	})
	for line := range strings.Lines(asIs) {
		if utf8.RuneCountInString(line) > 81 && !strings.Contains(line, os.TempDir()) && !strings.Contains(line, "secret_hash:") {
			t.Errorf("longer than 80 characters: %s", line)
		}
	}
}

// A default that the example shows is the default: taking the # away changes
// nothing.
func TestExample_showsTheDefaults(t *testing.T) {
	asIs, whole := example(t)
	before, err := config.Load(write(t, asIs), nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := config.Load(write(t, consistent(whole)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if before.Session.MaxAge != after.Session.MaxAge || before.Limits != after.Limits || before.Registration.Mode != after.Registration.Mode ||
		before.Password.MemoryKiB != after.Password.MemoryKiB || before.ReadTimeout != after.ReadTimeout || before.Listen != after.Listen || before.Log != after.Log {
		t.Errorf("got\n%+v\nwant\n%+v", after, before)
	}
}
