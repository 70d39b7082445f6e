package pages

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"sync"

	"golang.org/x/text/language"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages/theme"
)

//go:embed templates/*.html
var files embed.FS

// Options say for whom the pages are and how they look.
type Options struct {
	// Name is the name of the service.
	Name string
	// Base is the absolute address of the mount: public origin and base path.
	Base string
	// Cookie is the name of the cookie that keeps the language somebody chose.
	Cookie string
	// Language is the tag of the language for browsers that accept none of ours.
	// Empty means English.
	Language string
	// Theme is how the pages look. Nil means the default.
	Theme *theme.Theme
	// Logo stands in place of the name, LogoDark in the dark scheme. Nil shows
	// the name beside a mark of its first letter.
	Logo, LogoDark *Image
	// Terms, Privacy and Support are addresses; empty ones are left out.
	Terms, Privacy, Support string
	// Report is the absolute address where browsers report what the content
	// security policy has kept from running; empty means nowhere. It has no
	// characters that mean anything in a policy or a header.
	Report string
}

// Set renders the pages of one mount. It is safe for concurrent use.
type Set struct {
	Options
	locales []*locale // the configured one first
	matcher language.Matcher
	assets  map[string]asset
	// addresses of assets, and what else every page shows
	style, script, iconAddress, logo, logoDark string
	links                                      []link
}

// link is an entry at the foot of every page.
type link struct {
	Label   Key
	Address string
}

// names are the pages; each is templates/<name>.html inside layout.html.
var names = []string{"signin", "signup", "setup", "signout", "signedout", "message", "account", "password", "newpassword", "delete", "sessions", "endsession"}

// New returns the pages of a service.
func New(o Options) (*Set, error) {
	if o.Language == "" {
		o.Language = "en"
	}
	all, err := locales(o.Language)
	if err != nil {
		return nil, err
	}
	return newSet(o, all)
}

// newSet is New with the languages given.
func newSet(o Options, all []*locale) (*Set, error) {
	if o.Theme == nil {
		t := theme.Default()
		o.Theme = &t
	}
	s := &Set{Options: o, locales: all, assets: map[string]asset{}}
	tags := make([]language.Tag, 0, len(all))
	for _, l := range all {
		tags = append(tags, l.tag)
		l.prepare()
	}
	s.matcher = language.NewMatcher(tags)
	s.style = s.add("style.css", "text/css; charset=utf-8", append([]byte(o.Theme.CSS()), style...))
	s.script = s.add("script.js", "text/javascript; charset=utf-8", script)
	s.iconAddress = s.add("icon.svg", "image/svg+xml", s.icon())
	var err error
	if s.logo, err = s.addImage("logo", o.Logo); err != nil {
		return nil, err
	}
	if s.logoDark, err = s.addImage("logo-dark", o.LogoDark); err != nil {
		return nil, err
	}
	for _, l := range []link{{keyTerms, o.Terms}, {keyPrivacy, o.Privacy}, {keySupport, o.Support}} {
		if l.Address != "" {
			s.links = append(s.links, l)
		}
	}
	return s, nil
}

// prepare makes ready to parse the templates of a language. All of them in all
// languages would be a sixth of what a start costs, and of memory that most
// servers never need.
func (l *locale) prepare() {
	l.templates = make(map[string]func() (*template.Template, error), len(names))
	for _, n := range names {
		l.templates[n] = sync.OnceValues(func() (*template.Template, error) { return l.parse(n) })
	}
}

// parse makes the template of a page; its functions speak the language.
func (l *locale) parse(name string) (*template.Template, error) {
	return template.New("layout.html").Funcs(template.FuncMap{
		"t": l.text, "say": l.say, "strong": l.strong, "agent": l.agent, "app": l.app, "rights": l.rights, "place": l.place, "ago": l.ago, "wait": l.wait, "stamp": stamp,
	}).
		ParseFS(files, "templates/layout.html", "templates/form.html", "templates/"+name+".html")
}

// frame is what layout.html gets around a page's own data.
type frame struct {
	Nonce, Lang, Dir                    string
	Title, Service, Initial             string
	Style, Script, Icon, Logo, LogoDark string
	Light, Dark                         theme.Colour
	Links                               []link
	Languages                           []choice
	Page                                any
}

// sheet is one page to render.
type sheet struct {
	template string
	title    Key
	// at is the path below the base at which a GET shows the page.
	at     string
	status int
	data   any
}

// policy lets a page load our own stylesheet and pictures and post our own
// forms, and nothing else. Of scripts only the one that carries this answer's
// nonce runs: the origin is the application's, whose other files are no part of
// these pages. The script builds no markup and needs no eval, so it may not.
func (s *Set) policy(nonce string) string {
	p := "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	if s.Report != "" { // not every browser knows the newer directive
		p += "; report-uri " + s.Report + "; report-to " + reportGroup
	}
	return p
}

// reportGroup names the place in Reporting-Endpoints (Reporting API §3.2).
const reportGroup = "csp"

// render writes a whole page. The page is made before anything is sent, so a
// fault in a template is an ordinary error.
func (s *Set) render(w http.ResponseWriter, r *http.Request, p sheet) error {
	l := s.speak(w, r)
	f := frame{
		Nonce: rand.Text(), Lang: l.tag.String(), Dir: l.dir(), Title: l.text(p.title), Service: s.Name, Initial: initial(s.Name),
		Style: s.style, Script: s.script, Icon: s.iconAddress, Logo: s.logo, LogoDark: s.logoDark,
		Light: s.Theme.Light.Ground, Dark: s.Theme.Dark.Ground, Links: s.links, Languages: s.choices(r, p.at, l), Page: p.data,
	}
	var b bytes.Buffer
	page, err := l.templates[p.template]()
	if err == nil {
		err = page.ExecuteTemplate(&b, "layout", f)
	}
	if err != nil {
		return auth.NewError(auth.CodeInternal, fmt.Errorf("render %s: %w", p.template, err))
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", l.tag.String())
	h.Add("Vary", "Accept-Language, Cookie")
	h.Set("Content-Security-Policy", s.policy(f.Nonce))
	if s.Report != "" {
		h.Set("Reporting-Endpoints", reportGroup+`="`+s.Report+`"`)
	}
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Not "no-referrer": with it a browser sends our own forms with
	// "Origin: null". Nothing leaves to other origins with this either.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(p.status)
	// What was typed comes back as it came; readers that mend bytes that are no
	// UTF-8 in ways of their own must find none (ASVS 1.2.1).
	_, _ = w.Write(bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd")))
	return nil
}

// Fail answers an error with a page, in the dialect of people.
func (s *Set) Fail(w http.ResponseWriter, r *http.Request, err error) {
	refused := auth.AsError(err)
	web.SetRetryAfter(w.Header(), refused)
	m := Message{Title: keyErrorTitle, Text: Refused(err), Link: s.Base + "/signin", LinkText: KeyGoSignIn}
	switch {
	case refused.Code == auth.CodeNotFound: // nothing has happened that a log would tell of
		m.Title, m.Text, m.Link, m.LinkText = keyNothingTitle, Say(keyNothingText), s.Base+"/account", keyAccountTitle
		if failed := s.render(w, r, sheet{"message", m.Title, "/signin", http.StatusNotFound, m}); failed != nil {
			web.FailProblem(w, r, failed)
		}
		return
	case refused.Code == auth.CodeForbidden: // who hears this is signed in already
		m.Title, m.Link, m.LinkText = keyForbiddenTitle, s.origin(), KeyGoService
		m.Other, m.OtherText = s.Base+"/signin", keyOtherUser
	case refused.Code.Kind() == auth.KindRateLimited || refused.Code.Kind() == auth.KindUnavailable:
		m.Title = KeyWaitTitle
	}
	if failed := s.Error(w, r, web.Status(err), m); failed != nil {
		web.FailProblem(w, r, failed)
	}
}
