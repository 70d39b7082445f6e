package gatehousetest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// newApp is a program that embeds Gatehouse.
func newApp(g *gatehouse.Gatehouse) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", g.Handler())
	mux.Handle("/me", g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gatehouse.PrincipalFrom(r.Context())
		fmt.Fprintf(w, "%s %v", p.UserID, p.Roles)
	})))
	mux.Handle("/admin", g.Require(gatehouse.Role("admin"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return mux
}

func get(t *testing.T, c *gatehousetest.Client, address string) (status int, body string) {
	t.Helper()
	res, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestClient_isSignedInWithItsRoles(t *testing.T) {
	for _, dialect := range []string{"v4", "v5"} {
		gt := gatehousetest.New(t, func(c *gatehouse.Config) { c.Mounts[0].Dialect = dialect })
		gt.Serve(newApp(gt.Gatehouse))
		user, admin := gt.Client("user"), gt.Client("admin", "user")
		for want, who := range map[int]*gatehousetest.Client{401: gt.Anonymous(), 403: user, 200: admin} {
			if got, _ := get(t, who, gt.URL+"/admin"); got != want {
				t.Errorf("%s: %q gets %d, want %d", dialect, who.User.Roles, got, want)
			}
		}
		if _, body := get(t, admin, gt.URL+"/me"); body != string(admin.User.ID)+" [admin user]" {
			t.Errorf("%s: me is %q, want %s", dialect, body, admin.User.ID)
		}
		if user.User.ID == admin.User.ID || user.User.Email == admin.User.Email {
			t.Errorf("%s: two clients are one user", dialect)
		}
	}
}

func TestRevoke_endsTheSessionsOfOneUser(t *testing.T) {
	gt := gatehousetest.New(t)
	gt.Serve(newApp(gt.Gatehouse))
	ann, bob := gt.Client(), gt.Client()
	phone := gt.SignIn(ann.User)
	gt.Revoke(ann.User)
	for want, who := range map[int][]*gatehousetest.Client{401: {ann, phone}, 200: {bob, gt.SignIn(ann.User)}} {
		for _, c := range who {
			if got, _ := get(t, c, gt.URL+"/me"); got != want {
				t.Errorf("%s gets %d, want %d", c.User.Name, got, want)
			}
		}
	}
}

func TestSetRoles_actsOnTheNextRequest(t *testing.T) {
	gt := gatehousetest.New(t)
	gt.Serve(newApp(gt.Gatehouse))
	ann := gt.Client("admin")
	gt.SetRoles(ann.User, "user")
	if got, _ := get(t, ann, gt.URL+"/admin"); got != 403 {
		t.Errorf("after losing the role: %d", got)
	}
}

// The clock moves sessions to their end, and never makes the server stale.
func TestClock_movesSessionsToTheirEnd(t *testing.T) {
	gt := gatehousetest.New(t, func(c *gatehouse.Config) { c.Session.MaxAge = time.Hour })
	gt.Serve(newApp(gt.Gatehouse))
	ann := gt.Client()
	begun := gt.Clock.Now()
	for range 4 {
		gt.Clock.Advance(50 * time.Minute)
		if got, body := get(t, ann, gt.URL+"/me"); got != 200 {
			t.Fatalf("%s after the sign-in, in use: %d %s", gt.Clock.Now().Sub(begun), got, body)
		}
	}
	gt.Clock.Advance(time.Hour + time.Second)
	gt.Clock.Advance(-time.Hour)
	if got, _ := get(t, ann, gt.URL+"/me"); got != 401 {
		t.Errorf("unused for more than MaxAge: %d, want 401", got)
	}
}

func TestClient_saysWhatABrowserSays(t *testing.T) {
	gt := gatehousetest.New(t)
	gt.Serve(newApp(gt.Gatehouse))
	ann := gt.Client()
	post := func(origin string) int {
		r, err := http.NewRequest(http.MethodPost, gt.URL+"/me", strings.NewReader("a=b"))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		res, err := ann.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if r.Header.Get("Sec-Fetch-Site") != "" {
			t.Error("the caller's request was changed")
		}
		return res.StatusCode
	}
	if own, foreign := post(""), post("https://evil.example"); own != 200 || foreign != 403 {
		t.Errorf("own page %d, foreign page %d; want 200 and 403", own, foreign)
	}
}

func TestVisit_isLedToSignInAndNoFurther(t *testing.T) {
	gt := gatehousetest.New(t)
	gt.Serve(newApp(gt.Gatehouse))
	nobody := gt.Anonymous()
	res := nobody.Visit("/me")
	if got := res.Header.Get("Location"); res.StatusCode != 303 || !strings.HasPrefix(got, gt.URL+"/api/auth/signin?callbackUrl=") {
		t.Errorf("%d, leads to %q", res.StatusCode, got)
	}
	nobody.CheckRedirect = nil
	if res := nobody.Visit("/me"); res.StatusCode != 200 || res.Request.URL.Path != "/api/auth/signin" {
		t.Errorf("followed: %d at %s", res.StatusCode, res.Request.URL)
	}
	if res := gt.Client().Visit("/me"); res.StatusCode != 200 {
		t.Errorf("signed in: %d", res.StatusCode)
	}
}

// complaints is a test that is expected to fail.
type complaints struct {
	testing.TB
	said string
}

func (c *complaints) Fatal(args ...any) { c.said = fmt.Sprint(args...); panic(c) }
func (c *complaints) Fatalf(format string, args ...any) {
	c.said = fmt.Sprintf(format, args...)
	panic(c)
}

// What is used wrongly fails the test that does it, and says why.
func TestGatehouse_complainsAboutWrongUse(t *testing.T) {
	for want, do := range map[string]func(gt *gatehousetest.Gatehouse){
		"A role is 1 to 64 letters": func(gt *gatehousetest.Gatehouse) { gt.Client("no role") },
		"Serve was called already": func(gt *gatehousetest.Gatehouse) {
			gt.Serve(http.NotFoundHandler())
			gt.Serve(http.NotFoundHandler())
		},
	} {
		c := &complaints{TB: t}
		gt := gatehousetest.New(c)
		func() {
			defer func() {
				if p := recover(); p != c {
					t.Errorf("%s: recovered %v", want, p)
				}
			}()
			do(gt)
		}()
		if !strings.Contains(c.said, want) {
			t.Errorf("said %q, want %q", c.said, want)
		}
	}
}
