package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// fromFiles is the least environment with its secrets in files.
func fromFiles(own string) map[string]string {
	env := least()
	delete(env, "GATEHOUSE_SECRETS")
	env["GATEHOUSE_SECRETS_FILE"] = own
	return env
}

func TestLoad_secretFileHasOneSecretALine(t *testing.T) {
	for _, content := range []string{ownSecret + "\n" + ownSecond + "\n", ownSecret + "\n" + ownSecond, ownSecret + "\r\n" + ownSecond + "\r\n\r\n"} {
		s, err := config.Load("", environ(fromFiles(write(t, "own", content))))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Secrets) != 2 || s.Secrets[0] != ownSecret || s.Secrets[1] != ownSecond {
			t.Errorf("%q: got %d secrets", content, len(s.Secrets))
		}
	}
}

func TestLoad_secretFileIsRefused(t *testing.T) {
	folder := t.TempDir()
	for name, want := range map[string]string{
		filepath.Join(folder, "none"): "no such file",
		folder:                        "is a directory",
		write(t, "empty", ""):         "is empty",
		write(t, "break", "\n\n"):     "is empty",
		write(t, "huge", strings.Repeat("a", 2<<20)): "larger than",
	} {
		_, err := config.Load("", environ(fromFiles(name)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "secrets_file (GATEHOUSE_SECRETS_FILE)") {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
		if n := strings.Count(err.Error(), "\n"); n != 0 {
			t.Errorf("%s: one mistake, reported %d times: %v", name, n+1, err)
		}
	}
}

// proves: ASVS 13.3.1
func TestLoad_secretsThatEverybodyCanReadAreRefused(t *testing.T) {
	own := write(t, "own", ownSecret)
	inline := write(t, "g.yaml", "mounts:\n  - secrets: [\""+appSecret+"\"]\n")
	_, key := certificate(t)
	for _, mode := range []os.FileMode{0o604, 0o644, 0o602, 0o666} {
		for _, name := range []string{own, inline, key} {
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := config.Load("", environ(fromFiles(own))); err == nil || !strings.Contains(err.Error(), "chmod 600 "+own) {
			t.Errorf("secrets_file with mode %o: %v", mode, err)
		}
		if _, err := config.Load(inline, environ(least())); err == nil || !strings.Contains(err.Error(), "chmod 600 "+inline) {
			t.Errorf("secrets in the file with mode %o: %v", mode, err)
		}
		if _, err := config.Load("", environ(least(), map[string]string{"GATEHOUSE_TLS_CERT_FILE": "c", "GATEHOUSE_TLS_KEY_FILE": key})); err == nil || !strings.Contains(err.Error(), "chmod 600 "+key) {
			t.Errorf("key with mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(own, 0o640); err != nil {
		t.Fatal(err)
	}
	s, err := config.Load("", environ(fromFiles(own)))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Warnings) == 0 || s.Warnings[0].Field != "secrets_file" {
		t.Errorf("a group that can read secrets is not warned of: %v", s.Warnings)
	}
}

func TestLoad_fileWithoutSecretsMayBeReadByAll(t *testing.T) {
	file := write(t, "g.yaml", "name: Acme\n")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(file, environ(least())); err != nil {
		t.Error(err)
	}
}

func TestLoad_environmentReplacesTheFileOfSecrets(t *testing.T) {
	file := write(t, "g.yaml", "secrets_file: "+filepath.Join(t.TempDir(), "none")+"\n")
	for _, name := range []string{"GATEHOUSE_SECRETS", "GATEHOUSE_SECRETS_0"} {
		env := least()
		delete(env, "GATEHOUSE_SECRETS")
		env[name] = otherSecret
		s, err := config.Load(file, environ(env))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(s.Secrets) != 1 || s.Secrets[0] != otherSecret {
			t.Errorf("%s: got %d secrets", name, len(s.Secrets))
		}
	}
	_, err := config.Load("", environ(least(), map[string]string{"GATEHOUSE_SECRETS_FILE": "x"}))
	if err == nil || !strings.Contains(err.Error(), "secrets_file (GATEHOUSE_SECRETS_FILE) is also given by GATEHOUSE_SECRETS") {
		t.Errorf("secret and file of secrets together: %v", err)
	}
}

// proves: ASVS 13.3.2
func TestLoad_noErrorShowsASecret(t *testing.T) {
	const mark = "Vy7Kq"
	for _, file := range []string{
		"secrets: " + mark, "secrets: [" + mark + "]", "secrets: [*" + mark + "]", "secrets: [&" + mark + " x]", "secrets: [\"" + mark + "]", "secrets: [!!int " + mark + "]",
		"secrets: ['" + mark + "', '" + mark + "']", "secrets: {a: " + mark + "}", "secrets:\n - [" + mark + "]", "mounts: " + mark, "mounts: [" + mark + "]", "mounts: [{secrets: " + mark + "}]",
		"secrets: @" + mark, "secrets: %" + mark, "secrets:\n\t- " + mark, "secrets: [" + mark + "\n", "secrets: \"\\" + mark + "\"",
	} {
		_, err := config.Load(write(t, "g.yaml", file), nil)
		if err == nil || strings.Contains(err.Error(), mark) {
			t.Errorf("%q: %v", file, err)
		}
	}
	for _, name := range []string{"GATEHOUSE_SECRETS", "GATEHOUSE_SECRETS_0", "GATEHOUSE_SECRET", "GATEHOUSE_MOUNTS_0_SECRETS", "GATEHOUSE_MOUNTS_SECRETS"} {
		_, err := config.Load("", []string{name + "=" + mark})
		if err == nil || strings.Contains(err.Error(), mark) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := config.Load("", environ(fromFiles(write(t, "own", mark+"\n"+mark))))
	if err == nil || strings.Contains(err.Error(), mark) {
		t.Errorf("in a file: %v", err)
	}
}

// proves: ASVS 13.3.2
func TestPrint_redactsSecretsAndCanBeReadAgain(t *testing.T) {
	file := write(t, "g.yaml", "name: \"yes\"\nregistration: {roles: [\"1\", b]}\nsession: {max_age: 36h}\nmounts: [{pages: {sign_in: /in}}]\n")
	s, err := config.Load(file, environ(least(), map[string]string{"GATEHOUSE_PASSWORD_CONTEXT_WORDS": "a: b,#c"}))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{ownSecret, appSecret} {
		if strings.Contains(out.String(), secret) {
			t.Fatal("a secret is printed")
		}
	}
	for _, line := range []string{
		"- '[redacted]' # GATEHOUSE_SECRETS", "name: yes # " + file + ":1", "max_age: 1d12h # " + file + ":3", "passes: 2 # default", "sign_in: /in # " + file + ":4",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
	again := strings.Replace(out.String(), "'[redacted]'", ownSecret, 1)
	again = strings.Replace(again, "'[redacted]'", appSecret, 1)
	s2, err := config.Load(write(t, "again.yaml", again), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, again)
	}
	if diff := cmp.Diff(s, s2, cmpopts.IgnoreUnexported(config.Settings{}), cmpopts.IgnoreFields(config.Settings{}, "Warnings")); diff != "" {
		t.Error(diff)
	}
}

func TestLoad_certificateIsTriedAtOnce(t *testing.T) {
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	env := least()
	delete(env, "GATEHOUSE_BEHIND_PROXY")
	env["GATEHOUSE_TLS_CERT_FILE"], env["GATEHOUSE_TLS_KEY_FILE"] = cert, key
	if _, err := config.Load("", environ(env)); err != nil {
		t.Error(err)
	}
	env["GATEHOUSE_TLS_KEY_FILE"] = otherKey
	if _, err := config.Load("", environ(env)); err == nil {
		t.Error("a key of another certificate is accepted")
	}
	env["GATEHOUSE_TLS_KEY_FILE"], env["GATEHOUSE_PUBLIC_ORIGIN"] = key, "http://localhost:3000"
	if _, err := config.Load("", environ(env)); err == nil {
		t.Error("TLS is accepted while browsers are told http")
	}
}

func TestLoad_warnsOfWhatIsAllowedAndRisky(t *testing.T) {
	s, err := config.Load("", environ(least(), map[string]string{"GATEHOUSE_PUBLIC_ORIGIN": "http://localhost:3000", "GATEHOUSE_LISTEN": "0.0.0.0:8787"}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range s.Warnings {
		got = append(got, w.Field)
	}
	if diff := cmp.Diff([]string{"listen"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("public_origin: https://app.example\nbehind_proxy: true\nsecrets: ["+ownSecret+"]\nmounts: [{secrets: ["+appSecret+"]}]\n", "GATEHOUSE_SESSION_MAX_AGE", "1d")
	f.Add("a: &a [*a]\n", "GATEHOUSE_MOUNTS_0_SECRETS_1", "x")
	f.Add("{<<: {name: x}, ? [a] : b}", "GATEHOUSE_REGISTRATION_ROLES", "a,,b")
	f.Add("mounts:\n- \n- {}\n- x\nsession:\nname: !!binary aGk=\n", "GATEHOUSE_MOUNTS_999_DIALECT", "")
	f.Add("--- \n...\n---\n", "GATEHOUSE_", "=")
	f.Add("session: {max_age: 106751d, local_trust: -1s}\npassword: {lanes: 99999999999999999999}", "GATEHOUSE_PASSWORD_LANES", "-0")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		file := filepath.Join(t.TempDir(), "g.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name+text, "_FILE") || strings.Contains(text, "_file") {
			return // names files of this machine
		}
		s, err := config.Load(file, []string{name + "=" + value})
		if err != nil {
			var e *config.Error
			if !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, p := range e.Problems {
				if p.Problem.Problem == "" || p.Cure == "" {
					t.Errorf("incomplete: %+v", p)
				}
			}
			return
		}
		if err := s.Validate(); err != nil {
			t.Errorf("loaded, and not valid: %v", err)
		}
		if err := s.Print(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}
