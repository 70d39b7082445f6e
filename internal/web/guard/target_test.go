package guard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// returnsTo is the callback URL of the redirect that a visit gets.
func (s *site) returnsTo(r *http.Request) string {
	s.t.Helper()
	visit(r)
	location := s.serve(r, guard.Policy{}, ok).Header.Get("Location")
	rest, found := strings.CutPrefix(location, s.V4.Base()+"/signin?")
	values, err := url.ParseQuery(rest)
	if !found || err != nil || len(values) != 1 || len(values["callbackUrl"]) != 1 {
		s.t.Fatalf("%s leads to %q", r.RequestURI, location)
	}
	return values.Get("callbackUrl")
}

// Where sign-in leads back to is made of the request target alone.
//
// proves: NEXT-22, NEXT-30, ASVS 1.2.2
func TestRefuse_returnsToWhatWasAskedFor(t *testing.T) {
	s := newSite(t)
	long := strings.Repeat("x", 4000)
	for target, want := range map[string]string{
		"/":                                    "/",
		"/a/b?c=d&e=f%20g":                     "/a/b?c=d&e=f%20g",
		"/%2F%2Fevil.example":                  "/%2F%2Fevil.example",
		"/a?callbackUrl=https://evil.example":  "/a?callbackUrl=https://evil.example",
		"/a?&callbackUrl=x#y":                  "/a?&callbackUrl=x#y",
		"//evil.example/x":                     "//evil.example/x",
		`/\evil.example`:                       `/\evil.example`,
		"/@evil.example":                       "/@evil.example",
		"/.evil.example":                       "/.evil.example",
		"/ä":                                   "/ä",
		"https://evil.example/x?y":             "/x?y",
		"http://evil.example":                  "/",
		"http://evil.example?y":                "/?y",
		"http://u:p@evil.example:1/":           "/",
		"javascript://app.example/%0aalert(1)": "/%0aalert(1)",
		"*":                                    "/",
		"/a?" + long:                           "/a",
		"/" + long + "?a":                      "",
		"/\xff":                                "", // no address, so no way back to it
		"/a\x7f":                               "",
	} {
		r := ask("GET", "/somewhere/else")
		r.RequestURI = target
		if got := s.returnsTo(r); got != roomtest.Origin+want {
			t.Errorf("%.60q: back to %.60q, want %.60q", target, got, roomtest.Origin+want)
		}
	}
}

// What a handler on the way has cut off belongs to the address all the same;
// a request that came from no server has only its URL.
func TestRefuse_returnsToTheWholeAddress(t *testing.T) {
	s := newSite(t)
	r := ask("GET", "/admin/users?page=2")
	var got string
	http.StripPrefix("/admin", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = s.returnsTo(r) })).ServeHTTP(nil, r)
	if got != roomtest.Origin+"/admin/users?page=2" {
		t.Errorf("behind StripPrefix: %q", got)
	}
	r = ask("GET", "/x?y")
	r.RequestURI = ""
	if got := s.returnsTo(r); got != roomtest.Origin+"/x?y" {
		t.Errorf("without a request line: %q", got)
	}
}

func FuzzReturnAddress(f *testing.F) {
	m, err := mount.New(&session.Room{}, roomtest.Origin, "/api/auth", seal.V4, []auth.Secret{roomtest.AppSecret})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"/", "//evil.example", `/\evil.example`, "https://evil.example/x", "@evil.example", ".evil.example/", ":80@evil.example/", "?x", "", "*", "\t//x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r := ask("GET", "/")
		r.RequestURI = target
		if target == "" {
			return
		}
		got := guard.ReturnAddress(m, r)
		rest, ours := strings.CutPrefix(got, roomtest.Origin)
		if !ours || rest != "" && rest[0] != '/' {
			t.Fatalf("%q leads back to %q", target, got)
		}
	})
}
