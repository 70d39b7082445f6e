//go:build unix

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// What a password manager goes by: one form, one user name, the passwords with
// their tokens, and the page that comes after the form was accepted.

// managedForm is a form as a password manager reads it.
type managedForm struct {
	Action, Method, Autocomplete string
	Submits                      int
	Fields                       []managedField
}

type managedField struct {
	Name, Type, Autocomplete, ID, Value, Labels string
	ReadOnly, Required, Seen, Disabled          bool
	Handlers                                    int
}

// told is the part of a field that decides what a manager does with it.
func (f managedField) told() string {
	text := f.Name + " " + f.Type + " " + f.Autocomplete
	if f.ReadOnly {
		text += " " + f.Value
	}
	return text
}

// proves: ASVS 6.2.6, ASVS 6.2.7
func TestManager_readsEveryForm(t *testing.T) {
	inspect := newInspector(t)
	open, invited := alone(t, "open"), alone(t, "invitation")
	open.person("mia@example.test", "Mia Manager")
	temporary := open.newcomer("tom@example.test")
	in, out, halfway, guest := open.guest(t, false), open.guest(t, false), open.guest(t, false), invited.guest(t, false)
	in.enter("en", "mia@example.test", userPassword)
	halfway.hostedIn("en", "/signin")
	halfway.sends("identifier", "tom@example.test", "password", temporary)
	halfway.wait("the demand for a new password", `document.querySelector("[name=newPassword]") !== null`)

	const signIn, signUp = "identifier text username, password password current-password", "identifier text username, name text name, password password new-password"
	for _, f := range []struct {
		name, path string
		who        *tab
		fill       []string
		want       string
	}{
		{"sign in", "/signin", out, nil, signIn},
		{"sign in again", "/signin", out, []string{"identifier", "mia@example.test", "password", "wrong"}, signIn},
		{"register", "/signup", out, nil, signUp},
		{"register again", "/signup", out, []string{"identifier", "may@example.test", "password", "short"}, signUp},
		{"register by invitation", "/signup", guest, nil, signUp + ", invitationCode text off"},
		{"change the password", "/account/password", in, nil,
			"username text username mia@example.test, currentPassword password current-password, newPassword password new-password"},
		{"replace the password", "/new-password", halfway, nil, "username text username tom@example.test, newPassword password new-password"},
		{"delete the account", "/account/delete", in, nil, "username text username mia@example.test, password password current-password"},
	} {
		t.Run(f.name, func(t *testing.T) {
			b := f.who.within(t)
			b.hostedIn("en", f.path)
			if f.fill != nil {
				b.sends(f.fill...)
				b.text(refused)
			}
			inspect.enter(b)
			var form *managedForm
			forms := evaluated[[]managedForm](b, "look.forms()")
			for i := range forms {
				if slices.ContainsFunc(forms[i].Fields, func(f managedField) bool { return f.Type == "password" }) {
					if form != nil {
						t.Fatal("two forms ask for a password")
					}
					form = &forms[i]
				}
			}
			if form == nil {
				t.Fatalf("no form asks for a password: %v", forms)
			}
			var told []string
			for _, field := range form.Fields {
				told = append(told, field.told())
				form.sound(t, field)
			}
			if diff := cmp.Diff(strings.Split(f.want, ", "), told); diff != "" {
				t.Errorf("a manager reads (-want +got):\n%s", diff)
			}
			if form.Method != "post" || form.Submits != 1 || form.Autocomplete == "off" {
				t.Errorf("the form has method %q, %d buttons that send it, autocomplete %q", form.Method, form.Submits, form.Autocomplete)
			}
		})
	}
}

// sound fails the test when a field of the form hinders a manager or a person.
func (form *managedForm) sound(t *testing.T, f managedField) {
	t.Helper()
	switch {
	case f.ID == "" || f.Disabled || f.Handlers > 0:
		t.Errorf("%s has the ID %q, disabled %v, %d inline handlers", f.Name, f.ID, f.Disabled, f.Handlers)
	case f.Seen && f.Labels == "":
		t.Errorf("%s has no label", f.Name)
	case f.Type == "password" && (!f.Seen || f.ReadOnly || !f.Required):
		t.Errorf("%s: seen %v, read-only %v, required %v", f.Name, f.Seen, f.ReadOnly, f.Required)
	}
	for _, other := range form.Fields {
		if other.ID == f.ID && other.Name != f.Name {
			t.Errorf("%s and %s share the ID %s", f.Name, other.Name, f.ID)
		}
	}
}

// Chromium's own password manager logs what it misses in a form. Each page gets
// one bad form more, so that what it says of that one tells that it has read.
func TestManager_ofChromiumMissesNothing(t *testing.T) {
	open := alone(t, "open")
	in, out := open.guest(t, true), open.guest(t, true)
	in.enter("en", userEmail, userPassword)
	for _, p := range []struct {
		path string
		who  *tab
	}{{"/signin", out}, {"/signup", out}, {"/account/password", in}, {"/account/delete", in}} {
		t.Run(p.path, func(t *testing.T) {
			b := p.who.within(t)
			var mu sync.Mutex
			var said []string
			if err := chromedp.Listen(b.ctx, func(event any) {
				e, ok := event.(*log.EventEntryAdded)
				if !ok || e.Entry.Source != log.EntrySourceRecommendation {
					return
				}
				text := e.Entry.Text
				for _, a := range e.Entry.Args {
					text += " " + a.Description
				}
				mu.Lock()
				defer mu.Unlock()
				said = append(said, text)
			}); err != nil {
				t.Fatal(err)
			}
			b.hostedIn("en", p.path)
			b.do("add a bad form", chromedp.Evaluate[chromedp.Void](`{
				const bad = document.createElement("form"), e = document.createElement("input");
				e.type = "password"; e.id = e.name = "unhelpful"; bad.append(e); document.querySelector("main").append(bad) }`))
			until(t, "Chromium reads the forms", func() error {
				mu.Lock()
				defer mu.Unlock()
				if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "unhelpful") }) {
					return fmt.Errorf("it says %q", said)
				}
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			for _, s := range said {
				if !strings.Contains(s, "unhelpful") {
					t.Errorf("Chromium says of our form: %s", s)
				}
			}
		})
	}
}

// A password as managers make them, with everything on a keyboard and beyond,
// is pasted rather than typed.
//
// proves: ASVS 6.2.7, ASVS 6.2.9
func TestManager_pastesALongPassword(t *testing.T) {
	b := alone(t, "open").guest(t, true)
	const email = "gil@example.test"
	generated := `x7&<"'` + strings.Repeat("q!Zé9µ", 20) + " ß雨4"
	paste := func(field string) {
		t.Helper()
		// Into the clipboard by way of a text field, as from another window.
		b.do("copy", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
			const e = document.createElement("textarea"); e.value = %q; document.body.append(e); e.focus(); e.select() }`, generated)))
		b.edit("copy")
		b.do("go to the field", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
			`document.querySelector("textarea").remove(); document.querySelector("input[name=%s]").focus()`, field)))
		b.edit("paste")
		if got := evaluated[string](b, fmt.Sprintf(`document.querySelector("input[name=%s]").value`, field)); got != generated {
			t.Fatalf("%s holds %q after pasting %q", field, got, generated)
		}
	}
	b.hostedIn("en", "/signup?callbackUrl=%2Fapi%2Fauth%2Faccount")
	b.fill(input("identifier"), email)
	paste("password")
	b.click(submit)
	b.arrived("/api/auth/account", `a[href*="/account/password"]`)

	elsewhere := b.another()
	elsewhere.hostedIn("en", "/signout")
	elsewhere.sends()
	elsewhere.wait("be signed out", `location.pathname !== "/api/auth/signout"`)
	b.hostedIn("en", "/account")
	b.fill(input("identifier"), email)
	paste("password")
	b.click(submit)
	b.arrived("/api/auth/account", `a[href*="/account/password"]`)
}
