//go:build unix

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// The person who moves: what the application's own NextAuth knows of her. The
// hash is bcrypt's, as such applications keep it.
const (
	moverID    = "clx7p2m9d0000"
	moverEmail = "mover@example.test"
	moverName  = "Máire Ó Dálaigh"
	moverHash  = "$2a$10$xGzZz9tEUp.P9DjQwo9iIeTgV6NcTPaPYMKKTyMDcB902skUUSA9S"
)

// library is the real NextAuth, both versions, in a process of its own.
func library(t *testing.T, origin string, sides []side, dropUnknown bool) (base string) {
	t.Helper()
	theExample(t) // installs the packages
	settings := object{"origin": origin, "dropUnknown": dropUnknown, "users": []object{
		{"id": moverID, "name": moverName, "email": moverEmail, "password": userPassword},
	}}
	for _, s := range sides {
		settings[string(s.dialect)] = object{"basePath": s.mount, "secret": s.secret}
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join(root(), "test", "interop", "nextauth.mjs"), string(text))
	cmd.Env = environ("NODE_ENV=production")
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
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("NextAuth said:\n%s", complaints.String())
		}
	})
	port := bufio.NewScanner(out)
	if !port.Scan() {
		t.Fatalf("NextAuth does not start: %s", complaints.String())
	}
	return "http://127.0.0.1:" + port.Text()
}

// moving is one browser that is led now to the application's own NextAuth and
// now to Gatehouse.
type moving struct {
	*client
	side
	library, gate string
}

func (m moving) at(base string) { m.base = base }

// signsIn signs in where the browser is led to now.
func (m moving) signsIn() {
	m.t.Helper()
	token, _ := m.get(m.mount + "/csrf").json(m.t)["csrfToken"].(string)
	form := url.Values{"csrfToken": {token}, "email": {moverEmail}, "password": {userPassword}, "json": {"true"}}
	m.send(http.MethodPost, m.mount+"/callback/credentials", "application/x-www-form-urlencoded", form.Encode())
	m.wantMover("after the sign-in")
}

func (m moving) wantMover(when string) {
	m.t.Helper()
	user := m.user(m.mount)
	if user == nil || user["id"] != moverID || user["email"] != moverEmail || user["name"] != moverName {
		m.t.Fatalf("%s, at %s: the session's user is %v", when, m.base, user)
	}
}

// copyOf is another browser with a copy of the cookies as they are.
func (m moving) copyOf() moving {
	again := *m.client
	again.cookies = append([]*http.Cookie(nil), m.cookies...)
	m.client = &again
	return m
}

// Applications keep claims that they do not know, or drop them.
var keepsOrDrops = []bool{false, true}

// migrations runs test for both dialects and each kind of application, with a
// Gatehouse and a NextAuth of its own each time.
func migrations(t *testing.T, drops []bool, test func(t *testing.T, g *gatehouse, m moving, drops bool)) {
	need(t, "node", "npm")
	const origin = "http://localhost:3000"
	sides := []side{
		{seal.V4, "/api/auth", sharedSecret, "next-auth.session-token", false},
		{seal.V5, "/auth", "Vb6nRk3ZtQ8wLx5HsJ9fPc2YgMd7EaU4-five", "authjs.session-token", false},
	}
	until := time.Now().AddDate(0, 0, 10).Format(time.DateOnly)
	mounts := ""
	for _, s := range sides {
		mounts += fmt.Sprintf("  - base_path: %s\n    dialect: %s\n    secrets: [%q]\n    adopt_until: %s\n", s.mount, s.dialect, s.secret, until)
	}
	line := fmt.Sprintf(`{"old_id":%q,"email":%q,"name":%q,"roles":["editor"],"password_hash":%q}`, moverID, moverEmail, moverName, moverHash)
	for _, drops := range drops {
		for _, s := range sides {
			t.Run(fmt.Sprintf("%s, the application drops claims %v", s.dialect, drops), func(t *testing.T) {
				g := serveMounts(t, freePort(), origin, mounts, "")
				g.cli(line+"\n", "user", "import", "-", "--mount", sides[0].mount, "--mount", sides[1].mount)
				lib := library(t, origin, sides, drops)
				test(t, g, moving{newClient(t, lib, origin), s, lib, g.base}, drops)
			})
		}
	}
}

// One browser's requests come now to NextAuth and now to Gatehouse, as during a
// rollout; then all to Gatehouse, and all back. Nobody is signed out.
func TestMigration_noSessionIsLostBetweenNextAuthAndGatehouse(t *testing.T) {
	migrations(t, keepsOrDrops, func(t *testing.T, g *gatehouse, m moving, drops bool) {
		m.at(m.library)
		m.signsIn()
		for round := range 200 {
			m.at([]string{m.gate, m.library}[round%2])
			m.wantMover(fmt.Sprintf("alternating, round %d", round))
		}
		for _, base := range []string{m.gate, m.library, m.gate} {
			m.at(base)
			for round := range 10 {
				m.wantMover(fmt.Sprintf("moved, round %d", round))
			}
		}

		// A sign-in at Gatehouse goes on at NextAuth, by the ID that it knows,
		// and so does one the other way round.
		fresh := moving{newClient(t, m.gate, m.origin), m.side, m.library, m.gate}
		fresh.signsIn()
		for round := range 20 {
			fresh.at([]string{m.library, m.gate}[round%2])
			fresh.wantMover(fmt.Sprintf("signed in at Gatehouse, round %d", round))
		}
		// The form of one is taken by the other.
		crossed := moving{newClient(t, m.library, m.origin), m.side, m.library, m.gate}
		crossed.get(m.mount + "/csrf")
		crossed.at(m.gate)
		crossed.signsIn()

		if !drops {
			return
		}
		// An application that drops claims makes cookies that only adoption
		// takes: one row a day all the same.
		var shown struct {
			Sessions []struct {
				Mount   string   `json:"mount"`
				Methods []string `json:"methods"`
			} `json:"sessions"`
		}
		text := g.cli("", "user", "show", moverEmail, "--json")
		if err := json.Unmarshal([]byte(text), &shown); err != nil {
			t.Fatal(err)
		}
		adopted := 0
		for _, s := range shown.Sessions {
			if len(s.Methods) == 0 && s.Mount == m.mount {
				adopted++
			}
		}
		if adopted < 1 || adopted > 2 { // two where midnight passes
			t.Errorf("%d adopted sessions at %s, want 1:\n%s", adopted, m.mount, text)
		}
	})
}

// After a sign-out at Gatehouse no copy is good there, whoever sealed it and
// when.
func TestMigration_signOutEndsEveryCopy(t *testing.T) {
	migrations(t, keepsOrDrops, func(t *testing.T, _ *gatehouse, m moving, _ bool) {
		m.at(m.library)
		m.signsIn()
		copies := map[string]moving{"NextAuth's first": m.copyOf()}
		m.at(m.gate)
		m.wantMover("before the sign-out")
		copies["Gatehouse's"] = m.copyOf()
		m.at(m.library)
		m.wantMover("before the sign-out")
		copies["NextAuth's second"] = m.copyOf()
		m.at(m.gate)
		for name, c := range copies { // each is good before: else nothing is shown
			again := c.copyOf()
			again.at(m.gate)
			again.wantMover(name + " copy before the sign-out")
		}
		if got := m.send(http.MethodPost, m.mount+"/logout", "application/json", "{}"); got.StatusCode != http.StatusOK || m.session() != nil {
			t.Fatalf("sign-out: %d, cookie %v\n%s", got.StatusCode, m.session(), got.text)
		}
		for name, c := range copies {
			c.at(m.gate)
			if user := c.user(m.mount); user != nil {
				t.Errorf("%s copy after the sign-out: %v", name, user)
			}
		}
		// She is not locked out.
		m.signsIn()
		m.at(m.library)
		m.wantMover("signed in anew")
	})
}

// When the migration is over, what NextAuth seals is nothing, and what was
// adopted before goes on.
func TestMigration_endsWithItsWindow(t *testing.T) {
	migrations(t, []bool{false}, func(t *testing.T, g *gatehouse, m moving, _ bool) {
		m.at(m.library)
		m.signsIn()
		late := m.copyOf()
		m.at(m.gate)
		m.wantMover("within the window")

		settings := filepath.Join(g.folder, "gatehouse.yaml")
		text, err := os.ReadFile(settings)
		if err != nil {
			t.Fatal(err)
		}
		until := time.Now().AddDate(0, 0, 10).Format(time.DateOnly)
		over := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
		set := func(day string) {
			write(t, settings, strings.ReplaceAll(string(text), until, day))
			g.restart()
		}
		set(over)
		defer set(until)
		m.wantMover("adopted before the end")
		late.at(m.gate)
		if user := late.user(m.mount); user != nil {
			t.Errorf("a cookie of NextAuth's after the end: %v", user)
		}
	})
}
