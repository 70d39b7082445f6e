//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	keys "github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// The hosted pages need no application: here the browser talks to gatehouse
// itself.

// house is a gatehouse whose public origin is its own listener.
type house struct {
	*gatehouse
	origin string
}

// alone starts one with the given way of registration.
func alone(t *testing.T, registration string) *house {
	t.Helper()
	need(t, "chromium")
	port := freePort()
	h := &house{origin: fmt.Sprintf("http://localhost:%d", port)}
	h.gatehouse = serve(t, port, h.origin, fmt.Sprintf("name: Fieldnotes\nregistration:\n  mode: %s\n", registration))
	return h
}

// person creates a user with a name. The password is userPassword.
func (h *house) person(email, name string) {
	h.t.Helper()
	h.cli(userPassword+"\n", "user", "create", email, "--password-stdin", "--name", name, "--role", "editor")
}

// newcomer creates a user who must replace the password that is returned.
func (h *house) newcomer(email string) string {
	h.t.Helper()
	out := h.cli("", "user", "create", email, "--temporary")
	_, password, found := strings.Cut(strings.TrimSpace(out), "once: ")
	if !found {
		h.t.Fatalf("no temporary password in %q", out)
	}
	return password
}

// app takes tokens that outlive their session, as a program on a phone does.
func (h *house) app(email string) {
	h.t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q,"scope":"offline_access"}`, email, userPassword)
	got, err := http.Post(h.origin+"/api/auth/token", "application/json", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if got.Body.Close(); got.StatusCode != http.StatusOK {
		h.t.Fatalf("tokens for an app: %s", got.Status)
	}
}

// guest opens a browser of its own on the hosted pages, with page scripts or
// without.
func (h *house) guest(t *testing.T, scripts bool) *tab {
	t.Helper()
	b := visitor(t, h.origin)
	// Of several tabs, each believes that the keyboard is its own.
	must(b, "be in front", emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	if !scripts {
		b.withoutScripts()
	}
	return b
}

// hostedIn opens a hosted page in a language.
func (b *tab) hostedIn(language, path string) {
	b.t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	b.open("/api/auth" + path + separator + "lang=" + language)
}

// enter signs in on the hosted page and waits for the account page.
func (b *tab) enter(language, email, password string) {
	b.t.Helper()
	b.hostedIn(language, "/account")
	b.sends("identifier", email, "password", password)
	b.wait("be signed in", `location.pathname === "/api/auth/account" && document.readyState === "complete"`)
}

// browserPackages installs what test/browser/package.json names, once.
var browserPackages = sync.OnceValue(func() error {
	install := exec.Command(filepath.Join(root(), "scripts", "build-example.sh"), "--packages")
	install.Env = environ()
	if text, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("install the Node packages: %w\n%s", err, text)
	}
	return nil
})

// script reads a file that tests evaluate in a page.
func script(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root()}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// evaluated runs an expression that may be a promise. It is no script of the
// page: neither its policy nor the switch that turns scripts off stop it.
func evaluated[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.here())
	}
	return got
}

// edit sends one of the browser's editing commands, as its shortcut would.
func (b *tab) edit(command string) {
	b.t.Helper()
	for _, kind := range []keys.DispatchKeyEventType{keys.DispatchKeyEventTypeRawKeyDown, keys.DispatchKeyEventTypeKeyUp} {
		event := keys.DispatchKeyEventParams{Type: kind, Key: "Unidentified"}
		if kind == keys.DispatchKeyEventTypeRawKeyDown {
			event.Commands = []string{command}
		}
		must(b, command, keys.DispatchKeyEvent, event)
	}
}
