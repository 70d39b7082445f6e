//go:build unix

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	keys "github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// browsed opens the page of the management API as an operator does.
func browsed(t *testing.T) (b *tab, g *gatehouse, key string) {
	t.Helper()
	need(t, "chromium")
	g, _, key = managed(t)
	b = visitor(t, g.ops)
	must(b, "be in front", emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return b, g, key
}

// drawn opens the page and waits until it has read the document.
func (b *tab) drawn(fragment string) {
	b.t.Helper()
	b.open("/api/v1/" + fragment)
	b.wait("the operations are there", `document.querySelectorAll("details.operation").length > 20`)
}

const answered = `#listUsers [role="status"] .status`

// The page shows every operation of the document, sends requests with the key
// that is typed and without, keeps that key nowhere, and neither throws nor
// meets its own policy, which loads nothing from elsewhere (the tab watches).
func TestManagementPage_showsAndTriesTheDocument(t *testing.T) {
	b, g, key := browsed(t)
	heard := b.eavesdrop()
	b.drawn("")

	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal(openAPI(t, g.ops+"/api/v1"), &document); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, methods := range document.Paths {
		for _, o := range methods {
			want = append(want, o.OperationID)
		}
	}
	got := evaluated[[]string](b, `[...document.querySelectorAll("details.operation")].map((e) => e.id)`)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the page shows\n\t%q\nand the document has\n\t%q", got, want)
	}

	// By keyboard: search, go to the operation by its link, open it, send.
	for _, kind := range []keys.DispatchKeyEventType{keys.DispatchKeyEventTypeKeyDown, keys.DispatchKeyEventTypeKeyUp} {
		// In one event, as a keyboard does it: what the page refuses is not typed.
		must(b, "press /", keys.DispatchKeyEvent, keys.DispatchKeyEventParams{Type: kind, Key: "/", Code: "Slash", Text: "/"})
	}
	b.holds("the search has the keyboard, and is empty", `document.activeElement.id === "search" && document.activeElement.value === ""`)
	b.press("listusers get")
	b.wait("one operation is left", `[...document.querySelectorAll("details.operation")].filter((e) => e.checkVisibility()).map((e) => e.id).join() === "listUsers"`)
	b.tabTo(`#listUsers > summary`)
	b.press("\r")
	b.tabTo(`#listUsers-limit`)
	b.press("1\r") // Enter sends the form
	b.wait("nobody is refused", fmt.Sprintf(`document.querySelector(%q)?.innerText.startsWith("401")`, answered))
	b.holds("the problem is shown", `document.querySelector("#listUsers pre").innerText.includes('"code": "signed_out"')`)

	b.run(`document.querySelector("#key").focus()`)
	b.press(key + "\r")
	b.wait("the page says who asks", `/^key_.*permissions$/.test(document.querySelector("#who").innerText)`)
	b.run(`document.querySelector("#listUsers button").focus()`)
	b.press(" ")
	b.wait("the key is let in", fmt.Sprintf(`document.querySelector(%q)?.innerText.startsWith("200")`, answered))
	b.holds("the answer is shown", `document.querySelector("#listUsers pre").innerText.includes('"items": []')`)

	b.holds("the key is kept nowhere", `localStorage.length + sessionStorage.length === 0 && document.cookie === "" && !document.body.innerText.includes("gh_") && !location.href.includes("gh_")`)
	b.open("/api/v1/#createUser") // the search had hidden it
	const shown = `document.querySelector("#createUser textarea")?.checkVisibility() ?? false`
	b.wait("an address opens its operation", shown)
	b.holds("the key is still there", fmt.Sprintf(`document.querySelector("#key").value === %q`, key))
	b.reload()
	b.wait("an address opens its operation when the page is loaded", shown)
	b.holds("the key is gone", `document.querySelector("#key").value === ""`)

	// What somebody has called themselves is text, here too.
	b.run(`document.querySelector("#key").focus()`)
	b.press(key)
	b.run(`document.querySelector("#createUser textarea").value = JSON.stringify({ username: "mallory", name: "<img src=x onerror=document.title=1><b>Mallory" })`)
	b.click("#createUser button")
	b.wait("the user is made", `document.querySelector("#createUser .status")?.innerText.startsWith("201")`)
	b.holds("markup is text", `document.querySelector("#createUser pre").innerText.includes("<b>Mallory") && document.querySelector("#createUser pre").childElementCount === 0 && document.title !== "1"`)

	for _, line := range heard() {
		t.Errorf("the page complains: %s", line)
	}
}

// Anybody can use the page: axe finds nothing in light and dark, wide and
// narrow, with an operation open and an answer in it; the keyboard reaches
// everything in the order of the eye.
func TestManagementPage_isForEverybody(t *testing.T) {
	inspect := newInspector(t)
	b, _, key := browsed(t)
	b.drawn("#listUsers")
	b.wait("it is open", `document.querySelector("#listUsers form") !== null`)
	b.run(`document.querySelector("#key").focus()`)
	b.press(key + "\r")
	b.click("#listUsers button")
	b.wait("there is an answer", fmt.Sprintf(`document.querySelector(%q) !== null`, answered))
	inspect.enter(b)
	for _, window := range []struct {
		scheme string
		width  int64
	}{{"light", 1280}, {"dark", 320}, {"light", 320}, {"dark", 1280}} {
		b.scheme(window.scheme)
		b.size(window.width, 800)
		b.do("let colours come to rest", chromedp.Evaluate[chromedp.Void]("look.rest()"))
		where := fmt.Sprintf("%s, %d px", window.scheme, window.width)
		b.axe(where)
		for _, question := range []string{"look.outlined()", "look.large()", "look.apart()"} {
			b.faults(where, question)
		}
		if wide := evaluated[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("%s: the page is %d px too wide", where, wide)
		}
	}
	// One operation is enough for the keyboard: they are all alike.
	b.size(1280, 1600)
	b.run(`const s = document.querySelector("#search"); s.value = "listUsers"; s.dispatchEvent(new Event("input"))`)
	b.do("go to the top", chromedp.Evaluate[chromedp.Void]("look.top()"))
	reached := map[string]bool{}
	for range 30 {
		b.press("\t")
		on := evaluated[struct {
			Name   string
			Faults []string
		}](b, "look.focus()")
		for _, fault := range on.Faults {
			t.Error(fault)
		}
		reached[strings.Fields(on.Name + " ?")[0]] = true
	}
	for _, name := range []string{"a.skip", "input#key", "button#check", "input#search", "summary", "input#listUsers-cursor", "input#listUsers-limit", "select#listUsers-disabled", "button.send", "pre"} {
		if !reached[name] {
			t.Errorf("the keyboard does not reach %s; it reaches %v", name, reached)
		}
	}
}

// The pictures of docs/management-api.md, when GATEHOUSE_SCREENSHOTS names a
// folder for them.
func TestScreens_ofTheManagementAPI(t *testing.T) {
	folder := os.Getenv("GATEHOUSE_SCREENSHOTS")
	if folder == "" {
		t.Skip("GATEHOUSE_SCREENSHOTS names no folder")
	}
	b, g, key := browsed(t)
	b.drawn("")
	b.run(`document.querySelector("#key").focus()`)
	b.press(key + "\r")
	b.wait("the page says who asks", `document.querySelector("#who").innerText !== ""`)
	b.run(`document.querySelector("#version").textContent = "1.0.0"; document.querySelector("#who").textContent = document.querySelector("#who").textContent.replace(/key_[-0-9a-f]+/, "key_0199c3a1-6c00-7b3e-9d55-0a4c2f1e8b7d")`)
	for name, username := range map[string]string{"Ada Lovelace": "ada", "Grace Hopper": "grace"} {
		g.cli("", "user", "create", username, "--name", name, "--temporary")
	}
	b.still()
	shoot := func(name string) {
		for _, window := range []struct {
			name          string
			width, height int64
		}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
			for _, scheme := range []string{"light", "dark"} {
				b.size(window.width, window.height)
				b.scheme(scheme)
				b.run(`(document.querySelector(":focus") ?? document.body).blur(); scrollTo({ top: document.querySelector("details[open] .try")?.getBoundingClientRect().top + scrollY - 16 || 0, behavior: "instant" })`)
				b.pictured(filepath.Join(folder, fmt.Sprintf("%s-%s-%s.png", name, window.name, scheme)), chromedp.CaptureScreenshot())
			}
		}
	}
	shoot("management")
	b.run(`document.querySelector("#listUsers").open = true`)
	b.fill(`#listUsers-text`, "ada")
	b.click("#listUsers button")
	b.wait("there is an answer", fmt.Sprintf(`document.querySelector(%q) !== null`, answered))
	b.run(`const p = document.querySelector("#listUsers pre"); p.textContent = p.textContent.replace(/^x-request-id: .*$/m, "x-request-id: sdywjnvn24fr3c2l").replace(/usr_[-0-9a-f]+/g, "usr_0199c3a1-6c00-7b3e-9d55-0a4c2f1e8b7d").replace(/"20[^"]+Z"/g, '"2026-11-22T09:30:00Z"')`)
	shoot("management-tried")
}
