//go:build unix

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one tab of the browser. A visitor is a first tab with no cookies;
// another tab of the same visitor shares them.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	trail *trail
}

// trail is what the tab did: the answers it got, for whoever reads a failure,
// and what no page of ours may ever cause.
type trail struct {
	base string

	mu     sync.Mutex
	lines  []string
	faults []string
}

type step = chromedp.Action[chromedp.Void]

// visitor opens a browser of its own on the application at origin.
func visitor(t *testing.T, origin string) *tab {
	t.Helper()
	need(t, "chromium")
	browser, err := all.browser()
	if err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return newTab(t, browser, origin, chromedp.WithNewBrowserContext())
}

// another opens a second tab of the same visitor.
func (b *tab) another() *tab { return newTab(b.t, b.ctx, b.base) }

func newTab(t *testing.T, parent context.Context, origin string, o ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(parent, o...)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx, base: origin, trail: &trail{base: origin}}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1000, 800)); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	must(b, "watch the network", network.Enable, network.EnableParams{})
	if err := chromedp.Listen(ctx, b.trail.note); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fault := range b.trail.found() {
			t.Error(fault)
		}
		if t.Failed() {
			t.Logf("%s\nafter:\n%s", b.here(), b.trail)
		}
	})
	return b
}

func (r *trail) note(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := event.(type) {
	case *network.EventResponseReceived:
		r.lines = append(r.lines, fmt.Sprint(e.Response.Status, " ", e.Response.URL))
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, r.base+"/") && !strings.HasPrefix(u, "data:") {
			r.faults = append(r.faults, "a page asked another origin: "+u)
		}
	case *runtime.EventExceptionThrown:
		thrown := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			thrown += " " + e.ExceptionDetails.Exception.Description
		}
		r.faults = append(r.faults, "a page threw: "+thrown)
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
			r.faults = append(r.faults, "the browser refused something: "+e.Entry.Text)
		}
	}
}

func (r *trail) found() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.faults
}

func (r *trail) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// within is the same tab in a subtest.
func (b *tab) within(t *testing.T) *tab { return &tab{t: t, ctx: b.ctx, base: b.base, trail: b.trail} }

// must sends a command of the protocol.
func must[P, R any](b *tab, what string, cmd cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, cmd, params)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return result
}

// gone is what Chromium says when the page was replaced by another between
// finding an element and touching it: some pages of next-auth load twice.
const gone = "Could not find node with given id"

// do runs steps, all of them again when the page is replaced under them, and
// fails the test with what the page shows.
func (b *tab) do(what string, steps ...step) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	err := chromedp.Do(ctx, steps...)
	for err != nil && strings.Contains(err.Error(), gone) && ctx.Err() == nil {
		err = chromedp.Do(ctx, steps...)
	}
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.here())
	}
}

// here is where the tab is and what it shows.
func (b *tab) here() string {
	location, _ := ask[string](b, "location.href")
	text, _ := ask[string](b, "document.body?.innerText ?? ''")
	return fmt.Sprintf("the tab is at %s and shows:\n%s", location, text)
}

// ask evaluates an expression once. Pages change under it, so an error may
// pass by itself.
func ask[T any](b *tab, expression string) (T, error) {
	ctx, stop := context.WithTimeout(b.ctx, 5*time.Second)
	defer stop()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// wait waits until the expression is true.
func (b *tab) wait(what, expression string) {
	b.t.Helper()
	until(b.t, what, func() error {
		ok, err := ask[bool](b, expression)
		if err == nil && !ok {
			err = errors.New(b.here())
		}
		return err
	})
}

// open goes to a path of the application, or to an address.
func (b *tab) open(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	b.do("open "+path, chromedp.Navigate(path))
}

func (b *tab) reload() {
	b.t.Helper()
	b.do("reload", chromedp.Reload())
}

// void drops an action's result, so that it can be a step among others.
func void[T any](a chromedp.Action[T]) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := a(ctx, target)
		return chromedp.Void{}, err
	}
}

// id selects the element with that data-testid.
func id(name string) chromedp.CSS { return chromedp.CSS(`[data-testid="` + name + `"]`) }

// input selects the input with that name: the hosted pages have no test IDs.
func input(name string) chromedp.CSS { return chromedp.CSS(`input[name="` + name + `"]`) }

const submit = chromedp.CSS(`button[type="submit"]`)

// fill types into a field that a person can type into, in place of what it held.
func (b *tab) fill(field chromedp.CSS, text string) {
	b.t.Helper()
	empty := chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).value = ''", field))
	b.do("fill "+string(field), chromedp.WaitVisible(field), chromedp.WaitEnabled(field), void(empty), chromedp.SendKeys(field, text))
}

func (b *tab) click(element chromedp.CSS) {
	b.t.Helper()
	b.do("click "+string(element), chromedp.WaitVisible(element), chromedp.WaitEnabled(element), chromedp.Click(element))
}

// shows waits until the element's text begins with the given one.
func (b *tab) shows(element chromedp.CSS, text string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("%s shows %q", element, text),
		fmt.Sprintf(`document.querySelector(%q)?.innerText.trim().startsWith(%q) ?? false`, element, text))
}

// at waits until the tab is at that path (and query) of the application.
func (b *tab) at(path string) {
	b.t.Helper()
	b.wait("be at "+path, fmt.Sprintf(`location.href === %q`, b.base+path))
}

// text is the element's text once it is visible.
func (b *tab) text(element chromedp.CSS) string {
	b.t.Helper()
	b.do("see "+string(element), chromedp.WaitVisible(element))
	text, err := ask[string](b, fmt.Sprintf(`document.querySelector(%q).innerText.trim()`, element))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// says fails unless the element has exactly that text.
func (b *tab) says(element chromedp.CSS, want string) {
	b.t.Helper()
	if got := b.text(element); got != want {
		b.t.Errorf("%s says %q, want %q", element, got, want)
	}
}

// verdict waits for what /inside finds when cookie and Gatehouse are compared.
func (b *tab) verdict(want string) {
	b.t.Helper()
	b.open("/inside")
	b.wait("the verdict "+want, fmt.Sprintf(`document.querySelector(%q)?.dataset.verdict === %q`, id("inside-verdict"), want))
}

// signIn uses the application's own page and leaves the tab at the home page.
func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.open("/login")
	b.fill(id("login-email"), email)
	b.fill(id("login-password"), password)
	b.click(id("login-submit"))
	b.at("/")
	b.shows(id("session-status"), "authenticated")
}

// signOut uses the application's button.
func (b *tab) signOut() {
	b.t.Helper()
	b.click(id("sign-out"))
	b.at("/")
	b.shows(id("session-status"), "unauthenticated")
}

// hosted fills the form of a hosted page, names and texts in turn, and sends it.
func (b *tab) hosted(pairs ...string) {
	b.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		b.fill(input(pairs[i]), pairs[i+1])
	}
	b.click(submit)
}

// titled waits for the page with that heading.
func (b *tab) titled(heading string) {
	b.t.Helper()
	b.shows("h1", heading)
}

// calls presses the home page's button for an API route and returns the status
// shown for it.
func (b *tab) calls(route string) string {
	b.t.Helper()
	b.click(id(route + "-ask"))
	return b.text(id(route + "-status"))
}

// cookies are those that the browser would send to the application.
func (b *tab) cookies() []*http.Cookie {
	b.t.Helper()
	found := must(b, "read cookies", network.GetCookies, network.GetCookiesParams{URLs: []string{b.base + "/"}})
	var list []*http.Cookie
	for _, c := range found.Cookies {
		list = append(list, &http.Cookie{Name: c.Name, Value: c.Value})
	}
	return list
}

// sessionCookie is the session's cookie, or nil.
func (b *tab) sessionCookie() *http.Cookie {
	b.t.Helper()
	for _, c := range b.cookies() {
		if strings.HasSuffix(c.Name, "session-token") {
			return c
		}
	}
	return nil
}

// withoutScripts switches JavaScript off, and sees that it is.
func (b *tab) withoutScripts() {
	b.t.Helper()
	must(b, "switch scripts off", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open("data:text/html,<title>off</title><script>document.title='on'</script>")
	if title, err := ask[string](b, "document.title"); err != nil || title != "off" {
		b.t.Fatalf("scripts are still %s (%v)", title, err)
	}
}
