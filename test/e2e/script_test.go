//go:build unix

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// holds evaluates an expression that must be true at once.
func (b *tab) holds(what, expression string) {
	b.t.Helper()
	if ok, err := ask[bool](b, expression); err != nil || !ok {
		b.t.Errorf("it is not so that %s (%v)\n%s", what, err, b.here())
	}
}

// run evaluates statements in the page.
func (b *tab) run(statements string) {
	b.t.Helper()
	if _, err := ask[string](b, "(() => {"+statements+"})(), ''"); err != nil {
		b.t.Fatal(err)
	}
}

const password = `document.querySelector('input[autocomplete$="-password"]')`

func TestHostedScript_showsAndHidesThePassword(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	b.open("/api/auth/signin")
	b.fill(input("password"), "not the password at all")
	b.click(".reveal")
	b.wait("the password is shown", password+`.type === "text" && document.querySelector(".reveal").getAttribute("aria-pressed") === "true"`)
	b.holds("the password has the focus", "document.activeElement === "+password)
	b.click(".reveal")
	b.wait("it is hidden again", password+`.type === "password" && document.querySelector(".reveal").getAttribute("aria-pressed") === "false"`)

	// What is shown is hidden before it is sent: browsers would remember it.
	b.click(".reveal")
	b.run(`const form = document.forms[0]; form.addEventListener("submit", (e) => e.preventDefault()); form.requestSubmit()`)
	b.holds("it is hidden once it is sent", password+`.type === "password"`)
}

func TestHostedScript_tellsOfCapsLock(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	for language, want := range map[string]string{"en": "Caps Lock is on.", "de": "Die Feststelltaste ist an."} {
		b.open("/api/auth/signin?lang=" + language)
		press := func(on bool) {
			b.run(fmt.Sprintf(`%s.dispatchEvent(new KeyboardEvent("keydown", {bubbles: true, key: "A", modifierCapsLock: %v}))`, password, on))
		}
		b.holds("nothing is said before", `document.querySelector(".caps").textContent === ""`)
		press(true)
		b.says(".caps", want)
		b.holds("it is announced", `document.querySelector(".caps").getAttribute("aria-live") === "polite"`)
		press(false)
		b.holds("nothing is said after", `document.querySelector(".caps").textContent === ""`)
	}
}

func TestHostedScript_judgesANewPasswordWhileItIsTyped(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	b.open("/api/auth/signup?lang=en")
	b.fill(input("identifier"), "Grace.Hopper@navy.example.test")
	b.fill(input("name"), "Amazing Grace")
	for _, c := range []struct {
		typed       string
		length, own bool
	}{
		{"", false, false},
		{"fourteen char!", false, true},
		{"fifteen chars!!", true, true},
		{strings.Repeat("😀", 14), false, true},       // 28 UTF-16 units, 14 characters
		{strings.Repeat("e\u0301", 14), false, true}, // composed: 14 characters
		{strings.Repeat("e\u0301", 15), true, true},
		{"Grace.Hopper1906", true, false},
		{"AMAZING grace 2026!", true, false},
		{"navy.example.test", true, false},
		{"grace walks the quiet dog", true, true},
	} {
		b.run(fmt.Sprintf(`%[1]s.value = %[2]q; %[1]s.dispatchEvent(new Event("input", {bubbles: true}))`, password, c.typed))
		for rule, want := range map[string]bool{"length": c.length, "own": c.own} {
			b.holds(fmt.Sprintf("the rule %s is met by %q: %v", rule, c.typed, want),
				fmt.Sprintf(`document.querySelector('[data-rule=%q]').classList.contains("met") === %v`, rule, want))
		}
	}
	b.run(password + `.value = "x"; ` + password + `.dispatchEvent(new Event("input", {bubbles: true}))`)
	b.wait("a change is announced", `document.querySelector("[data-live]").textContent.includes("At least 15 characters: not met yet")`)
}

// Two clicks send one form, and whoever comes back can send it again.
func TestHostedScript_sendsAFormOnce(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	b.open("/api/auth/signin")
	b.run(`window.sent = 0; document.forms[0].addEventListener("submit", (e) => { if (!e.defaultPrevented) window.sent++; e.preventDefault(); })`)
	for range 3 {
		b.click(submit)
	}
	b.holds("one of three was sent", `window.sent === 1`)
	b.holds("the button says that it is busy", `document.querySelector('button[type="submit"]').getAttribute("aria-disabled") === "true" && document.querySelector(".spinner") !== null`)
	b.run(`window.dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`)
	b.holds("it is ready again", `document.querySelector('button[type="submit"]').getAttribute("aria-disabled") === null && document.querySelector(".spinner") === null`)
	b.click(submit)
	b.holds("it was sent again", `window.sent === 2`)
}
