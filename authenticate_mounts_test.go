package gatehouse_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// besideV5 is a server with a v5 mount beside the first, and a page that says
// who asks and when they signed in.
func besideV5(t *testing.T) *gatehousetest.Gatehouse {
	gt := gatehousetest.New(t, func(c *gatehouse.Config) {
		c.Mounts = append(c.Mounts, gatehouse.Mount{BasePath: "/auth5", Dialect: "v5", Secrets: c.Mounts[0].Secrets})
	})
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", gt.Handler())
	mux.Handle("/auth5/", gt.Handler())
	mux.Handle("/me", gt.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gatehouse.PrincipalFrom(r.Context())
		fmt.Fprint(w, p.UserID, " ", p.SignedInAt.Unix())
	})))
	gt.Serve(mux)
	return gt
}

func signedInAt(gt *gatehousetest.Gatehouse, u gatehouse.User) string {
	return fmt.Sprint(u.ID, " ", gt.Clock.Now().Unix())
}

// A browser is one person's: who signs in at one mount as somebody else is
// nobody they were at the other, also for whoever has a copy of that cookie.
//
// proves: CB-4
func TestRequire_signInAtOneMountAsSomebodyElseEndsTheOther(t *testing.T) {
	gt := besideV5(t)
	ann, bob := gt.User(), gt.User()
	c := gt.SignIn(ann)
	copied := gt.Anonymous()
	at := mustURL(t, gt.URL)
	copied.Jar.SetCookies(at, c.Jar.Cookies(at))
	if got := get(t, copied, gt.URL+"/me"); got != signedInAt(gt, ann) {
		t.Fatalf("before: %q", got)
	}
	if status := post(t, c, gt.URL+"/auth5/login", credentials(bob)); status != http.StatusOK {
		t.Fatalf("sign-in at the second mount: %d", status)
	}
	if got := get(t, c, gt.URL+"/me"); got != signedInAt(gt, bob) {
		t.Errorf("after signing in as %s: %q", bob.ID, got)
	}
	if n := len(sessionsOf(c.Jar.Cookies(at))); n != 1 {
		t.Errorf("%d session cookies, want that of the sign-in alone", n)
	}
	if res := copied.Visit("/me"); res.StatusCode == http.StatusOK {
		t.Error("the ended session goes on elsewhere")
	}
}

// The same person may be signed in at both, as while an application moves; the
// later sign-in counts, so a password just given is a password just given.
func TestRequire_laterSignInOfTheSamePersonCounts(t *testing.T) {
	gt := besideV5(t)
	ann := gt.User()
	c := gt.SignIn(ann)
	gt.Clock.Advance(time.Hour)
	for _, base := range []string{"/auth5", "/api/auth"} {
		gt.Clock.Advance(time.Minute)
		if status := post(t, c, gt.URL+base+"/login", credentials(ann)); status != http.StatusOK {
			t.Fatalf("sign-in at %s: %d", base, status)
		}
		if got := get(t, c, gt.URL+"/me"); got != signedInAt(gt, ann) {
			t.Errorf("signed in at %s: %q, want %q", base, got, signedInAt(gt, ann))
		}
		for _, session := range []string{"/api/auth/session", "/auth5/session"} {
			if got := get(t, c, gt.URL+session); len(got) < 10 {
				t.Errorf("signed in at %s: %s answers %q", base, session, got)
			}
		}
	}
}

// Whoever signs out is nobody behind Require, whichever mount they signed out
// at, and so is whoever has a copy of a cookie.
//
// proves: ASVS 7.4.1
func TestRequire_signOutAtOneMountIsSignOut(t *testing.T) {
	for _, out := range []string{"/api/auth/logout", "/auth5/logout"} {
		for _, in := range [][]string{{"/api/auth/login"}, {"/auth5/login"}, {"/api/auth/login", "/auth5/login"}} {
			gt := besideV5(t)
			ann := gt.User()
			c, copied, at := gt.Anonymous(), gt.Anonymous(), mustURL(t, gt.URL)
			for _, path := range in {
				if status := post(t, c, gt.URL+path, credentials(ann)); status != http.StatusOK {
					t.Fatalf("%s: %d", path, status)
				}
			}
			copied.Jar.SetCookies(at, c.Jar.Cookies(at))
			if status := post(t, c, gt.URL+out, `{}`); status != http.StatusOK || len(sessionsOf(c.Jar.Cookies(at))) != 0 {
				t.Errorf("%v, %s: %d, cookies %v", in, out, status, c.Jar.Cookies(at))
			}
			for who, client := range map[string]*gatehousetest.Client{"the browser": c, "a copy": copied} {
				if res, err := client.Get(gt.URL + "/me"); err != nil || res.StatusCode != http.StatusUnauthorized {
					t.Errorf("%v, %s: %s is still let in (%v)", in, out, who, err)
				} else {
					_ = res.Body.Close()
				}
			}
		}
	}
}

// sessionsOf leaves out what makes a browser known: it outlives sessions.
func sessionsOf(cookies []*http.Cookie) []*http.Cookie {
	return slices.DeleteFunc(slices.Clone(cookies), func(c *http.Cookie) bool { return strings.HasSuffix(c.Name, ".known") })
}
