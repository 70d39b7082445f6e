//go:build unix

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// press sends keys to whatever has the focus.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(fmt.Sprintf("press %q", keys), chromedp.KeyEvent(keys))
}

// tabTo presses the tabulator until the element has the focus.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	b.wait("see "+selector, fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q) !== null`, selector))
	for range 20 {
		if evaluated[bool](b, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
		b.press("\t")
	}
	b.t.Fatalf("twenty tabulators do not lead to %s", selector)
}

// keyed types into a field in place of what it holds.
func (b *tab) keyed(name, text string) {
	b.t.Helper()
	b.tabTo(fmt.Sprintf(`input[name=%q]`, name))
	b.do("select all", chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.press(text)
}

// arrived waits for a page of that path that a selector matches.
func (b *tab) arrived(path, selector string) {
	b.t.Helper()
	b.wait("arrive at "+path, fmt.Sprintf(`location.pathname === %q && document.readyState === "complete" && document.querySelector(%q) !== null`, path, selector))
}

// Whoever has neither a mouse nor scripts registers, signs out and in, replaces
// the password and deletes the account.
//
// proves: ASVS 3.7.5
func TestKeyboard_everyJourneyWithoutScripts(t *testing.T) {
	b := alone(t, "open").guest(t, false)
	const email, first = "kim@example.test", "an orange boat on a green river"
	const account = "/api/auth/account"

	b.hostedIn("en", "/account")
	b.tabTo(`a[href*="/signup"]`)
	b.press("\r")
	b.keyed("identifier", email)
	b.keyed("name", "Kim Keys")
	b.keyed("password", "short\r") // Enter in any field sends the form
	b.wait("the form is refused", fmt.Sprintf(`document.querySelector(%q) !== null`, refused))
	if kept := evaluated[string](b, `document.querySelector("[name=identifier]").value`); kept != email {
		t.Errorf("the refused form holds %q as identifier", kept)
	}
	b.keyed("password", first+"\r")
	b.arrived(account, `a[href*="/account/password"]`)

	b.tabTo(`form[action*="/signout"] button`)
	b.press("\r")
	b.wait("be signed out", fmt.Sprintf("location.pathname !== %q", account))
	b.hostedIn("en", "/account")
	b.keyed("identifier", email)
	b.keyed("password", "not the password at all\r")
	b.wait("the form is refused", fmt.Sprintf(`document.querySelector(%q) !== null`, refused))
	if kept := evaluated[string](b, `document.querySelector("[name=identifier]").value`); kept != email {
		t.Errorf("after a wrong password the form holds %q as identifier", kept)
	}
	b.keyed("password", first)
	b.tabTo(`button[type="submit"]`)
	b.press(" ")
	b.arrived(account, `a[href*="/account/password"]`)

	b.tabTo(`a[href*="/account/password"]`)
	b.press("\r")
	b.keyed("currentPassword", first)
	b.keyed("newPassword", newPassword+"\r")
	b.arrived(account, `.done`)

	b.tabTo(`a[href*="/account/delete"]`)
	b.press("\r")
	b.keyed("password", newPassword)
	b.tabTo(`button[type="submit"]`)
	b.press("\r")
	b.wait("be deleted", `document.readyState === "complete" && document.querySelector("[name=password]") === null`)
	b.hostedIn("en", "/account")
	b.arrived("/api/auth/signin", `[name="password"]`)
}

// A refused form is read out: the sentence is an alert, and the field that was
// wrong says so and points to what helps.
func TestKeyboard_aRefusedFieldSaysWhy(t *testing.T) {
	b := alone(t, "open").guest(t, false)
	b.hostedIn("en", "/signup")
	b.sends("identifier", "rae@example.test", "password", "short")
	b.wait("the form is refused", fmt.Sprintf(`document.querySelector(%q) !== null`, refused))
	got := evaluated[struct{ Invalid, Described string }](b, `(() => {
		const e = document.querySelector("[name=password]");
		return { invalid: e.getAttribute("aria-invalid"),
			described: (e.getAttribute("aria-describedby") ?? "").split(/\s+/).map((id) => document.getElementById(id)?.innerText ?? "missing: " + id).join(" | ") } })()`)
	if got.Invalid != "true" {
		t.Errorf("aria-invalid is %q", got.Invalid)
	}
	if !strings.Contains(got.Described, "15") || strings.Contains(got.Described, "missing: ") {
		t.Errorf("the field is described by %q, which does not say how long a password must be", got.Described)
	}
	if other := evaluated[string](b, `document.querySelector("[name=identifier]").getAttribute("aria-invalid") ?? ""`); other == "true" {
		t.Error("the identifier, which was right, is said to be wrong")
	}
}
