//go:build unix

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// proves: CB-7
func TestHosted_everythingWorksWithoutScripts(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	b.withoutScripts()
	const email, first, second = "olga@example.test", "an orange boat on a green river", "two orange boats on a grey river"

	// Sign up, first with a password that will not do, and be back at the page
	// that asked.
	b.open("/api/auth/account")
	b.titled("Sign in")
	b.click(`.aside a`)
	b.titled("Create your account")
	b.hosted("identifier", email, "name", "Olga Old", "password", "short teas")
	b.shows(".problem", "This password has 10 characters; use at least 15.")
	if kept, _ := ask[string](b, `document.querySelector('input[name="identifier"]').value`); kept != email {
		t.Errorf("the refused form holds %q as identifier", kept)
	}
	b.hosted("password", first)
	b.at("/api/auth/account")
	b.titled("Your account")
	b.shows(".card p strong", "Olga Old")

	// Sign out, and in again, with a wrong password first.
	b.hosted()
	b.titled("Welcome")
	b.open("/api/auth/account")
	b.titled("Sign in")
	b.hosted("identifier", email, "password", "not the password at all")
	b.shows(".problem", "Sign-in failed")
	b.hosted("identifier", email, "password", first)
	b.at("/api/auth/account")
	b.titled("Your account")

	// A new password ends the session in another browser, and not here.
	elsewhere := visitor(t, app.origin)
	elsewhere.signIn(email, first)
	b.click(`a[href$="/account/password"]`)
	b.titled("Change your password")
	b.hosted("currentPassword", "not the password at all", "newPassword", second)
	b.shows(".problem", "")
	b.hosted("currentPassword", first, "newPassword", second)
	b.titled("Your account")
	b.shows(".done", "Your password was changed.")
	elsewhere.reload()
	elsewhere.shows(id("session-status"), "unauthenticated")
	if got := elsewhere.calls("api-me"); got != "401" {
		t.Errorf("/api/me answered %s to the other browser after the change", got)
	}
	b.open("/api/auth/account")
	b.titled("Your account")

	// Sign out by the page that asks.
	b.open("/api/auth/signout")
	b.titled("Sign out")
	b.hosted()
	b.titled("You are signed out") // not back to the account page, which would ask to sign in
	b.click(`a.button`)
	b.titled("Sign in")
	b.hosted("identifier", email, "password", first)
	b.shows(".problem", "Sign-in failed")
	b.hosted("identifier", email, "password", second)

	// Delete the account.
	b.titled("Your account")
	b.click(`a[href$="/account/delete"]`)
	b.titled("Delete your account")
	b.hosted("password", first)
	b.titled("Delete your account")
	b.shows(".problem", "")
	b.hosted("password", second)
	b.titled("Your account is deleted")
	b.open("/api/auth/account")
	b.titled("Sign in")
	b.hosted("identifier", email, "password", second)
	b.shows(".problem", "Sign-in failed")
}

// The pages fit small and large screens in light and dark; the pictures are
// for a person to look at.
func TestHosted_pagesFitTheScreen(t *testing.T) {
	app := theExample(t)
	g := dev(t, app.gatehousePort, app.origin)
	const long = "long.name.of.somebody.with.many.subdomains@mail.department.university.example.test"
	g.cli(userPassword+"\n", "user", "create", long, "--password-stdin", "--name", "Wilhelmina-Alexandrina Konstantinopoulou-Featherstonehaugh")
	out := g.cli("", "user", "create", "temp@example.test", "--temporary")
	_, temporary, _ := strings.Cut(strings.TrimSpace(out), "once: ")

	nobody := visitor(t, app.origin)
	somebody := visitor(t, app.origin)
	somebody.signIn(userEmail, userPassword)
	longest := visitor(t, app.origin)
	longest.signIn(long, userPassword)
	halfway := visitor(t, app.origin)
	halfway.open("/api/auth/signin")
	halfway.hosted("identifier", "temp@example.test", "password", temporary)

	for _, p := range []struct {
		name, path, heading string
		who                 *tab
		fill                []string // sent before the picture is taken
	}{
		{"signin", "/signin", "Sign in", nobody, nil},
		{"signin-wrong", "/signin?error=CredentialsSignin", "Sign in", nobody, nil},
		{"signup", "/signup", "Create your account", nobody, nil},
		{"signup-refused", "/signup", "Create your account", nobody, []string{"identifier", "pia@example.test", "password", "short"}},
		{"signout", "/signout", "Sign out", somebody, nil},
		{"account", "/account", "Your account", somebody, nil},
		{"account-long", "/account", "Your account", longest, nil},
		{"account-done", "/account?done=password", "Your account", somebody, nil},
		{"password", "/account/password", "Change your password", somebody, nil},
		{"password-refused", "/account/password", "Change your password", somebody, []string{"currentPassword", userPassword, "newPassword", "short"}},
		{"delete", "/account/delete", "Delete your account", somebody, nil},
		{"error-denied", "/error?error=AccessDenied", "Access denied", nobody, nil},
		{"error-configuration", "/error?error=Configuration", "Something is set up wrong", nobody, nil},
		{"verify-request", "/verify-request", "Check your mail", nobody, nil},
		{"new-password", "/new-password", "Choose a new password", halfway, nil},
		{"new-password-expired", "/new-password", "This did not work", nobody, nil},
	} {
		t.Run(p.name, func(t *testing.T) {
			b := p.who.within(t)
			b.open("/api/auth" + p.path)
			b.titled(p.heading)
			if p.fill != nil {
				b.hosted(p.fill...)
				b.text(".problem")
			}
			for _, size := range [][2]int64{{390, 844}, {1280, 800}, {320, 568}} {
				for _, scheme := range []string{"light", "dark"} {
					b.look(p.name, size[0], size[1], scheme)
				}
			}
		})
	}
}

// look shows the page at a size and in a colour scheme, and takes a picture of
// the two common sizes when somebody wants it.
func (b *tab) look(name string, width, height int64, scheme string) {
	b.t.Helper()
	b.do("resize", chromedp.EmulateViewport(width, height))
	must(b, "set the scheme", emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if wide, err := ask[int64](b, "document.documentElement.scrollWidth"); err != nil || wide > width {
		b.t.Errorf("at %d px the page is %d px wide (%v)", width, wide, err)
	}
	folder := os.Getenv("GATEHOUSE_SCREENSHOTS")
	if folder == "" || width == 320 {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	size := map[int64]string{390: "390x844", 1280: "1280x800"}[width]
	if err := os.WriteFile(filepath.Join(folder, name+"-"+size+"-"+scheme+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
