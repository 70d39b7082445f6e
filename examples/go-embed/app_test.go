package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

func serve(t *testing.T) *gatehousetest.Gatehouse {
	t.Helper()
	gt := gatehousetest.New(t, rules)
	gt.Serve(newApp(gt.Gatehouse))
	return gt
}

func text(t *testing.T, res *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// proves: NEXT-12, NEXT-20, NEXT-30
func TestApp_showsEachPageToWhomItIsFor(t *testing.T) {
	gt := serve(t)
	nobody, ann, root, bare := gt.Anonymous(), gt.Client("user"), gt.Client("admin", "user"), gt.Client()
	for _, c := range []struct {
		path                               string
		nobody, user, admin, roleless, api int // as a page, and for nobody's script
	}{
		{"/", 200, 200, 200, 200, 200}, {"/style.css", 200, 200, 200, 200, 200}, {"/notes", 303, 200, 200, 403, 401}, {"/admin", 303, 403, 200, 403, 401},
		{"/api/me", 303, 200, 200, 200, 401}, {"/api/notes", 303, 200, 200, 403, 401}, {"/nowhere", 404, 404, 404, 404, 404},
	} {
		for who, want := range map[*gatehousetest.Client]int{nobody: c.nobody, ann: c.user, root: c.admin, bare: c.roleless} {
			if got := who.Visit(c.path).StatusCode; got != want {
				t.Errorf("%s as %q: %d, want %d", c.path, who.User.Roles, got, want)
			}
		}
		res, err := nobody.Get(gt.URL + c.path)
		text(t, res, err)
		if res.StatusCode != c.api {
			t.Errorf("%s, a script: %d, want %d", c.path, res.StatusCode, c.api)
		}
	}
	front := text(t, ann.Visit("/"), nil)
	if !strings.Contains(front, "You are signed in") || strings.Contains(front, "/admin") {
		t.Errorf("the front page for Ann:\n%s", front)
	}
}

func TestApp_keepsNotesApart(t *testing.T) {
	gt := serve(t)
	ann, bob := gt.Client("user"), gt.Client("user")
	res, err := ann.PostForm(gt.URL+"/notes", url.Values{"text": {"<script>alert(1)</script>"}})
	text(t, res, err)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/notes" {
		t.Fatalf("a note by form: %d", res.StatusCode)
	}
	res, err = ann.Post(gt.URL+"/api/notes", "application/json", strings.NewReader(`{"text":"by the API"}`))
	if got := text(t, res, err); res.StatusCode != http.StatusCreated {
		t.Fatalf("a note by the API: %d %s", res.StatusCode, got)
	}
	page := text(t, ann.Visit("/notes"), nil)
	if !strings.Contains(page, "&lt;script&gt;") || strings.Contains(page, "<script>") || !strings.Contains(page, "by the API") || !strings.Contains(page, ann.User.Name) {
		t.Errorf("her page:\n%s", page)
	}
	res, err = bob.Get(gt.URL + "/api/notes")
	if got := text(t, res, err); got != "[]\n" {
		t.Errorf("his notes: %s", got)
	}
	for _, body := range []string{"", "{", `{"text":""}`, `{"text":"` + strings.Repeat("x", maxText+1) + `"}`, `{"text":"` + strings.Repeat("x", maxBody) + `"}`} {
		res, err := bob.Post(gt.URL+"/api/notes", "application/json", strings.NewReader(body))
		text(t, res, err)
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20q: %d, want 400", body, res.StatusCode)
		}
	}
}

// A program with a key made for reading reads, whatever else its role allows.
//
// proves: NEXT-34
func TestApp_letsAKeyDoWhatItWasMadeFor(t *testing.T) {
	gt := serve(t)
	key := gt.APIKey(gatehouse.NewAPIKey{Roles: []string{"admin", "user"}, Scopes: []string{"notes:read"}})
	for _, c := range []struct {
		method, path, key string
		want              int
	}{
		{"GET", "/api/notes", key, 200}, {"POST", "/api/notes", key, 403}, {"GET", "/admin", key, 403}, {"POST", "/admin/disable", key, 403},
		{"GET", "/api/me", key, 404},                                                           // a service is no user
		{"GET", "/api/notes", key + "x", 401}, {"GET", "/api/notes?x-api-key=" + key, "", 400}, // it stands in logs now
	} {
		r, err := http.NewRequest(c.method, gt.URL+c.path, strings.NewReader(`{"text":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if c.key != "" {
			r.Header.Set("X-Api-Key", c.key)
		}
		res, err := gt.Anonymous().Do(r)
		if got := text(t, res, err); res.StatusCode != c.want {
			t.Errorf("%s %.12s: %d %s, want %d", c.method, c.path, res.StatusCode, got, c.want)
		}
	}
}

// A page elsewhere cannot write into anybody's notebook.
//
// proves: ASVS 3.5.1, NEXT-5
func TestApp_takesNoFormFromElsewhere(t *testing.T) {
	gt := serve(t)
	ann := gt.Client("admin", "user")
	for _, path := range []string{"/notes", "/api/notes", "/admin/disable"} {
		r, err := http.NewRequest(http.MethodPost, gt.URL+path, strings.NewReader("text=x&id="+string(ann.User.ID)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		res, err := ann.Do(r)
		text(t, res, err)
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", path, res.StatusCode)
		}
	}
	res, err := ann.Get(gt.URL + "/api/notes")
	if got := text(t, res, err); res.StatusCode != http.StatusOK || got != "[]\n" {
		t.Errorf("afterwards: %d %s", res.StatusCode, got)
	}
}

// proves: ASVS 7.4.2
func TestApp_disablingEndsTheSessionAtOnce(t *testing.T) {
	gt := serve(t)
	ann, root := gt.Client("user"), gt.Client("admin")
	change := func(to string) {
		t.Helper()
		res, err := root.PostForm(gt.URL+"/admin/"+to, url.Values{"id": {string(ann.User.ID)}})
		text(t, res, err)
		if res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", to, res.StatusCode)
		}
	}
	change("disable")
	if got := ann.Visit("/notes"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("Ann's next request: %d, want the way to sign-in", got.StatusCode)
	}
	if page := text(t, root.Visit("/admin"), nil); !strings.Contains(page, "/admin/enable") {
		t.Errorf("the page of users:\n%s", page)
	}
	change("enable")
	if got := gt.SignIn(ann.User).Visit("/notes"); got.StatusCode != http.StatusOK {
		t.Errorf("signed in again: %d", got.StatusCode)
	}
	res, err := root.PostForm(gt.URL+"/admin/disable", url.Values{"id": {"nobody"}})
	text(t, res, err)
	if res.StatusCode < 400 || res.StatusCode >= 500 {
		t.Errorf("an ID that is none: %d", res.StatusCode)
	}
}

// The program as it is started: its own secrets, kept for their owner, and
// passwords told once.
func TestRun_keepsWhatItMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	start := func() (printed string) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var out bytes.Buffer
		err := run(ctx, options{listen: "127.0.0.1:0", origin: "http://localhost:8080", data: folder, started: func(address string) {
			defer stop()
			res, err := http.Get("http://" + address + "/")
			if got := text(t, res, err); res.StatusCode != http.StatusOK || !strings.Contains(got, "Notebook") {
				t.Errorf("front page: %d %s", res.StatusCode, got)
			}
		}}, &out)
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	secret := func() string {
		f := filepath.Join(folder, "gatehouse-secret")
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it for its owner alone", f, info, err)
		}
		b, _ := os.ReadFile(f)
		return string(b)
	}
	if got := start(); strings.Count(got, "password") != 2 {
		t.Errorf("the first start says:\n%s", got)
	}
	first := secret()
	if got := start(); strings.Contains(got, "password") {
		t.Errorf("the second start says:\n%s", got)
	}
	if secret() != first {
		t.Error("another secret at the second start: everybody would be signed out")
	}
}
