package gatehouse_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// A list that cannot be used is told at the start, with what is wrong with it.
func TestNew_refusesAListOfBreachedPasswordsThatIsNone(t *testing.T) {
	folder := t.TempDir()
	for name, tt := range map[string]struct{ content, want string }{
		"none":     {"", "no such file"},
		"empty":    {"-", "is empty"},
		"no list":  {"password\nqwerty\n", "SHA-1"},
		"unsorted": {strings.Repeat("F", 40) + "\n" + strings.Repeat("0", 40) + "\n", "not in order"},
	} {
		cfg := config(t)
		cfg.Password.BreachedFile = filepath.Join(folder, name)
		if tt.content != "" {
			if err := os.WriteFile(cfg.Password.BreachedFile, []byte(strings.TrimPrefix(tt.content, "-")), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		g, err := gatehouse.New(t.Context(), cfg)
		if err == nil {
			g.Close()
			t.Errorf("%s: New accepts it", name)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text, "Config.Password.BreachedFile cannot be used: ") || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every way to a new password asks the list; sign-in does not.
//
// proves: ASVS 6.2.12
func TestBreachedPasswords_areRefusedWhereverOneIsSet(t *testing.T) {
	const good, listed = password, "kelp otters juggle nine"
	file := filepath.Join(t.TempDir(), "breached")
	write := func(texts ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Join(texts, "\r\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf("%X:37", sha1.Sum([]byte(listed))))
	cfg := config(t)
	cfg.Registration.Mode = "open"
	without := open(t, cfg)
	if _, err := without.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "ann@example.test", Password: listed}); err != nil {
		t.Fatalf("without the list: %v", err)
	}
	cfg.Password.BreachedFile = file
	g := open(t, cfg)
	stop := start(t, g)
	post := func(path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/api/auth/"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, r)
		return w
	}
	register := func(name, pass string) *httptest.ResponseRecorder {
		return post("register", fmt.Sprintf(`{"username":%q,"password":%q}`, name, pass))
	}
	if w := register("bob", listed); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "data breach") || !strings.Contains(w.Body.String(), `"password_common"`) {
		t.Errorf("register: %d %s", w.Code, w.Body)
	}
	if w := register("bob", good); w.Code != http.StatusCreated {
		t.Errorf("register with another: %d %s", w.Code, w.Body)
	}
	bob, err := g.Users().Find(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Users().SetPassword(t.Context(), "test", bob.ID, listed, false); auth.AsError(err).Code != auth.CodePasswordCommon {
		t.Errorf("set by the operator: %v", err)
	}
	if w := tryLogin(t, g, listed); w.Code != http.StatusOK {
		t.Errorf("sign-in with a password of before: %d %s", w.Code, w.Body)
	}

	// The rule while it cannot be asked: nobody sets a password, everybody signs in.
	write("0", "1")
	if w := register("cleo", good); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("register while the list is broken: %d %s", w.Code, w.Body)
	}
	if err := g.Users().SetPassword(t.Context(), "test", bob.ID, "seven grey herons at noon", false); auth.AsError(err).Code != auth.CodeUnavailable {
		t.Errorf("set while the list is broken: %v", err)
	}
	if w := tryLogin(t, g, listed); w.Code != http.StatusOK {
		t.Errorf("sign-in while the list is broken: %d %s", w.Code, w.Body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
