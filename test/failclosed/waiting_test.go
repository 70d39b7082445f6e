package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// longestWait is how long a request may wait for the store, all its calls
// together.
const longestWait = 10 * time.Second

// A store that hangs without an end of its own keeps nobody waiting for longer
// than ten seconds: then the answer is 503 with Retry-After, no cookie is
// touched, and the log has the cause.
//
// proves: ASVS 16.5.3
func TestRequest_waitsForAStoreThatHangsNoLongerThanItMay(t *testing.T) {
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, data, withTokens)
		p := &scene{person: s.person(nil).logIn(v4), t: t}
		if a := p.keep(p.post(t.Context(), "/token", map[string]string{})); a.status != http.StatusOK {
			t.Fatalf("token: %d %s", a.status, a.body)
		}
		if _, err := s.Users().SetRoles(t.Context(), "test", p.ID, []string{"user"}); err != nil { // so that checks read the row
			t.Fatal(err)
		}
		var stood atomic.Int64
		s.line.set(func(ctx context.Context, name string, do func() error) error {
			if strings.HasPrefix(name, "feed.") || name == "OpenFeed" || name == "RemoveNode" {
				return do()
			}
			stood.Add(1)
			<-ctx.Done() // for ever, unless somebody gives up
			return ctx.Err()
		})
		for name, q := range map[string]request{
			"signing in":   loginWith(v4, p.Email, password),
			"checking":     {path: v4 + "/session"},
			"refreshing":   {method: http.MethodPost, path: v4 + "/refresh", json: fmt.Sprintf(`{"refresh_token":%q}`, p.tokens.Refresh)},
			"revoking":     {method: http.MethodPost, path: v4 + "/sessions/revoke-all", json: "{}"},
			"registering":  {method: http.MethodPost, path: v4 + "/register", json: fmt.Sprintf(`{"email":"new@app.example","password":%q}`, newPassword)},
			"the own page": {path: v4 + "/account", visits: true},
		} {
			stood.Store(0)
			s.log.take()
			begun := time.Now()
			a := p.copy().ask(t.Context(), q)
			took := time.Since(begun)
			switch {
			case a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.began || a.dropped:
				t.Errorf("%s: %d %v %s", name, a.status, a.header, a.body)
			case took > longestWait || took < longestWait/4 || stood.Load() == 0:
				t.Errorf("%s: answered after %v, %d calls hung", name, took, stood.Load())
			}
			if log := s.log.take(); !told(log) {
				t.Errorf("%s: the log does not have the cause: %s", name, log)
			}
		}
		s.line.set(nil)
		if !p.signedIn() {
			t.Error("signed out by a store that hung")
		}
	})
}
