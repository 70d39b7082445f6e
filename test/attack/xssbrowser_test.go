package attack_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// chromium is a browser whose pages all have evil(), which notes that it ran, and
// note what the page's policy stopped: markup that is stopped has become markup.
// The test is skipped where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	at := slices.IndexFunc(names, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if at < 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed")
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(names[at]), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		gently, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_ = chromedp.Cancel(gently)
		stop()
	})
	const watch = `window.ran = []; window.evil = () => { window.ran.push("evil") };
		addEventListener("securitypolicyviolation", e => window.ran.push("stopped: " + e.violatedDirective + " " + e.blockedURI));`
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// open goes to the address and tells what ran there, and whether the words are
// on the page.
func open(t *testing.T, ctx context.Context, address, words string) (ran []string, shown bool) {
	t.Helper()
	err := chromedp.Do(ctx, chromedp.Navigate(address),
		chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("input").forEach(i => { i.focus(); i.blur() })`))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err == nil {
		ran, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](`window.ran`))
	}
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return ran, strings.Contains(text, words)
}

// A real browser runs none of them, on the pages that show a name and on those
// that read the address; the same text on a careless page runs.
//
// proves: ASVS 1.2.1, ASVS 1.2.2, ASVS 3.2.2
func TestXSS_noScriptRunsInABrowser(t *testing.T) {
	careless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<body><p>"+r.URL.Query().Get("name"))
	}))
	defer careless.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	s := newSite(t, func(c *gatehouse.Config) { c.PublicOrigin = base })
	server := &http.Server{Handler: s.Handler()}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })

	ctx := chromium(t)
	if ran, _ := open(t, ctx, careless.URL+"/?name="+url.QueryEscape(`<img src=x onerror=evil()>`), ""); len(ran) == 0 {
		t.Fatal("the control: nothing ran on the careless page")
	}

	u := s.newUser(t, "victim@app.example")
	session := s.login("victim@app.example", password).cookies()[v4.session()]
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: v4.session(), Value: session, URL: base}); err != nil {
		t.Fatal(err)
	}
	opened := 0
	for i, text := range markups {
		name := text
		if i%20 == 19 { // nobody changes their name without end
			who := fmt.Sprintf("victim%d@app.example", i)
			u = s.newUser(t, who)
			session := s.login(who, password).cookies()[v4.session()]
			if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: v4.session(), Value: session, URL: base}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Users().UpdateProfile(t.Context(), auth.Principal{UserID: u.ID}, user.Profile{Name: &name}); err != nil {
			continue
		}
		pages := map[string]string{"/account": strings.Join(strings.Fields(name), " ")}
		switch esc := url.QueryEscape(text); i % 4 {
		case 0:
			pages["/signin?error="+esc+"&code="+esc+"&lang="+esc+"&name="+esc] = "Password"
		case 1:
			pages["/account/password"] = "Change password"
		case 2:
			pages["/error/"+url.PathEscape(strings.ReplaceAll(text, "/", ""))] = ""
		}
		for path, words := range pages {
			ran, shown := open(t, ctx, base+v4.base+path, words)
			if len(ran) > 0 {
				t.Errorf("%q on %.60s: %q", text, path, ran)
			}
			if !shown && !strings.ContainsFunc(words, func(r rune) bool { return r > '~' }) {
				t.Errorf("%q is not on %.60s: the test looks at the wrong thing", words, path)
			}
			opened++
		}
	}
	if opened < 90 {
		t.Errorf("only %d pages were opened", opened)
	}
}
