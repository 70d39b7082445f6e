package failclosed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

const v4Cookie = "__Secure-next-auth.session-token"

// sealer is the application's: it holds the secret of the mount.
func (s *site) sealer() *seal.Sealer {
	s.t.Helper()
	sealer, err := seal.New(seal.V4, "", appSecret)
	if err != nil {
		s.t.Fatal(err)
	}
	return sealer
}

// alter lets the application write somebody else's address into the cookie.
func (c *scene) alter(s *site) {
	s.t.Helper()
	text, err := s.sealer().Open(c.jar[v4Cookie])
	if err != nil {
		s.t.Fatal(err)
	}
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(text, &claims); err != nil {
		s.t.Fatal(err)
	}
	claims["email"] = json.RawMessage(`"mallory@app.example"`)
	if text, err = json.Marshal(claims); err != nil {
		s.t.Fatal(err)
	}
	if c.jar[v4Cookie], err = s.sealer().Seal(text); err != nil {
		s.t.Fatal(err)
	}
}

// adoptions take sessions over that the application itself began.
func adoptions() []journey {
	migration := func(cfg *gatehouse.Config) { cfg.Mounts[0].AdoptUntil = time.Now().Add(30 * 24 * time.Hour) }
	old := func(s *site) *scene {
		c := &scene{person: s.person(nil), extra: fmt.Sprintf("old-%d", s.people)}
		err := s.kept.AddOldIDs(context.Background(), c.ID, []auth.OldID{{Mount: v4, Value: c.extra, Main: true}})
		if err != nil {
			s.t.Fatal(err)
		}
		now := time.Now().Unix()
		if c.jar[v4Cookie], err = s.sealer().Seal(fmt.Appendf(nil, `{"sub":%q,"email":%q,"iat":%d,"exp":%d,"jti":"x"}`, c.extra, c.Email, now, now+3600)); err != nil {
			s.t.Fatal(err)
		}
		return c
	}
	see := func(c *scene, ctx context.Context) answer { return c.ask(ctx, request{path: v4 + "/session"}) }
	named := func(a answer) bool {
		return a.status == http.StatusOK && a.began && strings.Contains(a.body, `"email"`)
	}
	oneSession := func(c *scene, _ answer, acknowledged, sure bool) {
		if acknowledged && !c.signedInOld() {
			c.t.Error("acknowledged, and nobody is signed in")
		}
		if n := c.sessions(); n > 1 || acknowledged && n != 1 || !acknowledged && sure && n != 0 {
			c.t.Errorf("acknowledged %t, %d sessions", acknowledged, n)
		}
	}
	return []journey{
		{name: "adoption", config: migration, prepare: old, act: see, good: named, after: oneSession},
		{
			name: "adoption seen before", config: migration, act: see, good: named,
			prepare: func(s *site) *scene {
				c := old(s)
				if a := see(&scene{person: c.copy()}, context.Background()); !named(a) {
					s.t.Fatalf("%d %s", a.status, a.body)
				}
				return c
			},
			after: func(c *scene, _ answer, _, _ bool) {
				if c.sessions() != 1 || !c.signedInOld() {
					c.t.Errorf("%d sessions", c.sessions())
				}
			},
		},
		{
			name: "adoption after everything was ended", config: migration, act: see,
			prepare: func(s *site) *scene {
				c := old(s)
				if a := see(&scene{person: c.copy()}, context.Background()); !named(a) {
					s.t.Fatalf("%d %s", a.status, a.body)
				}
				if _, err := s.Users().Disable(context.Background(), "test", c.ID); err != nil {
					s.t.Fatal(err)
				}
				if _, err := s.Users().Enable(context.Background(), "test", c.ID); err != nil {
					s.t.Fatal(err)
				}
				return c
			},
			good: func(a answer) bool { return a.status == http.StatusOK && !strings.Contains(a.body, "email") },
			after: func(c *scene, a answer, _, _ bool) {
				if a.began || c.signedInOld() {
					c.t.Error("what was ended is taken again")
				}
			},
		},
	}
}

// signedInOld is signedIn for a browser that may still have the application's
// own cookie.
func (c *scene) signedInOld() bool {
	return strings.Contains(c.copy().ask(context.Background(), request{path: v4 + "/session"}).body, c.Email)
}
