package gatehouse_test

import (
	"net/http"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// The application's own pages to sign in, behind Require, would lead to
// themselves by way of Gatehouse, with an ever longer address.
func TestRequire_leadsNobodyFromTheApplicationsSignInPageToItself(t *testing.T) {
	gt := gatehousetest.New(t, func(c *gatehouse.Config) { c.Mounts[0].Pages = gatehouse.Pages{SignIn: "/login", Error: "/oops?x=y"} })
	gt.Serve(gt.Require()(http.NotFoundHandler()))
	for path, want := range map[string]int{
		"/login?callbackUrl=%2Fx": http.StatusInternalServerError, "/oops": http.StatusInternalServerError, "/log": http.StatusSeeOther,
	} {
		res := gt.Anonymous().Visit(path)
		if res.StatusCode != want || (res.Header.Get("Location") != "") != (want == http.StatusSeeOther) {
			t.Errorf("%s: %d to %q, want %d", path, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
}
