package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/management/client"
)

const key auth.Secret = "gh_live_0123456789abcdef_not-a-key-of-anybody"

func TestNew_takesNoAddressThatWouldGiveTheKeyAway(t *testing.T) {
	for server, good := range map[string]bool{
		"https://gatehouse.internal:8788": true, "https://gatehouse.internal": true, "https://gatehouse.internal/": true, "http://127.0.0.1:8788": true, "http://[::1]:8788": true, "http://localhost:8788": true,
		"http://gatehouse.internal:8788": false, "http://127.0.0.1.evil.example": false, "http://10.0.0.1:8788": false, "http://localhost.evil.example": false,
		"https://ops:secret-word@gatehouse.internal": false, "https://gatehouse.internal/api/v1": false, "https://gatehouse.internal?x=1": false, "https://gatehouse.internal#x": false,
		"gatehouse.internal:8788": false, "ftp://gatehouse.internal": false, "": false, "https://": false, "https://a b": false, "//gatehouse.internal": false,
	} {
		_, err := client.New(server, key)
		if (err == nil) != good {
			t.Errorf("%q: %v", server, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret-word") || strings.Contains(err.Error(), key.Reveal())) {
			t.Errorf("%q: the message has a secret: %v", server, err)
		}
	}
}

// serve returns a client of a server that answers so.
func serve(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A redirect would take the key to whoever it names, and a change with it.
func TestClient_followsNoRedirect(t *testing.T) {
	var stolen atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	t.Cleanup(thief.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL+r.URL.Path, status) })
		_, err := c.FindUser(t.Context(), "ada")
		if err == nil || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%d: %v", status, err)
		}
		if err := c.DeleteUser(t.Context(), auth.UserID("usr_x")); err == nil {
			t.Errorf("%d: the change succeeded", status)
		}
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("%d requests went on", n)
	}
}

func TestClient_verifiesTheCertificate(t *testing.T) {
	var reached atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	c, err := client.New(s.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.FindUser(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	if reached.Load() != 0 {
		t.Error("the request was sent to a server that nobody vouches for")
	}
}

// The key is in one header and nowhere else.
func TestClient_showsTheKeyInItsHeaderAlone(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got := r.Header.Get("Authorization"); got != "Bearer "+key.Reveal() {
			t.Errorf("%s %s: Authorization %q", r.Method, r.URL, got)
		}
		r.Header.Del("Authorization")
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), key.Reveal()) {
				t.Errorf("%s has the key", name)
			}
		}
		if strings.Contains(r.URL.String()+string(body), key.Reveal()) {
			t.Errorf("%s %s: the address or the body has the key", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"items":[{"id":"usr_x","roles":[]}]}`)
	})
	if _, err := c.FindUser(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
	if _, err := c.CreateUser(t.Context(), user.New{Username: "ada", Password: "seven quiet lanterns drift"}); err != nil {
		t.Error(err)
	}
	if _, err := c.DisableUser(t.Context(), "usr_x"); err != nil {
		t.Error(err)
	}
}

// Whatever a server answers, what is said about it has no key in it and no
// control characters of theirs.
func TestClient_turnsAnswersIntoRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		code   auth.Code
		says   string
	}{
		"a problem":         {409, `{"code":"identifier_taken","detail":"Taken.","status":409}`, auth.CodeIdentifierTaken, "Taken."},
		"not found":         {404, `{"code":"not_found","detail":"There is nothing here."}`, auth.CodeNotFound, ""},
		"a bad key":         {401, `{"code":"invalid_api_key","detail":"It is not good."}`, "", "does not take the API key: It is not good."},
		"escapes":           {400, `{"code":"invalid_request","detail":"\u001b[2Jgone"}`, auth.CodeInvalidRequest, "?[2Jgone"},
		"an unknown code":   {418, `{"code":"brewing","detail":"Tea."}`, "brewing", "Tea."},
		"a proxy's page":    {502, `<html>Bad Gateway</html>`, "", "not as the management API would"},
		"a page with 200":   {200, `<html>hello</html>`, "", "something else than the management API would"},
		"nothing":           {500, ``, "", "not as the management API would"},
		"not there":         {503, `{"code":"unavailable","detail":"Not now.","reference":"abc"}`, auth.CodeUnavailable, "abc"},
		"a problem of none": {400, `{}`, "", "not as the management API would"},
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		})
		_, err := client.CreateUser(t.Context(), user.New{Username: "ada"})
		if err == nil || c.code != "" && !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), key.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClient_readsNoEndlessAnswer(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		piece := []byte(strings.Repeat(" ", 1<<20))
		for range 64 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	if _, err := c.FindUser(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}
