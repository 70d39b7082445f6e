//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An application on iron-session, of either version, shares the session's cookie
// with Gatehouse: it reads who is signed in, writes beside it, and each takes the
// other's seal. With the password of the application alone nobody is
// anybody.
func TestIron_anApplicationSharesItsSession(t *testing.T) {
	need(t, "node", "npm")
	if err := all.packages(); err != nil {
		t.Fatal(err)
	}
	const origin, cookie = "https://app.example.test", "app-session"
	passwords := object{"2": "Vb6nRk3ZtQ8wLx5HsJ9fPc2YgMd7EaU4-iron", "1": "a9QmX4tRw8ZkL2vN7cHd5YbJ3gFs6EuP-iron"}
	mounts := fmt.Sprintf("  - secrets: [%q, %q]\n    carrier: iron\n    iron: {cookie: %s, ids: [\"2\", \"1\"]}\n", passwords["2"], passwords["1"], cookie)
	g := serveMounts(t, freePort(), origin, mounts, "behind_proxy: true\n")
	iron := interop(t, "iron.mjs")
	for _, version := range []int{8, 9} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			c := newClient(t, g.base, origin)
			got := c.postJSON("/api/auth/login", object{"email": adminEmail, "password": adminPassword})
			if got.StatusCode != http.StatusOK {
				t.Fatalf("sign-in: %d\n%s", got.StatusCode, got.text)
			}
			user, _ := got.json(t)["user"].(object)
			iron := iron.within(t)
			asked := func(more object) object {
				q := object{"version": version, "cookieHeader": c.cookieHeader(), "cookieName": cookie, "password": passwords}
				for k, v := range more {
					q[k] = v
				}
				return iron.ask(q)
			}
			take := func(answer object) {
				t.Helper()
				lines, _ := answer["setCookie"].([]any)
				if len(lines) == 0 {
					t.Fatal("the package set no cookie")
				}
				for _, line := range lines {
					k, err := http.ParseSetCookie(fmt.Sprint(line))
					if err != nil {
						t.Fatal(err)
					}
					c.keep(k)
				}
			}
			want := object{"sub": user["id"], "email": adminEmail, "roles": []any{"admin", "user"}}
			data, _ := asked(nil)["data"].(object)
			if diff := cmp.Diff(want, pick(data, "sub", "email", "roles")); diff != "" {
				t.Fatalf("the application reads (-want +got):\n%s", diff)
			}

			// It writes beside the user, and into what is not its own.
			take(asked(object{"put": object{"theme": object{"dark": true}, "roles": []any{"root"}, "email": "eve@example.test"}}))
			if u := c.user("/api/auth"); u["id"] != user["id"] || u["email"] != adminEmail {
				t.Errorf("Gatehouse says %v of what the application sealed", u)
			}
			data, _ = asked(nil)["data"].(object)
			want["theme"] = object{"dark": true}
			if diff := cmp.Diff(want, pick(data, "sub", "email", "roles", "theme")); diff != "" {
				t.Errorf("after Gatehouse has renewed it the application reads (-want +got):\n%s", diff)
			}

			if version == 9 { // what is too long for one cookie
				take(asked(object{"put": object{"long": strings.Repeat("ab", 2000)}, "chunk": true}))
				if u := c.user("/api/auth"); u["id"] != user["id"] {
					t.Errorf("in chunks: %v", u)
				}
				data, _ = asked(nil)["data"].(object)
				if long := fmt.Sprint(data["long"]); len(long) != 4000 {
					t.Errorf("in chunks renewed by Gatehouse: %d characters are left", len(long))
				}
			}

			// Whoever has the password alone says nothing that counts.
			delete(data, "gh")
			forger := newClient(t, g.base, origin)
			q := object{"version": version, "cookieHeader": "", "cookieName": cookie, "password": passwords, "put": pick(data, "sub", "sid", "email", "roles")}
			for _, line := range iron.ask(q)["setCookie"].([]any) {
				k, err := http.ParseSetCookie(fmt.Sprint(line))
				if err != nil {
					t.Fatal(err)
				}
				forger.keep(k)
			}
			if u := forger.user("/api/auth"); u != nil {
				t.Errorf("a seal without gh is %v", u)
			}
			if len(forger.cookies) == 0 || !strings.Contains(forger.cookieHeader(), cookie+"=") {
				t.Error("what the application keeps of a visitor was deleted")
			}

			kept := c.cookieHeader()
			if got := c.send(http.MethodPost, "/api/auth/logout", "application/json", "{}"); got.StatusCode != http.StatusOK {
				t.Fatalf("sign-out: %d\n%s", got.StatusCode, got.text)
			}
			if strings.Contains(c.cookieHeader(), cookie) {
				t.Errorf("the sign-out left %s", c.cookieHeader())
			}
			thief := newClient(t, g.base, origin)
			thief.header.Set("Cookie", kept)
			if u := thief.user("/api/auth"); u != nil {
				t.Errorf("a copy after the sign-out is %v", u)
			}
		})
	}
}

// cookieHeader is what the client would send.
func (c *client) cookieHeader() string {
	list := make([]string, len(c.cookies))
	for i, k := range c.cookies {
		list[i] = k.Name + "=" + k.Value
	}
	return strings.Join(list, "; ")
}
