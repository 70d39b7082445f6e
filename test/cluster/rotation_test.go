//go:build linux

package cluster_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newSecrets puts new secrets in front of the server's; their ordinal is 2.
func (n *node) newSecrets() {
	n.t.Helper()
	b, err := os.ReadFile(n.settings)
	if err != nil {
		n.t.Fatal(err)
	}
	text := strings.NewReplacer(
		`secrets: ["t5H`, `secrets: ["wN4vR8yK2mTq6XbJ9cLd3HsPf7GzQe5U-own", "t5H`,
		`secrets: ["Qm7`, `secrets: ["hV2kD9xW5rYn8MtB3jCf6LqZs4PgTu7E-app", "Qm7`,
		"secrets_ordinal: 1", "secrets_ordinal: 2").Replace(string(b))
	if text == string(b) {
		n.t.Fatal("the settings have other secrets than this test thinks")
	}
	if err := os.WriteFile(n.settings, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// A deploy that changes the secrets restarts one server after the other. Those
// that are still to come cannot open what the first one seals; they say that
// nobody is signed in and leave the cookie alone, so that it is good again as
// soon as the browser is answered by a new one (guarantees R20).
func TestCluster_keepsCookiesOfAServerWithNewerSecrets(t *testing.T) {
	c := newCluster(t)
	first, later := c.nodes[0], c.nodes[1]
	ask := func(n *node, b *browser) answer {
		t.Helper()
		copyOf := &browser{cookies: map[string]string{}}
		for k, v := range b.cookies {
			copyOf.cookies[k] = v
		}
		a, err := n.send(copyOf, http.MethodGet, "/session", nil)
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %d, %v", n.name, a.status, err)
		}
		return a
	}
	b, err := first.newBrowser("ann@example.com", true)
	if err != nil {
		t.Fatal(err)
	}
	session := ""
	for name := range b.cookies {
		if strings.Contains(name, "session-token") {
			session = name
		}
	}
	junk := &browser{email: b.email, cookies: map[string]string{session: "eyJhbGciOiJkaXIifQ..c.a.b"}}
	if a := ask(later, junk); !a.deleted {
		t.Fatalf("a cookie that does not open is not deleted at all (%s): the experiment shows nothing", a.body)
	}

	first.newSecrets()
	first.stop()
	first.start()
	first.until("is ready", first.ready)
	if b, err = first.newBrowser(b.email, false); err != nil {
		t.Fatal(err)
	}
	// At once: the first one was not ready before the others knew of it.
	if a := ask(later, b); a.deleted || strings.Contains(a.body, b.email) {
		t.Errorf("%s, whose secrets are older, answers %q and deletes the cookie: %v", later.name, a.body, a.deleted)
	}
	if v, err := first.check(b); v != accepted {
		t.Errorf("the cookie is not good where it was made: %d, %v", v, err)
	}
	later.newSecrets()
	later.stop()
	later.start()
	later.until("is ready", later.ready)
	if v, err := later.check(b); v != accepted {
		t.Errorf("%s, which has the new secrets now, says %d, %v", later.name, v, err)
	}
	if a := ask(later, junk); !a.deleted {
		t.Error("nobody has newer secrets, and a cookie that does not open is not deleted")
	}
}

// stop ends the server in good order.
func (n *node) stop() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Fatalf("%s does not end", n.name)
	}
}
