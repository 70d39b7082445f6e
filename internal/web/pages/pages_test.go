package pages_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

const (
	base   = "https://app.example/api/auth"
	person = "Ann Person"
	mail   = "ann@example.test"
)

func options() pages.Options {
	return pages.Options{
		Name: "Lodge", Base: base, Cookie: "__Host-next-auth.language",
		Terms: "https://app.example/terms", Privacy: "https://app.example/privacy", Support: "mailto:help@app.example",
	}
}

func newSet(t *testing.T) *pages.Set {
	t.Helper()
	s, err := pages.New(options())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// scenes are all pages there are, in the states that change what they say.
func scenes() map[string]func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
	type scene = func(s *pages.Set, w http.ResponseWriter, r *http.Request) error
	form := func(fields ...pages.Field) pages.Form {
		return pages.Form{Action: base + "/x", CSRFToken: "abc", Fields: fields, Hidden: map[string]string{"hosted": "1"}, Username: mail, Own: person}
	}
	signIn := func(change func(p *pages.SignIn)) scene {
		return func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			p := pages.SignIn{Form: form(pages.IdentifierField().With(mail), pages.PasswordField()), Register: base + "/signup"}
			change(&p)
			return s.SignIn(w, r, http.StatusOK, p)
		}
	}
	refused := func(err error) scene {
		return signIn(func(p *pages.SignIn) { p.Problem, p.Wrong = pages.Refused(err), "password" })
	}
	all := map[string]scene{
		"sign in":        signIn(func(p *pages.SignIn) { p.Focus = "identifier" }),
		"sign in, asked": signIn(func(p *pages.SignIn) { p.Notice = pages.Say(pages.KeySignInRequired) }),
		"sign in, wrong": signIn(func(p *pages.SignIn) { p.Problem, p.Wrong = pages.Say(pages.KeySignInFailed), "password" }),
		"sign up": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			f := form(pages.IdentifierField().With(mail), pages.NameField().With(person), pages.FirstPasswordField(15), pages.InvitationField())
			f.Problem, f.Wrong = pages.Refused(auth.CodeIdentifierTaken), "identifier"
			return s.SignUp(w, r, http.StatusConflict, pages.SignUp{Form: f, SignIn: base + "/signin"})
		},
		"sign up, closed": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.SignUp(w, r, http.StatusForbidden, pages.SignUp{Closed: true, SignIn: base + "/signin"})
		},
		"sign out": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error { return s.SignOut(w, r, form()) },
		"signed out": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.SignedOut(w, r, pages.SignedOut{SignIn: base + "/signin", Return: "https://app.example"})
		},
		"account": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Account(w, r, pages.Account{
				Sessions: base + "/account/sessions",
				Shown:    person, Email: mail, Username: "ann", Roles: []string{"editor"}, ChangePassword: base + "/account/password",
				Delete: base + "/account/delete", Return: "https://app.example", SignOut: form(), Done: pages.KeyPasswordChanged,
			})
		},
		"password": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Password(w, r, http.StatusOK, pages.OwnForm{Form: form(pages.CurrentPasswordField(), pages.NewPasswordField(15)), Back: base + "/account"})
		},
		"new password": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.NewPassword(w, r, http.StatusOK, form(pages.NewPasswordField(15)))
		},
		"delete": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Delete(w, r, http.StatusOK, pages.OwnForm{Form: form(pages.OwnPasswordField()), Back: base + "/account"})
		},
		"sessions": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Sessions(w, r, sessions(form))
		},
		"sessions, one": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			p := sessions(form)
			p.List, p.Apps, p.Done, p.Pending = p.List[:1], nil, pages.KeySessionsNone, 0
			return s.Sessions(w, r, p)
		},
		"end an app": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			p := pages.EndSession{OwnForm: pages.OwnForm{Form: form(pages.OwnPasswordField()), Back: base + "/account/sessions"}, App: &sessions(form).Apps[0]}
			return s.EndSession(w, r, http.StatusOK, p)
		},
		"end a session": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			p := pages.EndSession{OwnForm: pages.OwnForm{Form: form(pages.OwnPasswordField()), Back: base + "/account/sessions"}, Which: &sessions(form).List[1]}
			return s.EndSession(w, r, http.StatusOK, p)
		},
		"end the others": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.EndSession(w, r, http.StatusOK, pages.EndSession{OwnForm: pages.OwnForm{Form: form(pages.OwnPasswordField()), Back: base + "/account/sessions"}})
		},
		"signed out everywhere": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.SignedOut(w, r, pages.SignedOut{SignIn: base + "/signin", Return: "https://app.example", Done: pages.KeySessionsAllEnded, Pending: time.Minute})
		},
		"deleted": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Message(w, r, pages.Message{Title: pages.KeyDeletedTitle, Text: pages.Say(pages.KeyDeletedText), Link: base, LinkText: pages.KeyGoService})
		},
		"mail": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Message(w, r, pages.Message{Title: pages.KeyMailTitle, Text: pages.Say(pages.KeyMailText), Link: base, LinkText: pages.KeyMailBack})
		},
		"failure": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			s.Fail(w, r, errors.New("secret cause"))
			return nil
		},
		"waiting": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			s.Fail(w, r, &auth.Error{Code: auth.CodeBusy, RetryAfter: 3 * time.Minute})
			return nil
		},
		"forbidden": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			s.Fail(w, r, auth.CodeForbidden)
			return nil
		},
		"nothing": func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			s.Fail(w, r, auth.CodeNotFound)
			return nil
		},
	}
	for name, m := range map[string]pages.Message{
		"configuration": {Title: pages.KeyConfigurationTitle, Text: pages.Say(pages.KeyConfigurationText)},
		"denied":        {Title: pages.KeyDeniedTitle, Text: pages.Say(pages.KeyDeniedText)},
		"verification":  {Title: pages.KeyVerificationTitle, Text: pages.Say(pages.KeyVerificationText)},
		"sign-in error": {Title: pages.KeySignInErrorTitle, Text: pages.Say(pages.KeySignInErrorText)},
		"address":       {Title: pages.KeyAddressTitle, Text: pages.Say(pages.KeyAddressText)},
	} {
		all[name] = func(s *pages.Set, w http.ResponseWriter, r *http.Request) error {
			return s.Error(w, r, http.StatusForbidden, m)
		}
	}
	for _, c := range auth.Codes() {
		all["refused: "+string(c)] = refused(&auth.Error{Code: c, RetryAfter: 90 * time.Second})
	}
	for _, p := range reasons {
		d := auth.Detail{Name: string(p.Reason), Values: map[string]int{"length": p.Length, "limit": p.Limit}}
		all["refused: "+d.Name] = refused(&auth.Error{Code: auth.CodePasswordCommon, Details: []auth.Detail{d}})
	}
	for _, d := range []string{auth.DetailCurrentPassword, auth.DetailCallbackURL, auth.DetailSignedOutHere} {
		all["refused: "+d] = refused(&auth.Error{Code: auth.CodeUnavailable, Details: []auth.Detail{{Name: d}}})
	}
	return all
}

// sessions is a list in which every kind of line stands.
func sessions(form func(fields ...pages.Field) pages.Form) pages.Sessions {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	button := func() pages.Form {
		f := form()
		f.Username, f.Own = "", "" // nothing is to be typed
		return f
	}
	at := func(a useragent.Agent, address string, n clientip.Network, seen, begun time.Duration) pages.Session {
		return pages.Session{Agent: a, Address: address, Network: n, Seen: seen, Begun: begun, SeenAt: now.Add(-seen), BegunAt: now.Add(-begun), End: button()}
	}
	p := pages.Sessions{Others: button(), All: button(), Back: base + "/account", Done: pages.KeySessionEnded, Pending: 30 * time.Second, List: []pages.Session{
		at(useragent.Agent{Browser: "Firefox", System: "Windows"}, "203.0.113.x", clientip.Public, 0, time.Minute),
		at(useragent.Agent{Browser: "curl"}, "10.0.0.x", clientip.Private, 2*time.Minute, time.Hour),
		at(useragent.Agent{System: "Windows"}, "127.0.0.x", clientip.Loopback, 59*time.Minute, 47*time.Hour),
		at(useragent.Agent{}, "", "", 48*time.Hour, 24*80*time.Hour),
	}}
	p.List[0].Current = true
	p.Apps = []pages.App{
		{Client: "mobile", Scopes: []string{"read", "write"}, UsedAt: now, BegunAt: now.Add(-72 * time.Hour), Begun: 72 * time.Hour, End: button()},
		{UsedAt: now.Add(-time.Hour), Used: time.Hour, BegunAt: now.Add(-2 * time.Hour), Begun: 2 * time.Hour, End: button()},
	}
	return p
}

// A list of sessions says of each what it is, in whole units, and offers one
// button a line whose name tells which.
func TestSessions_namesEachLineAndItsButton(t *testing.T) {
	p := show(t, newSet(t), scenes()["sessions"], nil)
	said := strings.Join(strings.Fields(p.said()), " ")
	for _, want := range []string{
		"Firefox on Windows This browser 203.0.113.x Last used just now Signed in just now",
		"curl From a private network, 10.0.0.x Last used 2 minutes ago Signed in 1 hour ago",
		"Unknown browser on Windows From the machine that the server runs on Last used 59 minutes ago Signed in 47 hours ago",
		"Unknown browser Address unknown Last used 2 days ago Signed in 80 days ago",
		"Apps that stay signed in", "mobile May use: read, write Last used just now Access given 3 days ago One moment End access",
		"An app of Lodge Last used 1 hour ago Access given 2 hours ago One moment End access",
		"That browser is signed out. Not every server has confirmed this yet. It holds on all of them in 30 seconds at the latest.",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "127.0.0") {
		t.Error("the address of the server's own machine is shown")
	}
	ids := map[string]string{}
	for n := range p.doc.Descendants() {
		if id := get(n, "id"); id != "" {
			for child := range n.Descendants() {
				ids[id] += child.Data + " "
			}
		}
	}
	names := map[string]bool{}
	for n := range p.doc.Descendants() {
		if by := strings.Fields(get(n, "aria-labelledby")); len(by) > 0 {
			name := ""
			for _, id := range by {
				if ids[id] == "" {
					t.Errorf("a button is named by %s, which is not there", id)
				}
				name += ids[id]
			}
			names[name] = true
		}
	}
	if len(names) != 7 { // four sessions, two apps, and the list of apps
		t.Errorf("%d buttons with names of their own: %v", len(names), names)
	}
	if one := show(t, newSet(t), scenes()["sessions, one"], nil); strings.Contains(one.said(), "Sign out everywhere else") {
		t.Error("with one session alone there is a button that ends the others")
	} else if strings.Contains(one.said(), "Apps that") {
		t.Error("without apps they are spoken of")
	}
}

// shown is one page as a browser gets it.
type shown struct {
	*httptest.ResponseRecorder
	doc *html.Node
}

func show(t *testing.T, s *pages.Set, do func(s *pages.Set, w http.ResponseWriter, r *http.Request) error, change func(r *http.Request)) shown {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/auth/x", nil)
	if change != nil {
		change(r)
	}
	if err := do(s, w, r); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return shown{w, doc}
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func get(n *html.Node, name string) string { v, _ := attribute(n, name); return v }

// said is everything that people are told: text, and attributes that are read
// aloud or shown.
func (p shown) said() string {
	var b strings.Builder
	for n := range p.doc.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "script":
			b.WriteString(n.Data + " ")
		case n.Type == html.ElementNode:
			for _, name := range []string{"title", "alt", "aria-label", "placeholder", "data-text", "data-met", "data-unmet", "data-busy"} {
				if v, ok := attribute(n, name); ok {
					b.WriteString(v + " ")
				}
			}
		}
	}
	return b.String()
}

// Every page in a language in which each text stands in brackets: what is said
// outside of them is data, or was forgotten.
func TestPages_sayNothingUntranslated(t *testing.T) {
	s, err := pages.NewPseudo(options())
	if err != nil {
		t.Fatal(err)
	}
	data := strings.NewReplacer("203.0.113.x", "", "curl", "", "mobile", "", "Lodge", "", person, "", mail, "", "ann", "", "editor", "", "·", "", ",", "", "L ", " ")
	for name, do := range scenes() {
		p := show(t, s, do, nil)
		depth, outside := 0, ""
		for _, r := range p.said() {
			switch string(r) {
			case pages.OpenMark:
				depth++
			case pages.CloseMark:
				depth--
			default:
				if depth == 0 {
					outside += string(r)
				}
			}
		}
		if rest := strings.TrimSpace(data.Replace(outside)); rest != "" || depth != 0 {
			t.Errorf("%s: %q is not translated", name, strings.Fields(rest))
		}
		if lang := p.Header().Get("Content-Language"); lang != "ar-XB" || !strings.Contains(p.Body.String(), `<html lang="ar-XB" dir="rtl">`) {
			t.Errorf("%s: Content-Language is %q, or the page says otherwise", name, lang)
		}
		if strings.Contains(p.Body.String(), "secret cause") {
			t.Errorf("%s shows the cause", name)
		}
	}
}

// No placeholder stays open, in any language.
func TestPages_fillEveryPlaceholder(t *testing.T) {
	s := newSet(t)
	for name, do := range scenes() {
		for _, tag := range pages.Languages() {
			p := show(t, s, do, func(r *http.Request) { r.Header.Set("Accept-Language", tag) })
			if open := placeholder.FindAllString(p.said(), -1); len(open) > 0 {
				t.Errorf("%s in %s: %q", name, tag, open)
			}
		}
	}
}

// proves: ASVS 3.2.2, ASVS 3.6.1, ASVS 3.4.3, ASVS 3.4.8, ASVS 1.3.2
func TestPages_loadTheirOwnFilesAndNoOthers(t *testing.T) {
	s := newSet(t)
	nonces := map[string]bool{}
	for name, do := range scenes() {
		p := show(t, s, do, nil)
		for n := range p.doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "style" || n.Data == "script" && (get(n, "src") == "" || n.FirstChild != nil) {
				t.Errorf("%s: <%s> inline", name, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s %s>", name, n.Data, a.Key)
				}
			}
			for _, load := range []string{get(n, "src"), get(n, "srcset"), map[bool]string{true: get(n, "href")}[n.Data == "link"]} {
				if load != "" && !strings.HasPrefix(load, base+"/assets/") {
					t.Errorf("%s loads %s", name, load)
				}
			}
		}
		csp := p.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "img-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "trusted-types 'none'"} {
			if !slices.Contains(strings.Split(csp, "; "), want) {
				t.Errorf("%s: the policy %q lacks %q", name, csp, want)
			}
		}
		nonce := regexp.MustCompile(`; script-src 'nonce-([A-Z2-7]{26})'; `).FindStringSubmatch(csp)
		if nonce == nil || nonces[nonce[1]] || !strings.Contains(p.Body.String(), ` nonce="`+nonce[1]+`" `) {
			t.Errorf("%s: the policy %q lets another script in, or none", name, csp)
		} else {
			nonces[nonce[1]] = true
		}
		if strings.Contains(csp, "unsafe") || p.Header().Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: %v", name, p.Header())
		}
	}
}

// Each input has a label, what describes it is there, no ID stands twice, and
// a wrong field is named as such and has the focus.
func TestForms_tieLabelsAndProblemsToTheirFields(t *testing.T) {
	s := newSet(t)
	for name, do := range scenes() {
		p := show(t, s, do, nil)
		ids, labels, problem, alerts, invalid, focus := map[string]int{}, map[string]bool{}, false, 0, "", ""
		for n := range p.doc.Descendants() {
			ids[get(n, "id")]++
			if n.Data == "label" {
				labels[get(n, "for")] = true
			}
			if get(n, "role") == "alert" {
				alerts++
				problem = problem || get(n, "id") == "problem"
			}
		}
		delete(ids, "")
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: the ID %s stands %d times", name, id, n)
			}
		}
		for n := range p.doc.Descendants() {
			if n.Type != html.ElementNode || n.Data != "input" || get(n, "type") == "hidden" {
				continue
			}
			if !labels[get(n, "id")] && get(n, "aria-hidden") != "true" {
				t.Errorf("%s: the input %s has no label", name, get(n, "name"))
			}
			for _, id := range strings.Fields(get(n, "aria-describedby")) {
				if ids[id] == 0 {
					t.Errorf("%s: %s is described by %s, which is not there", name, get(n, "name"), id)
				}
			}
			if get(n, "aria-invalid") == "true" {
				invalid = get(n, "name")
				if !problem || !slices.Contains(strings.Fields(get(n, "aria-describedby")), "problem") {
					t.Errorf("%s: the problem does not describe the wrong field", name)
				}
			}
			if _, ok := attribute(n, "autofocus"); ok {
				focus = get(n, "name")
			}
		}
		if problem != (alerts == 1) || alerts > 1 || problem && (invalid == "" || focus != invalid) {
			t.Errorf("%s: %d alerts, invalid %q, focus on %q", name, alerts, invalid, focus)
		}
	}
}

// What a password manager sees.
//
// proves: ASVS 6.2.6, ASVS 6.2.7
func TestForms_tellPasswordManagersWhatEachFieldIs(t *testing.T) {
	want := map[string][]string{
		"sign in":      {"username:text", "current-password:password"},
		"sign up":      {"username:text", "name:text", "new-password:password", "off:text"},
		"password":     {"username:text", "current-password:password", "new-password:password"},
		"new password": {"username:text", "new-password:password"},
		"delete":       {"username:text", "current-password:password"},
	}
	s := newSet(t)
	for name, fields := range want {
		p := show(t, s, func(s *pages.Set, w http.ResponseWriter, r *http.Request) error { return scenes()[name](s, w, r) }, nil)
		var got []string
		for n := range p.doc.Descendants() {
			if n.Type != html.ElementNode || n.Data != "input" || get(n, "type") == "hidden" {
				continue
			}
			token := get(n, "autocomplete")
			if name := get(n, "name"); name == "username" && (get(n, "value") != mail || get(n, "tabindex") != "-1") {
				t.Errorf("%s: the account's name is %q, and reached by Tab: %v", name, get(n, "value"), get(n, "tabindex"))
			} else if name == "username" && (fields[0] != "username:text" || len(got) > 0) {
				t.Errorf("%s: the account's name does not stand first", name)
			}
			if token == "new-password" && (get(n, "minlength") != "15" || !strings.Contains(get(n, "passwordrules"), "minlength: 15;")) {
				t.Errorf("%s: a generator is not told the least length", name)
			}
			if _, cut := attribute(n, "maxlength"); cut && get(n, "type") == "password" {
				t.Errorf("%s: a browser would cut a long password without a word", name)
			}
			if _, pasted := attribute(n, "onpaste"); pasted {
				t.Errorf("%s: pasting is hindered", name)
			}
			if len(got) == 0 || got[len(got)-1] != token+":"+get(n, "type") {
				got = append(got, token+":"+get(n, "type"))
			}
		}
		if !slices.Equal(got, fields) {
			t.Errorf("%s: %q, want %q", name, got, fields)
		}
	}
}

func TestStyle_isSafeForRightToLeftLanguages(t *testing.T) {
	s := newSet(t)
	css := asset(t, s, "style").Body.String()
	if physical := regexp.MustCompile(`(?m)(?:^|[\s;{])((?:margin|padding|border)-(?:left|right|top|bottom)[\w-]*|left|right|top|bottom|float|width|height|min-width|max-height|min-height|text-align: (?:left|right))\s*:`).
		FindAllString(css, -1); len(physical) > 0 {
		t.Errorf("physical properties: %q", physical)
	}
	for _, want := range []string{"prefers-color-scheme: dark", "prefers-reduced-motion", "forced-colors", "@media print", ":focus-visible"} {
		if !strings.Contains(css, want) {
			t.Errorf("nothing for %s", want)
		}
	}
	if regexp.MustCompile(`url\(|@import`).MatchString(css) {
		t.Error("the stylesheet loads something")
	}
	if used := regexp.MustCompile(`#[0-9a-f]{3,8}\b`).FindAllString(strings.SplitAfter(css, "*, *::before")[1], -1); len(used) > 0 {
		t.Errorf("colours beside the theme: %q", used)
	}
}

// The sinks that make markup or code of text.
//
// proves: ASVS 3.2.2
func TestScript_writesTextAndNeverMarkup(t *testing.T) {
	js := asset(t, newSet(t), "script").Body.String()
	for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setTimeout(\"", "DOMParser", "createContextualFragment", ".href =", ".src =", "import(", "paste"} {
		if strings.Contains(js, sink) {
			t.Errorf("the script uses %s", sink)
		}
	}
}

// asset fetches the one asset whose name begins so.
func asset(t *testing.T, s *pages.Set, begins string) *httptest.ResponseRecorder {
	t.Helper()
	page := show(t, s, scenes()["sign in"], nil).Body.String()
	name := regexp.MustCompile(base + `/assets/(` + begins + `\.[0-9a-f]{12}\.\w+)`).FindStringSubmatch(page)
	if name == nil {
		t.Fatalf("the page names no %s", begins)
	}
	w, err := fetch(s, name[1])
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func fetch(s *pages.Set, name string) (*httptest.ResponseRecorder, error) {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetPathValue("file", name)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // as the router does
	return w, s.ServeAsset(w, r)
}

// proves: ASVS 5.3.2
func TestServeAsset_servesWhatIsThereAndNothingElse(t *testing.T) {
	s := newSet(t)
	for begins, want := range map[string]string{"style": "text/css; charset=utf-8", "script": "text/javascript; charset=utf-8", "icon": "image/svg+xml"} {
		if w := asset(t, s, begins); w.Header().Get("Content-Type") != want || w.Body.Len() == 0 {
			t.Errorf("%s: %v", begins, w.Header())
		}
	}
	for _, name := range []string{"", "style.css", "script.js", "../pages.go", "..%2fpages.go", "/etc/passwd", "templates/layout.html", "style.000000000000.css"} {
		w, err := fetch(s, name)
		if !errors.Is(err, auth.CodeNotFound) || w.Body.Len() > 0 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %v, %d bytes, %s", name, err, w.Body.Len(), w.Header().Get("Cache-Control"))
		}
	}
}

// proves: ASVS 1.3.4
func TestServeAsset_sandboxesADrawing(t *testing.T) {
	o := options()
	o.Logo = &pages.Image{Type: "image/svg+xml", Body: []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="evil()"><script>evil()</script></svg>`)}
	s, err := pages.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if body := show(t, s, scenes()["sign in"], nil).Body.String(); strings.Contains(body, "evil") || !strings.Contains(body, `alt="Lodge"`) {
		t.Error("the drawing is in the page, or has no name")
	}
	w := asset(t, s, "logo")
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script") {
		t.Errorf("the drawing's policy is %q", csp)
	}
}

func TestNew_namesAssetsByTheirContent(t *testing.T) {
	one := newSet(t)
	o := options()
	o.Name = "Other"
	other, err := pages.New(o)
	if err != nil {
		t.Fatal(err)
	}
	names := func(s *pages.Set) []string {
		return regexp.MustCompile(`/assets/[\w.-]+`).FindAllString(show(t, s, scenes()["sign in"], nil).Body.String(), -1)
	}
	a, b := names(one), names(other)
	if len(a) != 3 || len(b) != 3 || a[0] == b[0] || a[1] != b[1] || a[2] != b[2] {
		t.Errorf("icon, style and script are %q and %q; the icon alone has the name in it", a, b)
	}
}

// Pages are parsed when they are first shown; none must be found broken then.
func TestNew_hasPagesThatParse(t *testing.T) {
	s, err := pages.New(pages.Options{Name: "Example", Base: "https://app.example/api/auth"})
	if err != nil {
		t.Fatal(err)
	}
	templates, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := s.ParseAll()
	if want := (len(templates) - 2) * len(pages.Languages()); err != nil || parsed != want { // all but layout and form
		t.Errorf("%d pages, %v; want %d", parsed, err, want)
	}
}
