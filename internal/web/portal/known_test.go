package portal_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// Whoever guesses wrongly on purpose keeps the owner out of browsers where they
// never were, and of no other.
//
// proves: CB-26, CS-6, ASVS 8.2.4
func TestSignIn_theOwnersBrowserStaysOpenWhileOthersGuess(t *testing.T) {
	s := webtest.New(t, nil)
	home := signUp(t, s)
	home.Get("/api/auth/signout").Submit(nil)
	if home.SignedInAs() != "" {
		t.Fatal("still signed in")
	}
	for range 5 {
		signIn(s, second)
	}
	if v := signIn(s, first); v.Status != 429 {
		t.Fatalf("a browser that is not known: %d, want it to wait", v.Status)
	}
	home.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": first})
	if got := home.SignedInAs(); got != ann {
		t.Errorf("at home: signed in as %q (%d)\n%s", got, home.Status, home.Body)
	}
}

// What makes a browser known is kept for long, out of reach of scripts, and sent
// once.
func TestSignIn_makesTheBrowserKnown(t *testing.T) {
	s := webtest.New(t, nil)
	signUp(t, s)
	login := `{"identifier":"` + ann + `","password":"` + first + `"}`
	v := s.Visitor().JSON("/api/auth/login", login)
	if v.Status != 200 {
		t.Fatalf("%d: %s", v.Status, v.Body)
	}
	var lines []string
	for _, line := range v.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "next-auth.known=") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "HttpOnly") || !strings.Contains(lines[0], "SameSite=Lax") ||
		!strings.Contains(lines[0], "Max-Age=34560000") || strings.Contains(lines[0], "ann") {
		t.Errorf("Set-Cookie %q", lines)
	}
	if again := v.JSON("/api/auth/login", login).Header.Values("Set-Cookie"); strings.Contains(strings.Join(again, "\n"), ".known=") {
		t.Errorf("a browser that is known is told so again: %q", again)
	}
}
