package security_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// Of the hosted pages nothing is kept in the browser but HttpOnly cookies.
//
// proves: ASVS 14.3.3
func TestPages_keepNothingInTheBrowser(t *testing.T) {
	s := webtest.New(t, mounted)
	v := signedUp(t, s)
	scripts := regexp.MustCompile(`/api/auth/assets/script\.\w+\.js`).FindAllString(v.Get("/api/auth/account").Body, -1)
	if len(scripts) != 1 {
		t.Fatalf("scripts: %q", scripts)
	}
	body := v.Get(scripts[0]).Body
	for _, word := range []string{"localStorage", "sessionStorage", "indexedDB", "caches", "serviceWorker", "document.cookie", "cookieStore"} {
		if strings.Contains(body, word) {
			t.Errorf("the script uses %s", word)
		}
	}
	if !strings.Contains(body, "document.querySelectorAll") {
		t.Error("that was not the script")
	}
}

// Changing the password and deleting the account want the password each time,
// however fresh the session is: also after the operator set a new password.
//
// proves: CB-6, CS-3
func TestGraveActions_wantThePasswordEachTime(t *testing.T) {
	s := webtest.New(t, nil)
	v := signedUp(t, s)
	try := func(what string, v *webtest.Visitor, pw string, want bool) {
		t.Helper()
		before := v.Status
		body, _ := json.Marshal(map[string]string{"currentPassword": pw, "newPassword": "eleven tall poplars in a row"})
		changed := v.JSON("/api/auth/change-password", string(body)).Status == 200
		if changed != want {
			t.Errorf("%s: changed is %v (%d, before %d)", what, changed, v.Status, before)
		}
		if !want {
			if v.JSON("/api/auth/delete-account", `{"password":"`+pw+`"}`).Status == 200 {
				t.Errorf("%s: the account is deleted", what)
			}
		}
	}
	try("a fresh session with a wrong password", v, "seven grey herons at nigh", false)
	// After a reset by the operator the old session is out, and the new one
	// proves itself again.
	u, err := s.Users().Find(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Users().SetPassword(t.Context(), "test", u.ID, "twelve red kites over the hill", false); err != nil {
		t.Fatal(err)
	}
	if v.SignedInAs() != "" {
		t.Error("the session before the reset lives")
	}
	in := s.Visitor()
	in.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": "twelve red kites over the hill"})
	try("after the reset, with the password before it", in, password, false)
	try("after the reset", in, "twelve red kites over the hill", true)
}

// proves: ASVS 6.4.2
func TestForms_askForNoHint(t *testing.T) {
	s := webtest.New(t, mounted)
	v := signedUp(t, s)
	hint := regexp.MustCompile(`(?i)hint|question|secret[-_ ]?answer|maiden|pet\b|recovery|reminder`)
	if !hint.MatchString("securityQuestion") {
		t.Fatal("the pattern finds nothing")
	}
	inputs := 0
	for _, page := range []string{"/signin", "/signup", "/account/password", "/account/delete"} {
		for _, who := range []*webtest.Visitor{v.Copy(), s.Visitor()} {
			for _, name := range regexp.MustCompile(`<input[^>]* name="([^"]+)"`).FindAllStringSubmatch(who.Get("/api/auth"+page).Body, -1) {
				if inputs++; hint.MatchString(name[1]) {
					t.Errorf("%s asks for %s", page, name[1])
				}
			}
		}
	}
	if inputs < 10 {
		t.Fatalf("only %d inputs", inputs)
	}
	for _, name := range fieldsInCode(t) {
		if hint.MatchString(name) {
			t.Errorf("an endpoint reads %s", name)
		}
	}
	for _, kind := range []reflect.Type{reflect.TypeFor[auth.User](), reflect.TypeFor[auth.Password](), reflect.TypeFor[user.New]()} {
		for _, f := range reflect.VisibleFields(kind) {
			if hint.MatchString(f.Name) {
				t.Errorf("%s has a member %s", kind, f.Name)
			}
		}
	}
}

// The hosted forms have rules for browsers; each holds when no browser keeps it.
//
// proves: ASVS 2.2.2
func TestForms_areJudgedByTheServer(t *testing.T) {
	s := webtest.New(t, nil)
	v := signedUp(t, s)
	tried := 0
	for _, c := range []struct {
		page string
		who  *webtest.Visitor
		good map[string]string
	}{
		{"/signup", s.Visitor(), map[string]string{"identifier": "bob@app.example", "name": "Bob", "password": password}},
		{"/signin", s.Visitor(), map[string]string{"identifier": ann, "password": password}},
		{"/account/password", v, map[string]string{"currentPassword": password, "newPassword": "eleven tall poplars in a row"}},
	} {
		c.who.Get("/api/auth" + c.page)
		if !c.who.Shows("novalidate") {
			t.Errorf("%s: the browser judges before the server", c.page)
		}
		for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(c.who.Body, -1) {
			attribute := func(name string) string {
				m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
				if m == nil {
					return ""
				}
				return m[1]
			}
			name := attribute("name")
			if c.good[name] == "" {
				continue
			}
			bad := map[string]string{}
			if strings.Contains(tag, " required") {
				bad["required"] = ""
			}
			if n := attribute("minlength"); n != "" {
				bad["minlength"] = c.good[name][:10]
			}
			if n := attribute("maxlength"); n != "" {
				bad["maxlength"] = strings.Repeat("x", 300)
			}
			for rule, value := range bad {
				tried++
				fields := map[string]string{}
				for k, v := range c.good {
					fields[k] = v
				}
				fields[name] = value
				w := c.who.Copy()
				w.Get("/api/auth" + c.page).Submit(fields)
				if w.Status < 400 {
					t.Errorf("%s: %s without its %s is answered %d at %s", c.page, name, rule, w.Status, w.Address)
				}
			}
		}
		if c.who.Get("/api/auth"+c.page).Submit(c.good).Status >= 400 {
			t.Errorf("%s, filled in rightly: %d\n%s", c.page, c.who.Status, c.who.Body)
		}
	}
	if tried < 8 {
		t.Errorf("only %d rules were broken", tried)
	}
}

// Names that reach into prototypes are data like any other, and are passed over.
//
// proves: ASVS 15.3.6
func TestJSON_carriesNoPrototype(t *testing.T) {
	s := webtest.New(t, nil)
	v := signedUp(t, s)
	var token struct {
		CSRF string `json:"csrfToken"`
	}
	_ = json.Unmarshal([]byte(v.Get("/api/auth/csrf").Body), &token)
	for _, member := range []string{"__proto__", "constructor", "prototype"} {
		v.JSON("/api/auth/session", `{"csrfToken":"`+token.CSRF+`","`+member+`":{"roles":["admin"]},"data":{"name":"Annabel","`+member+`":{"roles":["admin"]},"user":null}}`)
		for _, path := range []string{"/api/auth/session", "/api/auth/session?" + member + "[roles]=admin", "/api/auth/providers?" + url.QueryEscape(member) + "=x"} {
			if body := v.Get(path).Body; strings.Contains(body, member) || strings.Contains(body, "admin") {
				t.Errorf("%s: %s", path, body)
			}
		}
	}
	if body := v.Get("/api/auth/session").Body; !strings.Contains(body, "Annabel") {
		t.Errorf("the update itself was not taken: %s", body)
	}
}

// A name of the document or of a form that the script goes by can be taken by no
// element: ids and names of the pages come from the templates, and none of them
// is one of those.
//
// proves: ASVS 3.2.3
func TestPages_noElementTakesTheNameOfAScript(t *testing.T) {
	s := webtest.New(t, mounted)
	clobbers := "location action dataset elements querySelector forms submit " + ann + " x onload getElementById"
	v := s.Visitor()
	v.Get("/api/auth/signup").Submit(map[string]string{"identifier": ann, "name": clobbers, "password": password})
	script := v.Get(regexp.MustCompile(`/api/auth/assets/script\.\w+\.js`).FindString(v.Get("/api/auth/account").Body)).Body
	goesBy := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(?:document|window|form|input\.form)\.(\w+)`).FindAllStringSubmatch(script, -1) {
		goesBy[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`\b(location|history|setTimeout|clearTimeout|navigator)\b`).FindAllString(script, -1) {
		goesBy[m] = true
	}
	if len(goesBy) < 6 || !goesBy["action"] {
		t.Fatalf("the script goes by %v", goesBy)
	}
	plain := regexp.MustCompile(` (?:id|name)="([^"]*)"`)
	seen := 0
	for _, page := range []string{"/account", "/account/password", "/account/delete", "/signin?error=location&callbackUrl=/location", "/signup", "/error?error=forms", "/signout"} {
		for _, who := range []*webtest.Visitor{v.Copy(), s.Visitor()} {
			for _, m := range plain.FindAllStringSubmatch(who.Get("/api/auth"+page).Body, -1) {
				seen++
				if goesBy[m[1]] || slices.Contains(strings.Fields(clobbers), m[1]) {
					t.Errorf("%s has an element called %s", page, m[1])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d names", seen)
	}
}

// Whoever cannot see what they type may look, and whoever has the password
// elsewhere may paste it: nothing stands in the way, and nothing is cut off.
//
// proves: NIST-19
func TestForms_letPasswordsBeShownAndPasted(t *testing.T) {
	s := webtest.New(t, nil)
	v := signedUp(t, s)
	seen := 0
	for page, who := range map[string]*webtest.Visitor{"/signin": s.Visitor(), "/signup": s.Visitor(), "/account/password": v.Copy(), "/account/delete": v.Copy()} {
		body := who.Get("/api/auth" + page).Body
		for _, tag := range regexp.MustCompile(`<input[^>]*type="password"[^>]*>`).FindAllString(body, -1) {
			seen++
			id := regexp.MustCompile(` id="([^"]+)"`).FindStringSubmatch(tag)[1]
			if !regexp.MustCompile(`<button class="reveal"[^>]* aria-controls="` + id + `" aria-label="[^"]+"`).MatchString(body) {
				t.Errorf("%s: nothing shows %s", page, id)
			}
			if found := regexp.MustCompile(` (maxlength="|onpaste|readonly|autocomplete="off"|onkeydown)`).FindString(tag); found != "" {
				t.Errorf("%s: %s has%s", page, id, found)
			}
		}
	}
	if seen != 5 {
		t.Errorf("%d passwords are asked for, want 5", seen)
	}
	script := v.Get(regexp.MustCompile(`/api/auth/assets/script\.\w+\.js`).FindString(v.Get("/api/auth/account").Body)).Body
	if !strings.Contains(script, ".reveal") || regexp.MustCompile(`"(paste|beforeinput|drop|contextmenu|copy)"`).MatchString(script) {
		t.Error("the script shows no password, or meddles with pasting")
	}
}
