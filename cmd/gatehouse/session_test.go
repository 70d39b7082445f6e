package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

const sessionPassword = "nine bright kettles hum"

// signedIn is a browser of ada's, known by its User-Agent.
func (s *running) signedIn(agent string) *visitor {
	s.t.Helper()
	v := s.visitor()
	v.header.Set("User-Agent", agent)
	if a := v.json("/api/auth/login", map[string]string{"email": "ada@example.org", "password": sessionPassword}); a.status != http.StatusOK {
		s.t.Fatalf("login: %d %s", a.status, a.body)
	}
	return v
}

// sessions are the IDs that the command lists, by browser.
func (s *running) sessions() map[string]string {
	s.t.Helper()
	ids := map[string]string{}
	for line := range strings.Lines(s.run("", "session", "list", "ada@example.org", "--json")) {
		var in sessionJSON
		must(s.t, json.Unmarshal([]byte(line), &in))
		ids[in.UserAgent] = string(in.ID)
	}
	return ids
}

func (v *visitor) signedInNow() bool {
	v.t.Helper()
	return strings.Contains(v.get("/api/auth/session").body, "ada@example.org")
}

// revoke runs the command and returns what it says as JSON.
func (s *running) revoke(args ...string) (said revokedJSON) {
	s.t.Helper()
	out := s.run("", append([]string{"session", "revoke", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		s.t.Fatalf("%v: %q", err, out)
	}
	return said
}

// What the command says holds everywhere is refused by the server from then on.
//
// proves: ASVS 7.4.5
func TestSession_endedBesideTheServerIsRefusedThere(t *testing.T) {
	s := startServe(t, "")
	s.run(sessionPassword, "user", "create", "ada@example.org", "--password-stdin")
	one, two, three := s.signedIn("one"), s.signedIn("two"), s.signedIn("three")
	if !one.signedInNow() || !two.signedInNow() || !three.signedInNow() {
		t.Fatal("control: not everybody is signed in")
	}
	ids := s.sessions()
	if len(ids) != 3 {
		t.Fatalf("sessions %v", ids)
	}
	if said := s.revoke(ids["one"]); said.Ended != 1 || said.Effective != "everywhere" {
		t.Errorf("one: %+v", said)
	}
	if one.signedInNow() || !two.signedInNow() {
		t.Error("not the one that was named has ended")
	}
	if said := s.revoke("--user", "ada@example.org", "--others-than", ids["two"]); said.Ended != 1 || said.Effective != "everywhere" {
		t.Errorf("others: %+v", said)
	}
	if three.signedInNow() || !two.signedInNow() {
		t.Error("not the others have ended")
	}
	if said := s.revoke("--everybody", "--yes"); said.Ended != 1 || said.Effective != "everywhere" {
		t.Errorf("everybody: %+v", said)
	}
	if two.signedInNow() {
		t.Error("not everybody has ended")
	}
	if again := s.signedIn("four"); !again.signedInNow() {
		t.Error("nobody can sign in any more")
	}
	if out := s.run("", "user", "sign-out", "ada@example.org"); out != "1 session ended; it holds everywhere.\n" {
		t.Errorf("sign-out says %q", out)
	}
}

// A program that outlives its session is listed and ended like one.
func TestSession_appsAreListedAndEnded(t *testing.T) {
	s := startServe(t, "")
	s.run(sessionPassword, "user", "create", "ada@example.org", "--password-stdin")
	takes := func() (id, refresh string) {
		t.Helper()
		a := s.visitor().json("/api/auth/token", map[string]string{"email": "ada@example.org", "password": sessionPassword, "scope": "offline_access"})
		var in struct {
			Refresh string `json:"refresh_token"`
		}
		must(t, json.Unmarshal([]byte(a.body), &in))
		id, _, _ = strings.Cut(in.Refresh, ".")
		return id, in.Refresh
	}
	goesOn := func(refresh string) bool {
		return s.visitor().json("/api/auth/refresh", map[string]string{"refresh_token": refresh}).status == http.StatusOK
	}
	id, refresh := takes()
	if list := s.run("", "session", "list", "ada@example.org"); !strings.Contains(list, "\nAPP ") || !strings.Contains(list, "\n"+id+" ") || !strings.Contains(list, "first-party  offline_access") {
		t.Errorf("the list:\n%s", list)
	}
	if !goesOn(refresh) {
		t.Fatal("control: it does not go on")
	}
	if said := s.run("", "session", "revoke", id); said != "1 app ended; it holds everywhere.\n" || goesOn(refresh) {
		t.Errorf("revoked: %q", said)
	}
	if said := s.run("", "session", "revoke", id); !strings.HasPrefix(said, "It had ended before; servers that have not confirmed it hold it by ") {
		t.Errorf("revoked once more: %q", said)
	}
	id, refresh = takes()
	if said := s.revoke("--user", "ada@example.org"); said.EndedApps != 1 || said.Effective != "everywhere" || goesOn(refresh) {
		t.Errorf("all: %+v", said)
	}
	if list := s.run("", "session", "list", "ada@example.org", "--json"); strings.Contains(list, id) {
		t.Errorf("it is still listed:\n%s", list)
	}
}

// A role that is given or taken in another process is there at the next check,
// within the bound of the feed, and nobody is signed out by it.
func TestRoles_changedBesideTheServerAreSeenAtTheNextCheck(t *testing.T) {
	s := startServe(t, "")
	s.run(sessionPassword, "user", "create", "ada@example.org", "--password-stdin", "--role", "reader")
	v := s.signedIn("one")
	for _, roles := range []string{`["reader"]`, `["admin","reader"]`, `[]`} {
		args := []string{"user", "set-roles", "ada@example.org"}
		switch roles {
		case `[]`:
			args = append(args, "--none")
		case `["admin","reader"]`:
			args = append(args, "reader", "admin")
		default:
			args = append(args, "reader")
		}
		s.run("", args...)
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			body := v.get("/api/auth/session").body
			if !strings.Contains(body, "ada@example.org") {
				t.Fatalf("signed out by a change of roles: %s", body)
			}
			if strings.Contains(body, `"roles":`+roles) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("never %s: %s", roles, body)
			}
		}
	}
	if n := len(s.sessions()); n != 1 { // whichever ID it has by now
		t.Errorf("%d sessions", n)
	}
}
