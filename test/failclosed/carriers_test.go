package failclosed_test

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatehouse-auth/gatehouse"
)

// otherCarriers are the journeys that touch a session's cookie, once more where
// the cookie is an ID and a secret, or the seal of iron-session. The sealed
// carrier is that of every other journey.
func otherCarriers() (list []journey) {
	of := slices.Concat(signIns(), checks(), endings(), revocations(), carrierJourneys())
	for _, c := range []struct {
		carrier string
		names   []string
	}{
		{"stored", []string{"sign-in json", "sign-in anew", "check v4 after a change", "guarded after the role went", "update", "sign-out json", "password change json", "revoke others", "revoke all", "coming to a role"}},
		{"iron", []string{"sign-in json", "check v4 after a change", "guarded after the role went", "sign-out json", "revoke others", "coming to a role"}},
	} {
		for _, j := range of {
			if !slices.Contains(c.names, j.name) {
				continue
			}
			j.name = c.carrier + " " + j.name
			j.config = func(cfg *gatehouse.Config) {
				cfg.Mounts[0].Carrier = c.carrier
				if c.carrier == "iron" {
					cfg.Mounts[0].Iron.Cookie = "lodge.session-token"
				}
			}
			list = append(list, j)
		}
	}
	return list
}

// carrierJourneys are those in which the session goes on under another ID.
func carrierJourneys() []journey {
	return []journey{{
		name: "coming to a role",
		prepare: func(s *site) *scene {
			c := &scene{person: s.person(func(in *gatehouse.NewUser) { in.Roles = []string{"user"} }).logIn(v4)}
			if _, err := s.Users().SetRoles(context.Background(), "test", c.ID, []string{"user", "admin"}); err != nil {
				s.t.Fatal(err)
			}
			return c
		},
		act:  func(c *scene, ctx context.Context) answer { return c.ask(ctx, request{path: v4 + "/session"}) },
		good: status(http.StatusOK),
		after: func(c *scene, _ answer, _, _ bool) {
			if !c.signedIn() {
				c.t.Error("signed out by a failure")
			}
		},
	}}
}
