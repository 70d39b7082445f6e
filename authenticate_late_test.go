package gatehouse_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// slowly is a server whose /slow is asked and waits: while it does, meanwhile
// happens. The body begins before that; arrived is closed when the client has
// the header. It returns the cookies that the late answer sets.
func slowly(t *testing.T, gt *gatehousetest.Gatehouse, begin string, ask func() *gatehousetest.Client, meanwhile func(c *gatehousetest.Client, arrived <-chan bool)) []string {
	t.Helper()
	begun, goOn := make(chan bool), make(chan bool)
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", gt.Handler())
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, begin)
		begun <- true
		<-goOn
		_, _ = io.WriteString(w, "end")
	})
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		p, _ := gatehouse.PrincipalFrom(r.Context())
		fmt.Fprint(w, p.UserID)
	})
	gt.Serve(gt.Authenticate(mux))
	c := ask()
	late, arrived := make(chan []string, 1), make(chan bool)
	go func() {
		res, err := c.Get(gt.URL + "/slow")
		close(arrived)
		if err != nil {
			late <- []string{err.Error()}
			return
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err != nil {
			t.Error(err)
		}
		_ = res.Body.Close()
		late <- res.Header["Set-Cookie"]
	}()
	<-begun
	meanwhile(c, arrived)
	goOn <- true
	return <-late
}

// get is the body of a page as the client sees it.
func get(t *testing.T, c *gatehousetest.Client, address string) string {
	t.Helper()
	res, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// post sends JSON as the client and returns the status.
func post(t *testing.T, c *gatehousetest.Client, address, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func credentials(u gatehouse.User) string {
	return `{"identifier":"` + u.Email + `","password":"` + gatehousetest.Password.Reveal() + `"}`
}

// R14: a void cookie's late answer does not wipe the cookie of a sign-in made
// meanwhile.
func TestAuthenticate_lateAnswerToAVoidCookieLeavesANewSignInAlone(t *testing.T) {
	gt := gatehousetest.New(t)
	u := gt.User()
	var before []*http.Cookie
	var c *gatehousetest.Client
	set := slowly(t, gt, "", func() *gatehousetest.Client {
		c = gt.SignIn(u)
		gt.Revoke(u)
		gt.Clock.Advance(time.Minute) // void, no longer just ended
		return c
	}, func(c *gatehousetest.Client, _ <-chan bool) {
		gt.Clock.Advance(time.Minute)
		at := mustURL(t, gt.URL)
		c.Jar.SetCookies(at, gt.SignIn(u).Jar.Cookies(at)) // another tab of the same browser
		before = c.Jar.Cookies(at)
	})
	if after := c.Jar.Cookies(mustURL(t, gt.URL)); len(set) != 0 || len(before) == 0 || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the late answer sets %.70q: before %.70v, after %.70v", set, before, after)
	}
}

// The first bytes of an answer are buffered by the server; a cookie in it must
// not leave that late, over the one of whoever has signed in meanwhile.
func TestAuthenticate_bufferedAnswerDoesNotPutAnotherUserBack(t *testing.T) {
	for what, begin := range map[string]string{"a little": "<html>", "more than is held back": strings.Repeat("x", 2100), "nothing": ""} {
		t.Run(what, func(t *testing.T) {
			gt := gatehousetest.New(t)
			a, b := gt.User(), gt.User()
			var c *gatehousetest.Client
			slowly(t, gt, begin, func() *gatehousetest.Client {
				c = gt.SignIn(a)
				gt.Clock.Advance(5 * 24 * time.Hour)
				return c
			}, func(c *gatehousetest.Client, arrived <-chan bool) {
				if len(begin) > 2048 { // the cookie is on its way already, and must not wait in a buffer
					select {
					case <-arrived:
					case <-time.After(10 * time.Second):
						t.Error("the header is held back though it is settled")
					}
				}
				if status := post(t, c, gt.URL+"/api/auth/login", credentials(b)); status != http.StatusOK {
					t.Errorf("sign-in as somebody else: %d", status)
				}
			})
			if got := get(t, c, gt.URL+"/me"); got != string(b.ID) {
				t.Errorf("after signing in as %s: %q (the late answer is for %s)", b.ID, got, a.ID)
			}
		})
	}
}

// R15: renewal does not carry a session over its idle end while a handler takes
// its time.
func TestAuthenticate_renewsNothingPastTheIdleEnd(t *testing.T) {
	gt := gatehousetest.New(t)
	set := slowly(t, gt, "", func() *gatehousetest.Client {
		c := gt.Client()
		gt.Clock.Advance(29 * 24 * time.Hour)
		return c
	}, func(*gatehousetest.Client, <-chan bool) { gt.Clock.Advance(40 * 24 * time.Hour) })
	if len(set) != 0 {
		t.Errorf("the idle end is 39 days gone, and the answer sets %.60q", set)
	}
}

func mustURL(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
