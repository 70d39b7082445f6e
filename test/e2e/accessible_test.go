//go:build unix

package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// finding is a rule of axe-core that a page breaks, or that axe could not
// decide about by itself.
type finding struct {
	Rule, Kind, Help string
	Nodes            []string
}

func (f finding) String() string {
	return fmt.Sprintf("%s (%s): %s\n\t%s", f.Rule, f.Kind, f.Help, strings.Join(f.Nodes, "\n\t"))
}

// verdict is what axe-core says of a page: what it found, and which rules it
// found to be kept.
type axeVerdict struct {
	Findings []finding
	Kept     []string
}

// askAxe runs every rule of WCAG 2.0 to 2.2, A and AA, and the good practices.
// In a page without scripts no timer ever rings, so axe's are promises there.
const askAxe = `(async () => {
	const late = window.setTimeout
	window.setTimeout = (f, _, ...a) => (Promise.resolve().then(() => f(...a)), 0)
	try {
		const r = await axe.run(document, {
			runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
			rules: { "target-size": { enabled: true } },
			preload: false,
		})
		const list = (kind) => r[kind].map((v) => ({
			rule: v.id, kind, help: v.help,
			nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.html.slice(0, 160) + " " + n.any.map((c) => c.message).join("; ")),
		}))
		return JSON.stringify({ findings: [...list("violations"), ...list("incomplete")], kept: r.passes.map((p) => p.id) })
	} finally { window.setTimeout = late }
})()`

// inspector brings axe-core and our own questions into pages.
type inspector struct{ source string }

func newInspector(t *testing.T) inspector {
	t.Helper()
	need(t, "chromium", "node", "npm")
	if err := browserPackages(); err != nil {
		t.Fatal(err)
	}
	return inspector{script(t, "node_modules", "axe-core", "axe.min.js") + "\n;" + script(t, "test", "browser", "page.js")}
}

// enter brings the inspector into the page that the tab shows.
func (i inspector) enter(b *tab) {
	b.t.Helper()
	b.do("bring axe into the page", chromedp.Evaluate[chromedp.Void](i.source))
}

// axe fails the test for each finding.
func (b *tab) axe(where string) {
	b.t.Helper()
	v := b.askAxe()
	for _, f := range v.Findings {
		b.t.Errorf("%s: %s", where, f)
	}
	// Rules that say something about every page: without them axe has not looked.
	for _, rule := range []string{"color-contrast", "document-title", "html-lang-valid", "landmark-one-main", "page-has-heading-one", "region"} {
		if !slices.Contains(v.Kept, rule) {
			b.t.Errorf("%s: axe says nothing about %s", where, rule)
		}
	}
}

func (b *tab) askAxe() (v axeVerdict) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(evaluated[string](b, askAxe)), &v); err != nil {
		b.t.Fatal(err)
	}
	return v
}

// faults fails the test for each sentence that a question of page.js returns.
func (b *tab) faults(where, question string) {
	b.t.Helper()
	for _, fault := range evaluated[[]string](b, question) {
		b.t.Errorf("%s: %s", where, fault)
	}
}

// size and scheme change the window under the page, which is not loaded again.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do("resize", chromedp.EmulateViewport(width, height))
}

func (b *tab) scheme(name string, more ...*emulation.MediaFeature) {
	b.t.Helper()
	must(b, "set the scheme", emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: append(more, &emulation.MediaFeature{Name: "prefers-color-scheme", Value: name}),
	})
}

// Every hosted page in every state, in both languages, in light and dark, on
// the smallest screen and on a desktop, without scripts; and once more with
// them, because they add to the pages.
func TestAccessible_everyHostedPage(t *testing.T) {
	inspect := newInspector(t)
	open, invited, closed := alone(t, "open"), alone(t, "invitation"), alone(t, "closed")
	for n, pass := range []struct {
		name, language string
		scripts        bool
	}{{"english", "en", false}, {"german", "de", false}, {"with-scripts", "en", true}} {
		t.Run(pass.name, func(t *testing.T) {
			t.Parallel()
			players(t, n, pass.language, pass.scripts, open, invited, closed).play(func(t *testing.T, name string, b *tab) {
				inspect.enter(b)
				if pass.scripts {
					b.inSight("light", 320)
					b.inSight("dark", 1280)
				} else {
					b.inBothSchemes()
					b.bent()
				}
				b.byKeyboard()
			})
		})
	}
}

// inBothSchemes looks at the page in light and in dark, at both widths.
func (b *tab) inBothSchemes() {
	b.t.Helper()
	grounds := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		b.inSight(scheme, 1280)
		b.inSight(scheme, 320)
		grounds[scheme] = evaluated[string](b, `getComputedStyle(document.querySelector("main")).backgroundColor`)
	}
	if grounds["light"] == grounds["dark"] {
		b.t.Errorf("light and dark have the same ground, %s", grounds["light"])
	}
}

// inSight looks at the page as it is in a scheme and at a width.
func (b *tab) inSight(scheme string, width int64) {
	b.t.Helper()
	b.scheme(scheme)
	b.size(width, 800)
	b.do("let colours come to rest", chromedp.Evaluate[chromedp.Void]("look.rest()"))
	where := fmt.Sprintf("%s, %d px", scheme, width)
	b.axe(where)
	for _, question := range []string{"look.fits()", "look.outlined()", "look.large()", "look.apart()"} {
		b.faults(where, question)
	}
}

// bent looks at what people do to pages: large text, wide spacing, the other
// direction of writing, colours of their own.
func (b *tab) bent() {
	b.t.Helper()
	change := func(expression string) { b.do("bend the page", chromedp.Evaluate[chromedp.Void](expression)) }
	b.scheme("light")
	whole := func(where string) {
		b.faults(where, "look.fits()")
		b.faults(where, "look.apart()")
	}

	b.size(320, 800)
	change(`document.documentElement.dir = "rtl"`)
	whole("right to left, 320 px")
	b.size(1280, 800)
	whole("right to left, 1280 px")
	change(`document.documentElement.dir = "ltr"`)

	// WCAG 1.4.4: text at 200 %, on a desktop and where the window stays small.
	change(`document.documentElement.style.fontSize = "200%"`)
	whole("text at 200 %, 1280 px")
	b.size(390, 844)
	whole("text at 200 %, 390 px")
	change(`document.documentElement.style.fontSize = ""`)

	// WCAG 1.4.10: 400 % on a desktop is a window of 320 by 200.
	b.size(320, 200)
	whole("zoomed to 400 %")
	b.byKeyboard()

	// WCAG 1.4.12.
	change(`(() => { const s = new CSSStyleSheet(); s.replaceSync(
		"* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }");
		document.adoptedStyleSheets = [s] })()`)
	b.size(320, 800)
	whole("wide spacing, 320 px")
	change(`document.adoptedStyleSheets = []`)

	change("look.top()") // what the keyboard is on looks different
	b.scheme("light", &emulation.MediaFeature{Name: "forced-colors", Value: "active"})
	change("look.rest()")
	b.faults("colours of the reader's own", "look.outlined()")
	b.scheme("light", &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
	change("look.rest()")
	if moving := evaluated[int](b, `document.getAnimations().length + [...document.querySelectorAll("*")].filter(
		(e) => getComputedStyle(e).transitionDuration.split(",").some((d) => parseFloat(d) > 0.01)).length`); moving > 0 {
		b.t.Errorf("%d elements move although the reader wants no motion", moving)
	}
	b.scheme("light")
	b.size(1280, 800)
}

// byKeyboard goes through the page with the tabulator: to every control, in
// the order of the eye, and every time it shows where one is.
func (b *tab) byKeyboard() {
	b.t.Helper()
	want := evaluated[[]string](b, "look.order()")
	b.do("go to the top", chromedp.Evaluate[chromedp.Void]("look.top()"))
	var got []string
	for range want {
		b.do("press Tab", chromedp.KeyEvent("\t"))
		on := evaluated[struct {
			Name   string
			Faults []string
		}](b, "look.focus()")
		got = append(got, on.Name)
		for _, fault := range on.Faults {
			b.t.Error(fault)
		}
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("the keyboard goes\n\t%s\nand the eye\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// What the tests above rely on finds what it is meant to find: each damage is
// done to the sign-in page as it is.
func TestAccessible_inspectorFindsWhatIsBroken(t *testing.T) {
	inspect := newInspector(t)
	b := alone(t, "open").guest(t, false)
	for _, damage := range []struct{ name, do, rule string }{
		{"no label", `document.querySelectorAll("label").forEach((e) => e.remove())`, "label"},
		{"no language", `document.documentElement.removeAttribute("lang")`, "html-has-lang"},
		{"faint text", `document.querySelector("h1").style.color = "#bbb"`, "color-contrast"},
		{"no title", `document.title = ""`, "document-title"},
		{"no zoom", `document.querySelector("meta[name=viewport]").content = "width=device-width, user-scalable=no"`, "meta-viewport"},
		{"tiny buttons", `for (const name of ["a", "b"]) { const e = document.createElement("button"); e.textContent = name;
			e.style.cssText = "all: unset; font-size: 8px; display: block; height: 9px; width: 9px"; document.querySelector("main").append(e) }`, "target-size"},
		{"an unknown token", `document.querySelector("[name=password]").autocomplete = "secret-word"`, "autocomplete-valid"},
	} {
		t.Run(damage.name, func(t *testing.T) {
			b := b.within(t)
			b.hostedIn("en", "/signin")
			inspect.enter(b)
			b.do("break it", chromedp.Evaluate[chromedp.Void](damage.do))
			v := b.askAxe()
			if !slices.ContainsFunc(v.Findings, func(f finding) bool { return f.Rule == damage.rule && f.Kind == "violations" }) {
				t.Errorf("axe finds %v, want %s", v.Findings, damage.rule)
			}
		})
	}
	for _, damage := range []struct{ name, do, question string }{
		{"a wide box", `document.querySelector("main").style.minWidth = "2000px"`, "look.fits()"},
		{"cut text", `Object.assign(document.querySelector("h1").style, { overflow: "hidden", width: "2rem", whiteSpace: "nowrap" })`, "look.fits()"},
		{"a low button", `Object.assign(document.querySelector("button[type=submit]").style, { padding: 0, minHeight: 0, height: "30px" })`, "look.large()"},
		{"a field without an edge", `document.querySelector("[name=password]").style.border = "0"`, "look.outlined()"},
		{"one over the other", `document.querySelector("button[type=submit]").style.marginTop = "-60px"`, "look.apart()"},
		{"no outline", `(() => { const s = new CSSStyleSheet(); s.replaceSync("* { outline: none !important }"); document.adoptedStyleSheets = [s];
			document.querySelector("[name=password]").focus() })()`, "look.focus().faults"},
	} {
		t.Run(damage.name, func(t *testing.T) {
			b := b.within(t)
			b.hostedIn("en", "/signin")
			inspect.enter(b)
			if found := evaluated[[]string](b, damage.question); len(found) > 0 && damage.question != "look.focus().faults" {
				t.Errorf("before the damage: %q", found)
			}
			b.do("break it", chromedp.Evaluate[chromedp.Void](damage.do))
			if found := evaluated[[]string](b, damage.question); len(found) == 0 {
				t.Errorf("%s finds nothing", damage.question)
			}
		})
	}
}
