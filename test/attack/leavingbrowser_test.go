package attack_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-auth/gatehouse"
)

// pageWhen is the path and the text of the page once both are there and good is
// content with them; the test ends when it never is.
func pageWhen(t *testing.T, ctx context.Context, good func(path, text string) bool) (path, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		both, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.readyState == "complete" ? location.pathname + "\n" + document.body.innerText : ""`))
		if path, text, _ = strings.Cut(both, "\n"); err == nil && path != "" && good(path, text) {
			return path, text
		}
	}
	t.Fatalf("the page never was what it should be: %s %.300s", path, text)
	return "", ""
}

// The button that leads back shows the account while somebody is signed in, and
// not any more afterwards.
//
// proves: ASVS 14.3.1
func TestSignOut_backButtonShowsNoPrivatePage(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	s := newSite(t, func(c *gatehouse.Config) { c.PublicOrigin = base })
	server := &http.Server{Handler: s.Handler()}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	s.newUser(t, "ann@app.example")

	ctx := chromium(t)
	session := s.login("ann@app.example", password).cookies()[v4.session()]
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: v4.session(), Value: session, URL: base, HTTPOnly: new(true)}); err != nil {
		t.Fatal(err)
	}
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(words string) {
		t.Helper()
		pageWhen(t, ctx, func(_, text string) bool { return strings.Contains(text, words) })
	}
	const back, submit = `setTimeout(() => history.back())`, `setTimeout(() => document.querySelector("main form[action$='/signout'] button").click())`
	do(chromedp.Navigate(base + v4.base + "/account"))
	shows("ann@app.example")
	do(chromedp.Navigate(base + v4.base + "/signout"))
	shows("Do you want to sign out")
	do(chromedp.Evaluate[chromedp.Void](back))
	shows("ann@app.example") // the control

	do(chromedp.Navigate(base + v4.base + "/signout"))
	shows("Do you want to sign out")
	do(chromedp.Evaluate[chromedp.Void](submit))
	shows("There is nothing here") // the application is not there
	at := "/"
	for at != v4.base+"/signin" { // where the account was
		do(chromedp.Evaluate[chromedp.Void](back))
		path, text := pageWhen(t, ctx, func(path, _ string) bool { return path != at })
		if strings.Contains(text, "ann@app.example") {
			t.Fatalf("%s, a page of before, shows whose it was: %.300s", path, text)
		}
		at = path
	}
}
