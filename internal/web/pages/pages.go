package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

//go:embed templates/*.html
var files embed.FS

//go:embed style.css
var style []byte

// Set renders the pages of one mount. It is safe for concurrent use.
type Set struct {
	name, base string
	templates  map[string]*template.Template
	styleName  string
}

// names are the pages; each is templates/<name>.html inside layout.html.
var names = []string{"signin", "signup", "signout", "error", "message", "account", "password", "newpassword", "delete"}

// New returns the pages of a service with the given name whose addresses begin
// with base (public origin and base path).
func New(name, base string) (*Set, error) {
	sum := sha256.Sum256(style)
	s := &Set{
		name: name, base: base, templates: make(map[string]*template.Template, len(names)),
		styleName: "style." + hex.EncodeToString(sum[:6]) + ".css",
	}
	for _, n := range names {
		t, err := template.ParseFS(files, "templates/layout.html", "templates/"+n+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", n, err)
		}
		s.templates[n] = t
	}
	return s, nil
}

// StyleName is the file name of the stylesheet below {base}/assets/. It changes
// with the content.
func (s *Set) StyleName() string { return s.styleName }

// ServeStyle answers with the stylesheet.
func (s *Set) ServeStyle(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(style)
	return nil
}

// frame is what layout.html gets around a page's own data.
type frame struct {
	Service, Base, Style, Title string
	Page                        any
}

// render writes a whole page. The page is made before anything is sent, so a
// fault in a template is an ordinary error.
func (s *Set) render(w http.ResponseWriter, status int, page, title string, data any) error {
	var b bytes.Buffer
	f := frame{Service: s.name, Base: s.base, Style: s.base + "/assets/" + s.styleName, Title: title, Page: data}
	if err := s.templates[page].ExecuteTemplate(&b, "layout", f); err != nil {
		return auth.NewError(auth.CodeInternal, fmt.Errorf("render %s: %w", page, err))
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Not "no-referrer": with it a browser sends our own forms with
	// "Origin: null". Nothing leaves to other origins with this either.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}

// Field is an input of a form.
type Field struct {
	Name, Label, Type, Autocomplete, Value, Hint string
	Required                                     bool
}

// Form is a form that posts to an absolute address with the CSRF token.
type Form struct {
	Action, CSRFToken string
	Fields            []Field
	// Hidden are further hidden inputs, by name.
	Hidden map[string]string
	// Problem is what was wrong with the last try; Wrong names the field.
	Problem, Wrong string
	Submit         string
	// Tone is how the button looks: empty, "quiet" or "danger".
	Tone string
}

// SignIn is the sign-in page.
type SignIn struct {
	Form
	// Register is the address of the sign-up page; empty when closed.
	Register string
}

// SignIn renders the sign-in page.
func (s *Set) SignIn(w http.ResponseWriter, status int, p SignIn) error {
	p.Submit = "Sign in"
	return s.render(w, status, "signin", "Sign in", p)
}

// SignUp is the registration page.
type SignUp struct {
	Form
	SignIn string
	// Closed: there is nothing to fill in.
	Closed bool
}

// SignUp renders the registration page.
func (s *Set) SignUp(w http.ResponseWriter, status int, p SignUp) error {
	p.Submit = "Create account"
	return s.render(w, status, "signup", "Create your account", p)
}

// SignOut renders the page that asks before signing out.
func (s *Set) SignOut(w http.ResponseWriter, f Form) error {
	f.Submit = "Sign out"
	return s.render(w, http.StatusOK, "signout", "Sign out", f)
}

// Message is a page that only says something.
type Message struct {
	Title, Text string
	// Link and LinkText lead on.
	Link, LinkText string
	// Reference finds the request in the log; empty shows none.
	Reference string
}

// Error renders the error page.
func (s *Set) Error(w http.ResponseWriter, status int, m Message) error {
	return s.render(w, status, "error", m.Title, m)
}

// Message renders a page that only says something.
func (s *Set) Message(w http.ResponseWriter, m Message) error {
	return s.render(w, http.StatusOK, "message", m.Title, m)
}

// Account is the landing page of somebody signed in.
type Account struct {
	// Shown is the name, or the identifier when there is none.
	Shown, Email, Username         string
	Roles                          []string
	ChangePassword, Delete, Return string
	SignOut                        Form
	// Done is what was just done.
	Done string
}

// Account renders the landing page.
func (s *Set) Account(w http.ResponseWriter, p Account) error {
	p.SignOut.Submit, p.SignOut.Tone = "Sign out", "quiet"
	return s.render(w, http.StatusOK, "account", "Your account", p)
}

// Password renders the page that changes the password.
func (s *Set) Password(w http.ResponseWriter, status int, f Form) error {
	f.Submit = "Change password"
	return s.render(w, status, "password", "Change your password", f)
}

// NewPassword renders the step that demands a new password before the session
// begins.
func (s *Set) NewPassword(w http.ResponseWriter, status int, f Form) error {
	f.Submit = "Set password and sign in"
	return s.render(w, status, "newpassword", "Choose a new password", f)
}

// Delete renders the page that deletes the account.
func (s *Set) Delete(w http.ResponseWriter, status int, f Form) error {
	f.Submit, f.Tone = "Delete my account", "danger"
	return s.render(w, status, "delete", "Delete your account", f)
}

// Fail answers an error with a page, in the dialect of people.
func (s *Set) Fail(w http.ResponseWriter, r *http.Request, err error) {
	refused := auth.AsError(err)
	web.SetRetryAfter(w.Header(), refused)
	m := Message{
		Title: "This did not work", Text: refused.Text(), Link: s.base + "/signin", LinkText: "Go to sign-in",
		Reference: web.FactsFrom(r.Context()).RequestID,
	}
	if failed := s.Error(w, web.Status(err), m); failed != nil {
		web.FailProblem(w, r, failed)
	}
}
