package main

import (
	"net/http"
	"testing"
)

// The management API is where the settings put it: with none beside the
// operator's health, and then a visitor gets what any address gets that is
// nobody's. The pages of visitors are never there.
func TestServe_managementIsWhereTheSettingsPutIt(t *testing.T) {
	for _, c := range []struct {
		settings    string
		ops, public bool
	}{
		{"", true, false}, {"management: {listen: ops}", true, false}, {"management: {listen: public}", false, true},
		{"management: {listen: both}", true, true}, {"management: {listen: \"off\"}", false, false},
	} {
		t.Run(c.settings, func(t *testing.T) {
			t.Parallel()
			s := startServe(t, c.settings)
			status := func(address, path string) int {
				t.Helper()
				r, err := http.Get("http://" + address + path)
				must(t, err)
				r.Body.Close()
				return r.StatusCode
			}
			want := map[bool]map[string]int{
				true:  {"/api/v1/": 200, "/api/v1/openapi.json": 200, "/api/v1/self": 401, "/api/v1/users": 401, "/api/v1/nothing": 404},
				false: {"/api/v1/": 404, "/api/v1/openapi.json": 404, "/api/v1/self": 404, "/api/v1/users": 404, "/api/v1/nothing": 404},
			}
			for path, is := range want[c.ops] {
				if got := status(s.ops, path); got != is {
					t.Errorf("the operator's %s: %d, want %d", path, got, is)
				}
			}
			for path, is := range want[c.public] {
				if got := status(s.public, path); got != is {
					t.Errorf("a visitor's %s: %d, want %d", path, got, is)
				}
			}
			if got := status(s.ops, "/api/auth/session"); got != 404 {
				t.Errorf("a session on the operator's side: %d", got)
			}
			if ops, public := status(s.ops, "/readyz"), status(s.public, "/api/auth/session"); ops != 200 || public != 200 {
				t.Errorf("the controls: %d, %d", ops, public)
			}
		})
	}
}
