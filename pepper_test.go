package gatehouse_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	pw "github.com/gatehouse-auth/gatehouse/internal/password"
)

// dumped makes a user with the usual password and returns all that the database
// has written, and the hash in it.
func dumped(t *testing.T, cfg gatehouse.Config) (dump []byte, stored string) {
	t.Helper()
	g, err := gatehouse.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "ann@example.test", Password: password}); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(cfg.Database.Path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, content...)
	}
	found := regexp.MustCompile(`(\$hmac-sha256\$keyid=[0-9a-f]{12})?\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})`).FindSubmatch(dump)
	if found == nil {
		t.Fatal("no hash in the dump")
	}
	return dump, string(found[0])
}

// opens computes by itself what the stored hash says, without Gatehouse's code.
func opens(t *testing.T, stored, text string) bool {
	t.Helper()
	parts := strings.Split(stored, "$")
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[len(parts)-2])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[len(parts)-1])
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(argon2.IDKey([]byte(text), salt, 2, 19456, 1, 32), key)
}

// Whoever has taken the database and knows a password cannot see that it is the
// one; without a pepper they can, and with it Gatehouse can.
//
// proves: NIST-7, CS-29
func TestPepper_theDatabaseAloneCannotVerifyAPassword(t *testing.T) {
	plain := config(t)
	if _, stored := dumped(t, plain); !opens(t, stored, password) {
		t.Error("without a pepper the dump should verify the password: this test shows nothing")
	}

	cfg := config(t)
	cfg.Password.Peppers = []auth.Secret{pepper}
	dump, stored := dumped(t, cfg)
	id := pw.PepperID(pepper)
	if !strings.HasPrefix(stored, "$hmac-sha256$keyid="+id+"$") {
		t.Fatalf("stored as %q", stored)
	}
	for _, text := range []string{password, id + password, password + id, id} {
		if opens(t, stored, text) {
			t.Errorf("%q opens the stored hash", text)
		}
	}
	for _, h := range []*pw.Hasher{hasher(t), hasher(t, "q3Nf7Zk1Xr9Wb5Tj2Gc8Ly4Ph6Ms0DvE")} {
		if m, err := h.Verify(t.Context(), stored[strings.Index(stored, "$argon2id"):], password); err != nil || m.OK {
			t.Errorf("without its name: %+v, %v", m, err)
		}
	}
	if m, err := hasher(t, pepper).Verify(t.Context(), stored, password); err != nil || !m.OK {
		t.Errorf("with the pepper: %+v, %v", m, err)
	}
	for name, secret := range map[string][]byte{
		"pepper": []byte(pepper), "half of it": []byte(pepper[:16]), "it in base64": []byte(base64.StdEncoding.EncodeToString([]byte(pepper))), "it in hex": []byte(hex.EncodeToString([]byte(pepper))),
	} {
		if bytes.Contains(dump, secret) {
			t.Errorf("the database has the %s", name)
		}
	}
}

func hasher(t *testing.T, peppers ...auth.Secret) *pw.Hasher {
	t.Helper()
	h, err := pw.New(pw.Options{Peppers: peppers})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tryLogin posts the password of the user that dumped makes.
func tryLogin(t *testing.T, g *gatehouse.Gatehouse, pass string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/auth/login", strings.NewReader(fmt.Sprintf(`{"identifier":"ann@example.test","password":%q}`, pass)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	return w
}

// A deployment in which the pepper was forgotten answers 503 and says in its log
// which it was; the database says how many need it; and nobody waits once it is
// back.
func TestPepper_thatWasForgottenLocksNobodyOut(t *testing.T) {
	cfg := config(t)
	cfg.Password.Peppers = []auth.Secret{pepper}
	dumped(t, cfg)
	state, err := gatehouse.InspectDatabase(t.Context(), cfg.Database.Path)
	if err != nil || state.Peppers[pw.PepperID(pepper)] != 1 || len(state.Peppers) != 1 {
		t.Errorf("InspectDatabase: %v, %v", state.Peppers, err)
	}

	forgotten := cfg
	forgotten.Password.Peppers = nil
	lines := &readinessLog{}
	forgotten.Logger = slog.New(slog.NewTextHandler(lines, nil))
	g := open(t, forgotten)
	stop := start(t, g)
	for i := range 30 {
		w := tryLogin(t, g, []string{password, "not the password at all"}[i%2])
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Fatalf("try %d: %d %s", i, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), pw.PepperID(pepper)) || strings.Contains(w.Body.String(), "pepper") {
			t.Errorf("the answer tells of the pepper: %s", w.Body)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if told := slices.ContainsFunc(strings.Split(lines.String(), "\n"), func(line string) bool {
		return strings.Contains(line, "level=ERROR") && strings.Contains(line, "its ID is "+pw.PepperID(pepper))
	}); !told {
		t.Errorf("the log does not name the pepper:\n%s", lines)
	}

	g = open(t, cfg)
	stop = start(t, g)
	if w := tryLogin(t, g, password); w.Code != http.StatusOK {
		t.Errorf("the pepper is back: %d %s", w.Code, w.Body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
