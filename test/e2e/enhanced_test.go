//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// What scripts add to the pages, as the network and the console see it. What
// they add in the page itself is in script_test.go.

func TestEnhanced_everyPasswordCanBeShown(t *testing.T) {
	open := alone(t, "open")
	in, out := open.guest(t, true), open.guest(t, true)
	in.enter("en", userEmail, userPassword)
	for _, p := range []struct {
		who         *tab
		path, field string
		buttons     int
	}{
		{out, "/signin", "password", 1}, {out, "/signup", "password", 1}, {in, "/account/password", "currentPassword", 2},
		{in, "/account/password", "newPassword", 2}, {in, "/account/delete", "password", 1},
	} {
		t.Run(p.path+" "+p.field, func(t *testing.T) {
			b := p.who.within(t)
			b.hostedIn("en", p.path)
			button := chromedp.CSS(fmt.Sprintf(`button[aria-controls="input-%s"]`, p.field))
			b.fill(input(p.field), "shown and hidden")
			if n := evaluated[int](b, `[...document.querySelectorAll("button[aria-controls]")].filter((e) => e.checkVisibility()).length`); n != p.buttons {
				t.Fatalf("%d buttons show a password, want %d", n, p.buttons)
			}
			state := func() string {
				return evaluated[string](b, fmt.Sprintf(`(() => { const i = document.querySelector(%q), e = document.querySelector(%q);
					return [i.type, i.value, e.ariaPressed, e.type, (e.ariaLabel || e.innerText).trim() !== "", document.activeElement === i].join() })()`, input(p.field), button))
			}
			if got, want := state(), "password,shown and hidden,false,button,true,true"; got != want {
				t.Errorf("at first: %s, want %s", got, want)
			}
			b.click(button)
			if got, want := state(), "text,shown and hidden,true,button,true,true"; got != want {
				t.Errorf("shown: %s, want %s", got, want)
			}
			b.press("!") // the caret is where it was
			b.click(button)
			if got, want := state(), "password,shown and hidden!,false,button,true,true"; got != want {
				t.Errorf("hidden again: %s, want %s", got, want)
			}
		})
	}
	t.Run("without scripts there is no such button", func(t *testing.T) {
		b := open.guest(t, false)
		b.hostedIn("en", "/signin")
		if n := evaluated[int](b, `[...document.querySelectorAll("button")].filter((e) => e.checkVisibility()).length`); n != 1 {
			t.Errorf("%d buttons, want the one that sends the form", n)
		}
	})
}

// The rules beside a new password promise what the server decides.
func TestEnhanced_rulesAgreeWithTheServer(t *testing.T) {
	b := alone(t, "open").guest(t, true)
	for _, c := range []struct {
		typed string
		met   bool
	}{
		{"fourteen chars", false}, {"äöüäöüäöüäöüäö", false}, {"margarethe12345", false}, {"Example.Test 2026", false}, {"margarethe sings loud", true},
	} {
		b.hostedIn("en", "/signup")
		b.fill(input("identifier"), "margarethe@example.test")
		b.fill(input("password"), c.typed)
		if met := evaluated[bool](b, `[...document.querySelectorAll("[data-rule]")].every((e) => e.classList.contains("met"))`); met != c.met {
			t.Errorf("%q: the page says %v, want %v", c.typed, met, c.met)
		}
		b.click(submit)
		b.wait("the server decides", fmt.Sprintf(`document.readyState === "complete" && (document.querySelector(%q) !== null || !location.pathname.endsWith("/signup"))`, refused))
		if taken := !evaluated[bool](b, `location.pathname.endsWith("/signup")`); taken != c.met {
			t.Errorf("%q: the server takes it: %v, want %v", c.typed, taken, c.met)
		}
	}
}

// The request is held back while somebody presses the button again. Until it
// goes on, the browser answers no questions about the page: so the page itself
// takes notes.
func TestEnhanced_aFormIsOneRequest(t *testing.T) {
	open := alone(t, "open")
	for _, c := range []struct {
		name    string
		scripts bool
		least   int
	}{{"with scripts", true, 1}, {"without scripts, where they are more", false, 2}} {
		t.Run(c.name, func(t *testing.T) {
			b := open.guest(t, c.scripts)
			b.hostedIn("en", "/account")
			b.fill(input("identifier"), userEmail)
			b.fill(input("password"), userPassword)
			b.do("take notes", chromedp.Evaluate[chromedp.Void](`document.querySelector("form").addEventListener("submit", (e) => {
				sessionStorage.notes = (sessionStorage.notes ?? "") + [e.defaultPrevented ? "kept" : "sent", document.querySelector("button[type=submit]").getAttribute("aria-disabled")].join() + " " })`))
			at := evaluated[[2]float64](b, `(() => { const r = document.querySelector("button[type=submit]").getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] })()`)
			held, release := b.hold()
			onTheirWay := func(want int) {
				until(t, fmt.Sprintf("%d requests are on their way", want), func() error {
					if n := held(); n < want {
						return fmt.Errorf("there are %d", n)
					}
					return nil
				})
			}
			press := chromedp.MouseClickXY(at[0], at[1])
			b.do("press", press)
			onTheirWay(1)
			b.do("press again", press, press)
			onTheirWay(c.least)
			release()
			b.arrived("/api/auth/account", `a[href*="/account/password"]`)
			if !c.scripts {
				return
			}
			if n := held(); n != 1 {
				t.Errorf("three clicks sent %d requests", n)
			}
			if got, want := strings.TrimSpace(evaluated[string](b, "sessionStorage.notes")), "sent,true kept,true kept,true"; got != want {
				t.Errorf("three clicks: %s, want %s", got, want)
			}
			b.do("go back", chromedp.NavigateBack())
			b.wait("the form can be sent again", `document.querySelector("button[type=submit]")?.getAttribute("aria-disabled") === null`)
		})
	}
}

// hold keeps every POST of the tab from leaving until release.
func (b *tab) hold() (held func() int, release func()) {
	b.t.Helper()
	var mu sync.Mutex
	var posts []fetch.RequestID
	pass := make(chan fetch.RequestID, 100)
	ctx, stop := context.WithCancel(b.ctx)
	b.t.Cleanup(stop)
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			if e.Request.Method != "POST" {
				pass <- e.RequestID
				return
			}
			mu.Lock()
			defer mu.Unlock()
			posts = append(posts, e.RequestID)
		}
	}); err != nil {
		b.t.Fatal(err)
	}
	go func() {
		for {
			select {
			case id := <-pass:
				_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id})
			case <-ctx.Done():
				return
			}
		}
	}()
	must(b, "hold requests", fetch.Enable, fetch.EnableParams{})
	now := func() []fetch.RequestID {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(posts)
	}
	return func() int { return len(now()) }, func() {
		for _, id := range now() { // those that the browser has given up are gone already
			_, _ = chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id})
		}
		must(b, "hold nothing more", fetch.Disable, cdp.Empty{})
	}
}

// eavesdrop gathers what the pages of a tab complain about: errors in the
// console, refused policies, files that cannot be had.
func (b *tab) eavesdrop() (heard func() []string) {
	b.t.Helper()
	var mu sync.Mutex
	var lines []string
	if err := chromedp.Listen(b.ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			// A form that is refused is a page with status 400, which is logged too.
			page := e.Entry.Source == log.EntrySourceNetwork && !strings.Contains(e.Entry.URL, "/assets/") && !strings.HasSuffix(e.Entry.URL, ".ico")
			if !page && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
				lines = append(lines, fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text, " ", e.Entry.URL))
			}
		case *runtime.EventConsoleAPICalled:
			lines = append(lines, fmt.Sprint("console.", e.Type))
		case *runtime.EventExceptionThrown:
			lines = append(lines, "exception: "+e.ExceptionDetails.Text)
		}
	}); err != nil {
		b.t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

func TestEnhanced_noPageComplains(t *testing.T) {
	open, invited, closed := alone(t, "open"), alone(t, "invitation"), alone(t, "closed")
	c := players(t, 0, "de", true, open, invited, closed)
	heard := map[string]func() []string{
		"nobody": c.nobody.eavesdrop(), "somebody": c.somebody.eavesdrop(), "halfway": c.halfway.eavesdrop(),
	}
	c.play(func(t *testing.T, name string, b *tab) {
		// The script of the page has run when its buttons are there.
		if fields := evaluated[int](b, `document.querySelectorAll("[type=password]").length`); fields > 0 {
			b.wait("the script has run", fmt.Sprintf(
				`[...document.querySelectorAll("button[aria-controls]")].filter((e) => e.checkVisibility()).length === %d`, fields))
		}
		for who, said := range heard {
			for _, line := range said() {
				t.Errorf("%s hears: %s", who, line)
			}
		}
	})

	t.Run("a page that is attacked complains", func(t *testing.T) {
		b := open.guest(t, true)
		said := b.eavesdrop()
		b.hostedIn("en", "/signin")
		b.do("attack", chromedp.Evaluate[chromedp.Void](`{
			const s = document.createElement("script");
			try { s.textContent = "window.name = 'attacked'"; document.body.append(s) } catch {} }`))
		until(t, "the policy refuses it", func() error {
			b.trail.mu.Lock()
			defer b.trail.mu.Unlock()
			b.trail.faults = nil // here it is meant
			if len(said()) == 0 {
				return fmt.Errorf("nothing is said")
			}
			return nil
		})
		if name := evaluated[string](b, "window.name"); name == "attacked" {
			t.Error("an inline script ran")
		}
	})
}
