package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// programs are those of the folder of peers.
var programs = []string{"next-auth-v4.mjs", "next-auth-v5.mjs", "better-auth.mjs", "iron-session.mjs", "access-tokens.mjs"}

// peers measures the npm packages beside the bare handler.
func (r *run) peers() error {
	if reason := r.installPeers(); reason != "" {
		r.say("skipped: the npm peers: %s", reason)
		r.report.Skipped = append(r.report.Skipped, "next-auth 4, next-auth 5, better-auth, iron-session, jsonwebtoken, jose: "+reason)
		return nil
	}
	for _, program := range programs {
		if err := r.peer(program); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
	}
	return nil
}

// installPeers returns why there are none.
func (r *run) installPeers() (missing string) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return tool + " is not installed"
		}
	}
	// The one that came last: an older installation has the others.
	if _, err := os.Stat(filepath.Join(r.settings.peers, "node_modules", "jsonwebtoken")); err == nil {
		return ""
	}
	npm := exec.CommandContext(r.ctx, "npm", "install", "--no-save", "--no-package-lock", "--legacy-peer-deps", "--no-audit", "--no-fund")
	npm.Dir = r.settings.peers
	if out, err := npm.CombinedOutput(); err != nil {
		r.say("%s", out)
		return "npm install failed: " + err.Error()
	}
	return ""
}

// asked is a request as a peer describes it (bench/peers/serve.mjs).
type asked struct {
	Name, Method, Path string
	Headers            map[string]string
	Body               string
	Has, SetCookie     string
	Control            struct {
		Headers map[string]string
		Body    *string
	}
	Status int
}

func (a asked) request(address string) request {
	control := a
	if a.Control.Headers != nil {
		control.Headers = a.Control.Headers
	}
	if a.Control.Body != nil {
		control.Body = *a.Control.Body
	}
	return request{bytes: a.bytes(address), has: []byte(a.Has), cookie: []byte(a.SetCookie), control: control.bytes(address), status: a.Status}
}

func (a asked) bytes(address string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n", a.Method, a.Path, address)
	for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, a.Headers[name])
	}
	if a.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(a.Body))
	}
	return []byte(b.String() + "\r\n" + a.Body)
}

func (r *run) peer(program string) error {
	c, err := r.child(strings.TrimSuffix(program, ".mjs"), "node", program)
	if err != nil {
		return err
	}
	c.Dir = r.settings.peers
	if err := c.begin(true); err != nil {
		return err
	}
	defer c.kill()
	line, err := c.lines.ReadBytes('\n')
	if err != nil {
		return errors.Join(errors.New("it did not say what to ask; its log is in the folder of the run (-keep)"), err)
	}
	var says struct {
		Address  string
		Requests []asked
	}
	if err := json.Unmarshal(line, &says); err != nil {
		return err
	}
	c.address = says.Address
	for _, a := range says.Requests {
		q := a.request(says.Address)
		if err := r.prove(says.Address, q); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		if err := r.beside(c, a, q); err != nil {
			return err
		}
	}
	return nil
}

// beside compares checks with the bare handler and sign-ins with raw hashing,
// as those of Gatehouse. Sign-ins come from fewer clients, because these
// packages let everybody wait.
func (r *run) beside(c *child, a asked, q request) error {
	if a.Method == "POST" {
		raw, err := r.hashing()
		if err != nil {
			return err
		}
		defer raw.worker.kill()
		const few = 8
		subject := asking(c, few, []request{q})
		subject.plan.Ramp = time.Second
		_, err = r.compare(a.Name+", of raw argon2id", few, r.few(), raw, subject, r.queued())
		return err
	}
	base, err := r.bareHandler(clients)
	if err != nil {
		return err
	}
	_, err = r.compare(a.Name, clients, r.few(), base, asking(c, clients, []request{q}), max(r.time/2, 500*time.Millisecond))
	return err
}
