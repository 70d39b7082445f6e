package reference_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

const (
	ownSecret = "mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"
	appSecret = "8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"
	apiSecret = "Tz7mQ4cB2sVx9pHk1eRt6uJw8nLf3aDg"
	pepper    = "Yw2mQ0cB7sVx4pHk9eRt1uJz6nLf8aDg"
	master    = "m4Vt8Qa2Zx6Lk0Hd3Wy7Rb1Nf5Jc9GsE"
)

// least is the smallest environment that is accepted.
var least = []string{
	"GATEHOUSE_PUBLIC_ORIGIN=https://app.example", "GATEHOUSE_SECRETS=" + ownSecret, "GATEHOUSE_MOUNTS_0_SECRETS=" + appSecret,
	"GATEHOUSE_BEHIND_PROXY=true",
}

// write makes a file that nobody else can read.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "g.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems returns what the loader has against the file, beside a good
// environment: its settings that the file gives itself are left out there.
func problems(t *testing.T, text string) []config.Problem {
	t.Helper()
	environ := slices.DeleteFunc(slices.Clone(least), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "GATEHOUSE_PUBLIC_ORIGIN":
			return strings.HasPrefix(text, "public_origin:")
		case "GATEHOUSE_SECRETS":
			return strings.HasPrefix(text, "secrets")
		case "GATEHOUSE_MOUNTS_0_SECRETS":
			return strings.HasPrefix(text, "mounts") && strings.Contains(text, "secrets")
		}
		return strings.HasPrefix(text, "behind_proxy:")
	})
	file := filepath.Join(scratch, "g.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(file, environ)
	if err == nil {
		return nil
	}
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	return e.Problems
}

// asYAML writes one setting as a configuration file; path is one of
// config.Tree.
func asYAML(path, value string) string {
	var b strings.Builder
	b.WriteString(path + ": " + value)
	text := b.String()
	keys := strings.Split(path, ".")
	for i := len(keys) - 2; i >= 0; i-- {
		inner := strings.TrimPrefix(text, strings.Join(keys[:i+1], ".")+".")
		if key, list := strings.CutSuffix(keys[i], "[]"); list {
			text = strings.Join(append(slices.Clone(keys[:i]), key), ".") + ": [{" + inner + "}]"
		} else {
			text = strings.Join(keys[:i+1], ".") + ": {" + inner + "}"
		}
	}
	return text + "\n"
}

// schemaPaths lists the keys that the schema knows, as config.Tree names them.
func schemaPaths(schema map[string]any, path string) (all []string) {
	if items, ok := schema["items"].(map[string]any); ok && items["properties"] != nil {
		return schemaPaths(items, strings.TrimSuffix(path, ".")+"[].")
	}
	properties, _ := schema["properties"].(map[string]any)
	for key, one := range properties {
		all = append(all, path+key)
		all = append(all, schemaPaths(one.(map[string]any), path+key+".")...)
	}
	return all
}

// settingPaths lists the keys that the loader knows.
func settingPaths() (all []string) {
	config.Walk(config.Tree(), func(s config.Setting) {
		all = append(all, s.Path)
		if s.Filed() {
			all = append(all, s.Path+"_file")
		}
	})
	return all
}

func TestSchema_hasEverySettingAndNothingElse(t *testing.T) {
	schema := readSchema(t)
	got, want := schemaPaths(schema, ""), settingPaths()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The loader's own list, which the environment is read by, says the same.
	for _, p := range config.Paths() {
		if !slices.Contains(want, strings.ReplaceAll(p, "[0]", "[]")) {
			t.Errorf("%s is read, and not described", p)
		}
	}
}

// checkForm wants what the standard wants of each keyword, and a description
// and closed groups everywhere.
func checkForm(t *testing.T, at string, schema map[string]any) {
	_, isGroup := schema["properties"]
	if isGroup && schema["additionalProperties"] != false {
		t.Errorf("%s takes unknown keys", at)
	}
	if schema["type"] == nil {
		t.Errorf("%s has no type", at)
	}
	if p, ok := schema["pattern"].(string); ok {
		if _, err := regexp.Compile(p); err != nil || strings.Contains(p, "(?") {
			t.Errorf("%s: the pattern %s is not one for every evaluator: %v", at, p, err)
		}
	}
	if d, ok := schema["default"]; ok {
		e := &evaluator{}
		e.check(at, schema, jsonAsYAML(d))
		for _, fault := range e.faults {
			t.Errorf("the default breaks its own schema: %s", fault)
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		checkForm(t, at+"[]", items)
	}
	properties, _ := schema["properties"].(map[string]any)
	for key, one := range properties {
		one := one.(map[string]any)
		if text, _ := one["description"].(string); text == "" {
			t.Errorf("%s.%s has no description", at, key)
		}
		checkForm(t, at+"."+key, one)
	}
}

// jsonAsYAML turns the whole numbers of JSON into those of YAML.
func jsonAsYAML(v any) any {
	if f, ok := v.(float64); ok && f == float64(int(f)) {
		return int(f)
	}
	return v
}

func TestSchema_isWellFormed(t *testing.T) {
	schema := readSchema(t)
	if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("no draft is named: %v", schema["$schema"])
	}
	checkForm(t, "", schema)
}

// What both refuse, and what both accept: the schema is what an editor says
// before the loader is asked.
func TestSchema_refusesWhatTheLoaderRefuses(t *testing.T) {
	schema := readSchema(t)
	for _, text := range []string{
		"sesion: {}", "session: {maxage: 1d}", "mounts: [{base: /x}]", "max_per_user: 3", "log: {file: x}", "mounts: [{pages: {signin: /x}}]",
		"name: 123", "name: true", "name: [a]", "name:", "password: {passes: '3'}", "password: {passes: 3.5}", "password: {passes: 0}", "password: {passes:}",
		"behind_proxy: 'true'", "behind_proxy: 1", "session: {max_age: 90}", "session: {max_age: '90'}", "session: {max_age: 2w}", "session: {max_age: 0s}", "session: {max_age: 0d0h}", "session: {max_age: ''}",
		"session: {max_age: 1h2d}", "session: {max_age: 30 days}", "registration: {roles: admin}", "registration: {roles: ['']}", "registration: {roles: [a b]}", "registration: {mode: maybe}",
		"session: 30d", "session: [a]", "mounts: {base_path: /x}", "mounts: [x]", "tls: /etc/cert.pem",
		"public_origin: app.example", "public_origin: https://App.example", "public_origin: https://app.example/", "public_origin: https://app.example/x", "public_origin: ftp://app.example", "public_origin: https://a b",
		"secrets: short", "secrets: [tooshort]", "secrets: ['" + ownSecret + "']\nsecrets_file: x", "secrets_file: ''", "secrets_file: [x]", "mounts: [{secrets: ['" + appSecret + "'], secrets_file: x}]",
		"mounts: [{base_path: api}]", "mounts: [{base_path: /}]", "mounts: [{base_path: /api/}]", "mounts: [{base_path: '/a b'}]", "mounts: [{dialect: v6}]", "mounts: [{dialect: 5}]",
		"mounts: [{pages: {sign_in: login}}]", "mounts: [{pages: {sign_in: //evil.example}}]", "mounts: [{pages: {sign_in: '/a b'}}]", "mounts: [{pages: {sign_in: '/a#b'}}]", "mounts: [{update_fields: [email]}]",
		"listen: 127.0.0.1", "listen: 127.0.0.1:http", "ops_listen: '8788'", "log: {format: xml}", "log: {level: loud}", "client_address: {header: 'a b'}",
		"client_address: {trusted_proxies: [proxy.example]}", "client_address: {trusted_proxies: 10.0.0.1}", "password: {context_words: ['']}", "[]", "x",
		"password: {peppers: [tooshort]}", "password: {peppers: ['" + pepper + "'], peppers_file: x}", "password: {skip_pepper: 1}", "keys: {master: [tooshort]}", "keys: {lead: soon}", "session: {clear_site_data: [cookie]}", "session: {clear_site_data: cache}",
		"csp_report_url: report", "csp_report_url: 'https://r.example/a; script-src *'", "csp_report_url: '/a,b'", "csp_report_url: '/a\"b'", "csp_report_url: //evil.example", "csp_report_url: 'javascript:alert(1)'",
		"appearance: {radius: 10}", "appearance: {radius: 25px}", "appearance: {radius: '10'}", "appearance: {radius: 010px}", "appearance: {accent: blue}", "appearance: {accent: '#abc'}", "appearance: {language: xx}", "appearance: {terms_url: terms}",
		"appearance: {terms_url: 'mailto:help@app.example'}", "appearance: {support_url: 'javascript:alert(1)'}", "appearance: {support_url: //evil.example}",
		"tracing: {endpoint: collector}", "tracing: {endpoint: 'grpc://collector'}", "tracing: {endpoint: 'https://u:p@collector'}", "tracing: {sample_one_in: 0}", "tracing: {endpoint: 'https://c', headers: [x]}",
	} {
		if len(problems(t, text)) == 0 {
			t.Errorf("%s: the loader accepts it", text)
		}
		if len(faults(t, schema, text)) == 0 {
			t.Errorf("%s: the schema accepts it", text)
		}
	}
	for _, text := range []string{
		"{}", "session:", "mounts:", "registration: {roles: }", "session: {max_age: 1d12h}", "session: {max_age: 1.5h}", "session: {max_age: 1h30m, absolute_lifetime: 400d, local_trust: 1s}",
		"listen: '[::1]:8787'", "listen: :8787", "listen: 127.0.0.1:0", "client_address: {trusted_proxies: [10.0.0.1, 'fd00::/8', 192.168.0.0/16]}", "name: ''", "name: 'Käthe & Söhne'",
		"public_origin: http://localhost:3000", "public_origin: 'http://[::1]:3000'", "public_origin: https://xn--bcher-kva.example:8443",
		"mounts: [{base_path: /a/b-c_d.e~f, secrets: ['" + appSecret + "'], pages: {sign_in: 'https://app.example/login?x=1', error: /e}, update_fields: [none]}, {base_path: /auth, dialect: v5, secrets: ['Zk1w,R5uXq0aVe7oIy2mCt9pBs4hNd8G']}]",
		"appearance: {accent: '#1a5fb4', radius: 0px, terms_url: /terms, privacy_url: 'https://app.example/privacy#x', support_url: 'mailto:help@app.example', language: de}",
		"tracing: {endpoint: 'https://collector.example', headers: ['x-key=secret'], sample_one_in: 10}",
		"secrets: ['" + ownSecret + "']", "shutdown_delay: 500ms", "password: {context_words: [Acme]}",
		"password: {peppers: ['" + pepper + "'], skip_pepper: true}", "keys: {master: ['" + master + "'], lead: 30m, rotate_every: 30d}", "session: {clear_site_data: [cache, cookies, storage]}", "csp_report_url: /api/auth/csp-report", "csp_report_url: 'https://r.example/x?y=z&a=b'",
	} {
		if list := problems(t, text); len(list) > 0 {
			t.Errorf("%s: the loader says %v", text, list)
		}
		if list := faults(t, schema, text); len(list) > 0 {
			t.Errorf("%s: the schema says %v", text, list)
		}
	}
}

// junk is tried with every setting, junkTexts with those that hold texts.
var (
	junk = []string{
		"x", `""`, "true", "1", "-1", "0", "3.5", "2147483647", "[]", "[a]", `[""]`, "[1]", "{}", "{a: b}", "15m", "30d", "-1s", "0s", "1d12h", "1.5h", "null",
	}
	junkTexts = []string{
		`" "`, "/x", "//x", "https://app.example", "http://localhost:3000", "':1'", "127.0.0.1:9000", "'[::1]:1'", "v5", "open", "json", "debug", "[name]", "[none]", "[10.0.0.1]", "X-Real-IP", "[a, b, c]",
		"'#fff'", "'#2B4FD0'", "'8'", "0px", "24px", "25px", "1.5px", "mailto:help@app.example", "en", "de", "fr", "es", "it", "nl", "pl", "pt", "tr", "sv", "ar", "he", "ja", "zh",
	}
)

// The schema must never mark what the loader takes, and never let pass what has
// the wrong form.
func TestSchema_agreesWithTheLoaderAboutEverySetting(t *testing.T) {
	schema := readSchema(t)
	config.Walk(config.Tree(), func(s config.Setting) {
		values := junk
		if s.Form == config.Text || s.Form == config.Texts {
			values = slices.Concat(junk, junkTexts)
		}
		for _, value := range values {
			text := asYAML(s.Path, value)
			wrong := problemsAt(t, s.Path, text)
			list := faults(t, schema, text)
			switch {
			case len(wrong) == 0 && len(list) > 0 && value != `""`: // an empty text sets an enumeration back
				t.Errorf("%s: the loader accepts it, the schema says %v", strings.TrimSpace(text), list)
			case len(list) == 0 && slices.ContainsFunc(wrong, ofForm):
				t.Errorf("%s: the schema accepts it, the loader says %v", strings.TrimSpace(text), wrong)
			}
		}
	})
}

// problemsAt returns what the loader says about the setting itself.
func problemsAt(t *testing.T, path, text string) (out []config.Problem) {
	t.Helper()
	path = strings.ReplaceAll(path, "[]", "[0]")
	for _, p := range problems(t, text) {
		if p.Field == path || strings.HasPrefix(p.Field, path+"[") || strings.HasPrefix(p.Field, path+".") {
			out = append(out, p)
		}
	}
	return out
}

// ofForm says whether the value could not even be read.
func ofForm(p config.Problem) bool {
	for _, text := range []string{"is a list", "is a single value", "is a group", "as something other than text", "neither true nor false", "is not a whole number", "is not a duration", "would mean the default", "is not a setting", "has no value"} {
		if strings.Contains(p.Problem.Problem, text) {
			return true
		}
	}
	return false
}

// Numbers: the bounds of the schema are the loader's, on both sides. One
// without bounds must be one that the loader does not bound either.
func TestSchema_boundsAreTheLoaders(t *testing.T) {
	schema := readSchema(t)
	config.Walk(config.Tree(), func(s config.Setting) {
		if s.Form != config.Int {
			return
		}
		one := schemaAt(schema, s.Path)
		lowest, bounded := one["minimum"].(float64)
		highest, _ := one["maximum"].(float64)
		if !bounded {
			lowest, highest = 1, 1<<31-1
		}
		for _, n := range []int{int(lowest), int(highest)} {
			if list := problemsAt(t, s.Path, asYAML(s.Path, fmt.Sprint(n))); len(list) > 0 {
				t.Errorf("%s: %d is within the schema's bounds, the loader says %v (correct its rule in rules.go)", s.Path, n, list)
			}
		}
		for _, n := range []int{int(lowest) - 1, int(highest) + 1} {
			if list := problemsAt(t, s.Path, asYAML(s.Path, fmt.Sprint(n))); bounded && len(list) == 0 {
				t.Errorf("%s: %d is outside the schema's bounds, and the loader takes it", s.Path, n)
			}
		}
	})
}

// Durations: what the description says is allowed is what the loader allows.
func TestSchema_boundsOfDurationsAreTheLoaders(t *testing.T) {
	schema := readSchema(t)
	config.Walk(config.Tree(), func(s config.Setting) {
		if s.Form != config.Duration {
			return
		}
		outside := func(value string) bool {
			return slices.ContainsFunc(problemsAt(t, s.Path, asYAML(s.Path, value)), func(p config.Problem) bool {
				return strings.Contains(p.Problem.Problem, "out of bounds")
			})
		}
		m := allowed.FindStringSubmatch(schemaAt(schema, s.Path)["description"].(string))
		if m == nil {
			if outside("1ns") || outside("50000d") {
				t.Errorf("%s: the loader bounds it, and the description is silent (give its rule in rules.go)", s.Path)
			}
			return
		}
		if outside(m[2]) || !outside(m[2]+"1ns") && !outside(m[2]+"1s") {
			t.Errorf("%s: %s is not the longest that the loader takes", s.Path, m[2])
		}
		if m[1] == "" {
			return
		}
		shortest, err := config.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if outside(m[1]) || !outside((shortest - 1).String()) {
			t.Errorf("%s: %s is not the shortest that the loader takes", s.Path, m[1])
		}
	})
}

func TestSchema_enumerationsAreTheLoaders(t *testing.T) {
	schema := readSchema(t)
	config.Walk(config.Tree(), func(s config.Setting) {
		one := schemaAt(schema, s.Path)
		form := "%s"
		if items, ok := one["items"].(map[string]any); ok {
			one, form = items, "[%s]"
		}
		values, _ := one["enum"].([]any)
		for _, v := range values {
			if list := problemsAt(t, s.Path, asYAML(s.Path, fmt.Sprintf(form, v))); len(list) > 0 {
				t.Errorf("%s: the schema offers %v, the loader says %v", s.Path, v, list)
			}
		}
	})
}

// schemaAt finds the schema of a setting.
func schemaAt(schema map[string]any, path string) map[string]any {
	for key := range strings.SplitSeq(path, ".") {
		key, list := strings.CutSuffix(key, "[]")
		schema = schema["properties"].(map[string]any)[key].(map[string]any)
		if list {
			schema = schema["items"].(map[string]any)
		}
	}
	return schema
}

func TestSchema_acceptsWhatConfigPrintWrites(t *testing.T) {
	s, err := config.Load("", least)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	if list := faults(t, readSchema(t), strings.ReplaceAll(out.String(), "[redacted]", ownSecret)); len(list) > 0 {
		t.Errorf("%v in\n%s", list, out.String())
	}
}
