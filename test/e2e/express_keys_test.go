//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
)

// Keys change under an API that goes on running: the next key was published
// before it signs, so every verifier has it by then.
func TestExpress_keysRotateUnderARunningAPI(t *testing.T) {
	g, a := withTokens(t)
	kid := func(token string) string {
		header, _ := claimsOf(t, token)
		return fmt.Sprint(header["kid"])
	}
	before := g.tokensFor(t, userEmail, userPassword, apiAudience)
	for _, route := range localRoutes {
		a.lets(route, before.Access)
	}

	g.cli("", "key", "rotate", "--now")
	after := before
	until(t, "the server signs with the next key", func() error {
		after = g.tokensFor(t, userEmail, userPassword, apiAudience)
		if kid(after.Access) == kid(before.Access) {
			return fmt.Errorf("still %s", kid(after.Access))
		}
		return nil
	})
	for _, route := range append(localRoutes[:len(localRoutes):len(localRoutes)], "/introspection") {
		a.lets(route, before.Access)
		a.lets(route, after.Access)
	}

	// A key that got lost is taken away at once. Gatehouse refuses what it signed;
	// whoever has a copy of the published keys does when that is renewed, as an
	// API that starts now.
	g.cli("", "key", "retire", kid(before.Access), "--now")
	until(t, "what the retired key signed is refused", func() error {
		if got, _ := a.get("/introspection", before.Access); got.StatusCode != http.StatusUnauthorized {
			return fmt.Errorf("%d %s", got.StatusCode, got.text)
		}
		return nil
	})
	a.lets("/introspection", after.Access)
	fresh := newAPI(t, freePort(), publicOf(g)+"/api/auth")
	for _, route := range localRoutes {
		fresh.refuses(route, before.Access, http.StatusUnauthorized, "401")
		fresh.lets(route, after.Access)
	}
}
