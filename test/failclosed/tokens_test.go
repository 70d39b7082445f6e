package failclosed_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

const (
	api          = "https://api.example"
	clientSecret = "Lr7NcW3vQx0YtK5mJz8HbGd2SfPe6AuT"
)

// withTokens has a service that tokens are for, and a client that may ask.
func withTokens(cfg *gatehouse.Config) {
	sum := sha256.Sum256([]byte(clientSecret))
	cfg.Tokens.Audiences = []gatehouse.Audience{{ID: api, Own: true}}
	cfg.Tokens.Clients = []gatehouse.Client{{ID: "watch", SecretHash: hex.EncodeToString(sum[:]), Audiences: []string{api}, MayIntrospect: true}}
}

// granted is what a client keeps of an answer.
type granted struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (c *scene) post(ctx context.Context, path string, body map[string]string) answer {
	text, err := json.Marshal(body)
	if err != nil {
		c.site.t.Fatal(err)
	}
	return c.ask(ctx, request{method: http.MethodPost, path: v4 + path, json: string(text)})
}

// keep takes tokens out of an answer.
func (c *scene) keep(a answer) answer {
	var g granted
	if json.Unmarshal([]byte(a.body), &g) == nil && g.Access != "" {
		c.tokens = g
	}
	return a
}

func (c *scene) byPassword(ctx context.Context) answer {
	return c.keep(c.post(ctx, "/token", map[string]string{"identifier": c.Email, "password": password}))
}

func (c *scene) refresh(ctx context.Context, with string) answer {
	return c.post(ctx, "/refresh", map[string]string{"refresh_token": with})
}

// active says whether the access token is good: the service that introspects and
// the guarded address must agree.
func (c *scene) active() bool {
	c.site.t.Helper()
	told := c.introspect(context.Background())
	bearer := c.elsewhere().ask(context.Background(), request{path: "/guarded", header: http.Header{"Authorization": {"Bearer " + c.tokens.Access}}})
	active := strings.Contains(told.body, `"active":true`)
	if told.status != http.StatusOK || active != (bearer.status == http.StatusOK) || !active && bearer.status != http.StatusUnauthorized {
		c.site.t.Fatalf("introspection says %d %s, and /guarded %d %s", told.status, told.body, bearer.status, bearer.body)
	}
	return active
}

func (c *scene) introspect(ctx context.Context) answer {
	return c.post(ctx, "/introspect", map[string]string{"token": c.tokens.Access, "client_id": "watch", "client_secret": clientSecret})
}

// tokenJourneys issue, renew, judge and end tokens.
func tokenJourneys() []journey {
	with := func(more func(s *site, c *scene)) func(s *site) *scene {
		return func(s *site) *scene {
			c := &scene{person: s.person(nil)}
			if a := c.byPassword(context.Background()); a.status != http.StatusOK || c.tokens.Refresh == "" {
				s.t.Fatalf("token: %d %s", a.status, a.body)
			}
			if more != nil {
				more(s, c)
			}
			return c
		}
	}
	roles := func(s *site, c *scene) {
		if _, err := s.Users().SetRoles(context.Background(), "test", c.ID, []string{"user"}); err != nil {
			s.t.Fatal(err)
		}
	}
	goesOn := func(c *scene, _ answer, _, _ bool) {
		if !c.active() {
			c.t.Error("the token is refused, though nothing ended it")
		}
	}
	// ended: acknowledged, neither token is good; refused for certain, both are.
	ended := func(c *scene, _ answer, acknowledged, sure bool) {
		active := c.active()
		if acknowledged && active || !acknowledged && sure && !active {
			c.t.Errorf("acknowledged %t, active %t", acknowledged, active)
		}
		if a := c.refresh(context.Background(), c.tokens.Refresh); acknowledged && a.status != http.StatusBadRequest || active != (a.status == http.StatusOK) {
			c.t.Errorf("acknowledged %t, active %t, and the refresh token is answered %d %s", acknowledged, active, a.status, a.body)
		}
	}
	gone := func(end func(c *scene, ctx context.Context) answer, good func(answer) bool) func(c *scene) error {
		return func(c *scene) error {
			if a := end(c, context.Background()); !good(a) || c.active() {
				return fmt.Errorf("%d %s, active %t", a.status, a.body, c.active())
			}
			return nil
		}
	}
	ok := status(http.StatusOK)
	refresh := func(c *scene, ctx context.Context) answer { return c.refresh(ctx, c.tokens.Refresh) }
	revoke := func(c *scene, ctx context.Context) answer {
		return c.post(ctx, "/revoke", map[string]string{"token": c.tokens.Refresh})
	}
	revokeApp := func(c *scene, ctx context.Context) answer {
		id, _, _ := strings.Cut(c.tokens.Refresh, ".")
		return c.post(ctx, "/sessions/revoke", map[string]string{"id": id, "password": password})
	}
	replay := func(c *scene, ctx context.Context) answer { return c.refresh(ctx, c.extra) }
	signOut := func(c *scene, ctx context.Context) answer { return c.post(ctx, "/logout", map[string]string{}) }
	invalid := func(a answer) bool {
		return a.status == http.StatusBadRequest && strings.Contains(a.body, "invalid_grant")
	}
	return []journey{
		{
			name: "token by password", config: withTokens, prepare: func(s *site) *scene { return &scene{person: s.person(nil)} },
			act: func(c *scene, ctx context.Context) answer { return c.byPassword(ctx) }, good: ok,
			after: func(c *scene, _ answer, acknowledged, sure bool) {
				if got := c.tokens.Access != ""; got != acknowledged || got && !c.active() || sure && !got && c.sessions() != 0 {
					c.t.Errorf("acknowledged %t, a token %t, %d sessions", acknowledged, got, c.sessions())
				}
			},
		},
		{
			name: "token of a session", config: withTokens, prepare: func(s *site) *scene { return &scene{person: s.person(nil).logIn(v4)} },
			act:  func(c *scene, ctx context.Context) answer { return c.keep(c.post(ctx, "/token", map[string]string{})) },
			good: ok,
			after: func(c *scene, _ answer, acknowledged, _ bool) {
				if got := c.tokens.Access != ""; got != acknowledged || got && !c.active() || !c.signedIn() {
					c.t.Errorf("acknowledged %t, a token %t, signed in %t", acknowledged, got, c.signedIn())
				}
			},
		},
		{
			// Whoever did not get the answer asks again with the same token, and gets
			// the same successor: nobody is signed out by a failure.
			name: "refresh", config: withTokens, prepare: with(nil), act: refresh, good: ok, after: goesOn,
		},
		{
			name: "refresh of a stolen token", config: withTokens, act: replay, good: invalid,
			prepare: with(func(s *site, c *scene) { // used twice more since, the last time a while ago
				c.extra = c.tokens.Refresh
				for range 2 {
					if a := c.keep(c.refresh(context.Background(), c.tokens.Refresh)); a.status != http.StatusOK {
						s.t.Fatalf("refresh: %d %s", a.status, a.body)
					}
					time.Sleep(11 * time.Second)
				}
			}),
			after: ended, again: gone(replay, invalid),
		},
		{
			name: "token revocation", config: withTokens, prepare: with(nil), act: revoke, good: ok, after: ended, again: gone(revoke, ok),
		},
		{
			name: "revoke an app", config: withTokens, act: revokeApp, good: ok, after: ended, again: gone(revokeApp, ok),
			prepare: func(s *site) *scene {
				c := &scene{person: s.person(nil).logIn(v4)}
				in := map[string]string{"identifier": c.Email, "password": password, "scope": "offline_access"}
				if a := c.keep(c.post(context.Background(), "/token", in)); a.status != http.StatusOK {
					s.t.Fatalf("token: %d %s", a.status, a.body)
				}
				return c
			},
		},
		{
			name: "sign-out with tokens", config: withTokens, drops: true, act: signOut, good: ok, after: ended,
			prepare: func(s *site) *scene {
				c := &scene{person: s.person(nil).logIn(v4)}
				if a := c.keep(c.post(context.Background(), "/token", map[string]string{})); a.status != http.StatusOK {
					s.t.Fatalf("token: %d %s", a.status, a.body)
				}
				c.before = c.copy()
				return c
			},
			again: func(c *scene) error {
				c.jar = c.before.copy().jar
				return gone(signOut, ok)(c)
			},
		},
		{
			name: "introspection after a change", config: withTokens, prepare: with(roles),
			act:  func(c *scene, ctx context.Context) answer { return c.introspect(ctx) },
			good: func(a answer) bool { return a.status == http.StatusOK && strings.Contains(a.body, `"active":true`) }, after: goesOn,
		},
		{
			name: "bearer after the role went", config: withTokens, prepare: with(roles),
			act: func(c *scene, ctx context.Context) answer {
				return c.ask(ctx, request{path: "/admin", header: http.Header{"Authorization": {"Bearer " + c.tokens.Access}}})
			},
			good: status(http.StatusForbidden),
			after: func(c *scene, a answer, _, _ bool) {
				if a.status < 400 || strings.Contains(a.body, "guarded, for") {
					c.t.Errorf("a role that was taken opens: %d", a.status)
				}
				goesOn(c, a, true, true)
			},
		},
	}
}
