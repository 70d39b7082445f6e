//go:build unix

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// packages is one of the programs of test/interop: the real next-auth and
// @auth/core, a line in and a line out.
type packages struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func interop(t *testing.T, program string) *packages {
	t.Helper()
	cmd := exec.Command("node", filepath.Join(root(), "test", "interop", program))
	cmd.Env = environ()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		stop.Stop()
		in.Close()
		if err := cmd.Wait(); err != nil && t.Failed() {
			t.Logf("%s: %v\n%s", program, err, complaints.String())
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &packages{t: t, in: in, out: lines}
}

type object = map[string]any

// ask sends one line and returns the answer to it.
func (p *packages) ask(question object) object {
	p.t.Helper()
	line, err := json.Marshal(question)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("no answer to %s (%v)", line, p.out.Err())
	}
	var got object
	if err := json.Unmarshal(p.out.Bytes(), &got); err != nil {
		p.t.Fatal(err)
	}
	if got["error"] != nil {
		p.t.Fatalf("%s: %v", line, got["error"])
	}
	return got
}

// side is one mount, and what the application on it knows.
type side struct {
	dialect seal.Dialect
	mount   string
	secret  string
	cookie  string
	secure  bool
}

// salt is what the dialect mixes into the key.
func (s side) salt() string {
	if s.dialect == seal.V5 {
		return s.cookie
	}
	return ""
}

// sides starts a server with a mount of each dialect and calls test for both.
func sides(t *testing.T, secure bool, test func(t *testing.T, c *client, s side, id string)) {
	t.Helper()
	theExample(t) // installs the packages
	secrets := map[seal.Dialect]string{seal.V4: sharedSecret, seal.V5: "Vb6nRk3ZtQ8wLx5HsJ9fPc2YgMd7EaU4-five"}
	mounts := fmt.Sprintf("  - base_path: /api/auth\n    dialect: v4\n    secrets: [%q]\n  - base_path: /auth\n    dialect: v5\n    secrets: [%q]\n",
		secrets[seal.V4], secrets[seal.V5])
	origin, more, prefix := "http://localhost:3000", "", ""
	if secure {
		origin, more, prefix = "https://app.example.test", "behind_proxy: true\n", "__Secure-"
	}
	g := serveMounts(t, freePort(), origin, mounts, more)
	for _, s := range []side{
		{seal.V4, "/api/auth", secrets[seal.V4], prefix + "next-auth.session-token", secure},
		{seal.V5, "/auth", secrets[seal.V5], prefix + "authjs.session-token", secure},
	} {
		t.Run(fmt.Sprintf("%s, secure %v", s.dialect, secure), func(t *testing.T) {
			c := newClient(t, g.base, origin)
			got := c.postJSON(s.mount+"/login", object{"email": adminEmail, "password": adminPassword})
			if got.StatusCode != http.StatusOK || c.session() == nil || c.session().Name != s.cookie {
				t.Fatalf("sign-in: %d, cookie %v, want %s\n%s", got.StatusCode, c.session(), s.cookie, got.text)
			}
			user, _ := got.json(t)["user"].(object)
			test(t, c, s, fmt.Sprint(user["id"]))
		})
	}
}

func (s side) question(c *client) object {
	return object{"dialect": s.dialect, "cookieHeader": c.session().Name + "=" + c.session().Value, "secret": s.secret, "secure": s.secure}
}

func TestInterop_realPackagesReadOurCookieAndGatehouseTakesItBack(t *testing.T) {
	need(t, "node", "npm")
	for _, secure := range []bool{false, true} {
		sides(t, secure, func(t *testing.T, c *client, s side, id string) {
			decode := interop(t, "decode.mjs")
			for round := range 3 { // a cookie that the package wrote is read by it again
				got := decode.ask(s.question(c))
				token, _ := got["token"].(object)
				want := object{"sub": id, "email": adminEmail, "roles": []any{"admin", "user"}}
				if diff := cmp.Diff(want, pick(token, "sub", "email", "roles")); diff != "" {
					t.Errorf("round %d, getToken (-want +got):\n%s", round, diff)
				}
				session, _ := got["session"].(object)
				if user, _ := session["user"].(object); user["email"] != adminEmail {
					t.Errorf("round %d, the session is %v", round, got["session"])
				}

				// The package seals the cookie anew and knows nothing of gh but
				// to carry it: Gatehouse must take its own word back.
				lines, _ := got["setCookie"].([]any)
				before, gh := c.session().Value, token["gh"]
				for _, line := range lines {
					if k, err := http.ParseSetCookie(fmt.Sprint(line)); err == nil {
						c.keep(k)
					}
				}
				if c.session() == nil || c.session().Value == before {
					t.Fatalf("round %d: the package set no new cookie: %v", round, lines)
				}
				after, _ := decode.ask(s.question(c))["token"].(object)
				if gh == nil || after["gh"] != gh {
					t.Errorf("round %d: gh was %v and is %v", round, gh, after["gh"])
				}
				if user := c.user(s.mount); user["id"] != id {
					t.Fatalf("round %d: Gatehouse says %v of the cookie that the package sealed", round, user)
				}
			}

			if got := c.send(http.MethodPost, s.mount+"/logout", "application/json", "{}"); got.StatusCode != http.StatusOK {
				t.Fatalf("sign-out: %d\n%s", got.StatusCode, got.text)
			}
			if c.session() != nil {
				t.Error("the sign-out left the cookie")
			}
		})
	}
}

func TestInterop_ourSealOpensWhatTheRealPackagesSealAndIsOpenedByThem(t *testing.T) {
	need(t, "node", "npm")
	theExample(t) // installs the packages
	encode, decode := interop(t, "encode.mjs"), interop(t, "decode.mjs")
	const secret, other = "m3KxW8vR5tQz2LcN7pHd4YbJ9gFs6EuA", "w5ZtQ8nRk3Lx7HsJ2fPc9YgMd4EaU6Vb"
	for _, s := range []side{
		{seal.V4, "", secret, "next-auth.session-token", false}, {seal.V5, "", secret, "authjs.session-token", false},
		{seal.V5, "", secret, "__Secure-authjs.session-token", true},
	} {
		t.Run(fmt.Sprintf("%s, secure %v", s.dialect, s.secure), func(t *testing.T) {
			encode, decode := encode.within(t), decode.within(t)
			ours, err := seal.New(s.dialect, s.salt(), secret)
			if err != nil {
				t.Fatal(err)
			}
			claims := object{"sub": "1", "name": "Zoë 🦊 \u2028 \"x\"", "nested": object{"a": []any{1.5, nil, true}}}
			question := object{"dialect": s.dialect, "claims": claims, "secret": secret, "salt": s.salt()}
			token := fmt.Sprint(encode.ask(question)["token"])
			opened, err := ours.Open(token)
			if err != nil {
				t.Fatalf("the package's token does not open: %v", err)
			}
			var got object
			if err := json.Unmarshal(opened, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(claims, pick(got, "sub", "name", "nested")); diff != "" {
				t.Errorf("(-sealed +opened):\n%s", diff)
			}

			// Refused: another secret, another salt, an altered text.
			question["secret"] = other
			foreign := fmt.Sprint(encode.ask(question)["token"])
			question["secret"], question["salt"] = secret, "another.session-token"
			salted := fmt.Sprint(encode.ask(question)["token"])
			for name, bad := range map[string]string{"other secret": foreign, "other salt": salted, "altered": flip(token)} {
				if _, err := ours.Open(bad); err == nil {
					t.Errorf("%s: it opens", name)
				}
			}

			// And the other way round.
			sealed, err := ours.Seal(fmt.Appendf(nil, `{"sub":"2","name":"Åse","iat":%d,"exp":%d,"jti":"x"}`, time.Now().Unix(), time.Now().Add(time.Hour).Unix()))
			if err != nil {
				t.Fatal(err)
			}
			for _, try := range []struct {
				secret, token string
				want          any
			}{{secret, sealed, "2"}, {other, sealed, nil}, {secret, flip(sealed), nil}} {
				read := decode.ask(object{"dialect": s.dialect, "cookieHeader": s.cookie + "=" + try.token, "secret": try.secret, "secure": s.secure})
				if sub, _ := read["token"].(object); sub["sub"] != try.want {
					t.Errorf("getToken read %v, want sub %v", read["token"], try.want)
				}
			}
		})
	}
}

// Whoever holds the shared secret can write any cookie. Gatehouse believes
// none of it but its own claim.
//
// proves: NEXT-4, NEXT-21
func TestInterop_gatehouseBelievesItsOwnClaimAlone(t *testing.T) {
	need(t, "node", "npm")
	sides(t, false, func(t *testing.T, c *client, s side, id string) {
		encode, decode := interop(t, "encode.mjs"), interop(t, "decode.mjs")
		token, _ := decode.ask(s.question(c))["token"].(object)
		write := func(change func(claims object)) {
			claims := object{}
			for name, value := range token {
				claims[name] = value
			}
			change(claims)
			made := encode.ask(object{"dialect": s.dialect, "claims": claims, "secret": s.secret, "salt": s.salt()})
			c.keep(&http.Cookie{Name: s.cookie, Value: fmt.Sprint(made["token"])})
		}

		write(func(claims object) { delete(claims, "gh") })
		if user := c.user(s.mount); user != nil {
			t.Errorf("without gh: %v", user)
		}
		write(func(claims object) { claims["gh"] = flip(fmt.Sprint(claims["gh"])) })
		if user := c.user(s.mount); user != nil {
			t.Errorf("with an altered gh: %v", user)
		}
		write(func(claims object) { claims["roles"], claims["sub"] = []any{"owner"}, "usr_somebody" })
		user := c.user(s.mount)
		if diff := cmp.Diff(object{"id": id, "roles": []any{"admin", "user"}}, pick(user, "id", "roles")); diff != "" {
			t.Errorf("with claims of somebody else (-want +got):\n%s", diff)
		}
	})
}

// within is the same program in a subtest.
func (p *packages) within(t *testing.T) *packages { return &packages{t: t, in: p.in, out: p.out} }

func pick(from object, names ...string) object {
	out := object{}
	for _, n := range names {
		if v, ok := from[n]; ok {
			out[n] = v
		}
	}
	return out
}

// flip alters one bit-carrying character in the middle of the last part.
func flip(token string) string {
	i := len(token) - 6
	other := byte('A')
	if token[i] == other {
		other = 'B'
	}
	return token[:i] + string(other) + token[i+1:]
}
