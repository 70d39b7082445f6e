package mount

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// Exchange is one request and its answer on a Mount. It belongs to one
// goroutine.
type Exchange struct {
	*Mount
	W http.ResponseWriter
	R *http.Request
	// CSRFToken is the token of the request's cookie when that is good, and a
	// fresh one otherwise, whose cookie goes with the answer.
	CSRFToken string
	// Callback is where the browser goes on to: an address on the public
	// origin.
	Callback string

	cookies  wire.Cookies
	csrfGood bool
	fields   map[string]json.RawMessage // of a JSON body
	form     url.Values                 // of a form body
	pending  []string                   // Set-Cookie lines in the protocol's order
	session  *session.Checked           // once it was asked for
	checked  session.Checked            // room for it
	failed   error
	others   []*Exchange // see elsewhere
}

// Open reads what every endpoint needs: body, cookies, CSRF token and callback
// URL. It writes nothing. It returns an *auth.Error: caused by ErrCallbackURL,
// or for a body that is too large or malformed.
func (m *Mount) Open(w http.ResponseWriter, r *http.Request) (*Exchange, error) {
	x := m.Bare(w, r)
	if err := x.readBody(); err != nil {
		return nil, err
	}
	var err error
	cookie, _ := x.cookies.Get(m.names.CallbackURL)
	query := ""
	if r.URL.RawQuery != "" {
		query = lastOf(r.URL.Query(), "callbackUrl")
	}
	var set bool
	if x.Callback, set, err = m.origin.CallbackURL(x.Field("callbackUrl"), query, cookie); err != nil {
		return nil, &auth.Error{Code: auth.CodeInvalidRequest, Message: "The address to return to is not one of this site.",
			Details: []auth.Detail{{Name: auth.DetailCallbackURL}}, Cause: err}
	}
	x.readCSRF()
	if set {
		x.set(wire.NewCookie(m.names.CallbackURL, x.Callback, noEnd, m.origin.Secure()))
	}
	return x, nil
}

// Bare is Open for endpoints outside the protocol: cookies alone are read, the
// body is left to the handler, and no cookie of the protocol is set.
func (m *Mount) Bare(w http.ResponseWriter, r *http.Request) *Exchange {
	return &Exchange{Mount: m, W: w, R: r, cookies: wire.ParseCookies(r.Header["Cookie"]), Callback: m.Origin()}
}

// readBody takes a form or a JSON object; the protocol tells them by the
// content type containing that text (authjs.md §4.1). Other bodies count as
// none.
func (x *Exchange) readBody() error {
	if x.R.Method != http.MethodPost {
		return nil
	}
	kind := strings.ToLower(x.R.Header.Get("Content-Type"))
	isForm := strings.Contains(kind, "application/x-www-form-urlencoded")
	if !isForm && !strings.Contains(kind, "application/json") {
		return nil
	}
	body, err := web.ReadBody(x.W, x.R)
	if err != nil {
		return err
	}
	if isForm {
		x.form, _ = url.ParseQuery(string(body)) // malformed pairs are passed over, as browsers' readers do
		return nil
	}
	if len(body) == 0 {
		return nil
	}
	return web.UnmarshalObject(body, &x.fields)
}

// Field is the text of a body's field, empty when it is absent or no text. Of
// repeated form fields the last one counts.
func (x *Exchange) Field(name string) string {
	if x.form != nil {
		return lastOf(x.form, name)
	}
	raw, ok := x.fields[name]
	if !ok {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// Raw is the raw JSON of a JSON body's member.
func (x *Exchange) Raw(name string) json.RawMessage { return x.fields[name] }

func lastOf(values url.Values, name string) string {
	if all := values[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// readCSRF takes the token of a good cookie, or makes a pair (authjs.md §3.2).
func (x *Exchange) readCSRF() {
	cookie, _ := x.cookies.Get(x.names.CSRF)
	if x.CSRFToken, x.csrfGood = x.csrf.Token(cookie); x.csrfGood {
		return
	}
	var value string
	x.CSRFToken, value = x.csrf.Issue()
	x.set(wire.NewCookie(x.names.CSRF, value, noEnd, x.origin.Secure()))
}

// Verified says whether the request proves that it comes from our own pages: a
// POST with a good cookie and its token in the body, and no sign of a foreign
// origin. When it does not, the log says so, whatever the dialect answers.
func (x *Exchange) Verified() bool {
	verified := x.verified()
	if !verified {
		web.FactsFrom(x.R.Context()).Err = auth.NewError(auth.CodeCSRF, nil)
	}
	return verified
}

func (x *Exchange) verified() bool {
	if x.R.Method != http.MethodPost || !x.csrfGood || web.ForeignRequest(x.R, x.Origin()) {
		return false
	}
	cookie, _ := x.cookies.Get(x.names.CSRF)
	return x.csrf.Verify(cookie, x.Field("csrfToken"))
}

// HasSession says whether the request brings a session cookie, good or not.
func (x *Exchange) HasSession() bool {
	token, err := wire.JoinExact(x.names.Session, x.cookies)
	return token != "" || err != nil
}

// Session checks the request's session cookie, once. Without one, and with one
// that is none of ours, the verdict is Void. The error means that nothing can
// be said: then no cookie may be touched.
func (x *Exchange) Session() (*session.Checked, error) {
	if x.session != nil || x.failed != nil {
		return x.session, x.failed
	}
	token, err := wire.JoinExact(x.names.Session, x.cookies)
	if errors.Is(err, wire.ErrTwoSessions) {
		return x.ofSeveral()
	}
	if err != nil || token == "" {
		x.session = &session.Checked{}
		return x.session, nil
	}
	if x.checked, x.failed = x.Sessions.Check(x.R.Context(), token, x.Device()); x.failed != nil {
		return nil, x.failed
	}
	x.checked.FromBrowser = web.FromBrowser(x.R)
	x.session = &x.checked
	x.name(false)
	return x.session, nil
}

// Hint is what the request's session cookie says by itself; see [session.Hint].
// Of several cookies of one user the youngest counts, and of two users none.
func (x *Exchange) Hint() (chosen session.Hint, ok bool) {
	token, err := wire.JoinExact(x.names.Session, x.cookies)
	if err == nil && token != "" {
		return x.Sessions.Hint(token)
	}
	if !errors.Is(err, wire.ErrTwoSessions) {
		return chosen, false
	}
	for _, token := range wire.Whole(x.names.Session, x.cookies) {
		h, good := x.Sessions.Hint(token)
		switch {
		case !good:
		case !ok:
			chosen, ok = h, true
		case h.User != chosen.User:
			return session.Hint{}, false
		case h.Start > chosen.Start:
			chosen = h
		}
	}
	return chosen, ok
}

// Begin takes the session that a sign-in has led to into this exchange: the
// browser keeps its cookie, and is known to the account from now on.
func (x *Exchange) Begin(o signin.Outcome) {
	x.SignedIn(&o.Session)
	x.KeepSession(o.Token)
	x.keepKnown(o.KnownBy)
}

// SignedIn makes s, which has just begun, the session of this exchange and of
// its log line. The browser drops the cookies of whoever else was signed in at
// another mount.
func (x *Exchange) SignedIn(s *session.Checked) {
	x.session = s
	x.name(true)
	x.dropOthers(s)
}

// ofSeveral chooses between several session cookies of one request. A browser has
// them from an application that kept its own for a whole domain, or from somebody
// who planted one. What is no session does not count; of several sessions of one
// user the youngest does. Sessions of two users are nobody's, and their cookies
// stay: a deletion reaches only the browser's own, and what was planted would be
// all that is left for the next request.
func (x *Exchange) ofSeveral() (*session.Checked, error) {
	chosen := session.Checked{Verdict: session.JustEnded}
	for _, token := range wire.Whole(x.names.Session, x.cookies) {
		s, err := x.Sessions.Check(x.R.Context(), token, x.Device())
		switch {
		case err != nil:
			x.failed = err
			return nil, err
		case !s.Verdict.SignedIn():
			continue
		case !chosen.Verdict.SignedIn():
			chosen = s
		case s.UserID() != chosen.UserID():
			x.session = &session.Checked{Verdict: session.JustEnded}
			return x.session, nil
		case s.Start > chosen.Start:
			chosen = s
		}
	}
	chosen.FromBrowser = web.FromBrowser(x.R)
	x.session = &chosen
	x.name(false)
	return x.session, nil
}

// name puts the session into the request's log line. Only one that has just
// begun takes the place of another.
func (x *Exchange) name(anew bool) {
	if !x.session.Verdict.SignedIn() || !web.InRouter(x.R.Context()) {
		return
	}
	if facts := web.FactsFrom(x.R.Context()); anew || facts.SessionID == "" {
		facts.UserID, facts.SessionID = x.session.UserID(), x.session.SessionID()
	}
}

// Require is Session for endpoints that need one: CodeSignedOut when there is
// none that may act.
func (x *Exchange) Require() (*session.Checked, error) {
	s, err := x.Session()
	if err != nil {
		return nil, err
	}
	if s.Verdict != session.Live {
		return nil, auth.NewError(auth.CodeSignedOut, errors.New("no live session"))
	}
	return s, nil
}

// SignOut ends the request's session, for good and everywhere, and makes the
// browser drop its cookies; those of the other mounts end with it. Without a
// session nothing happens. When the end could not be stored, the cookies go all
// the same and the refusal says that copies elsewhere may live on (guarantees
// R14): send the cookies with it too.
func (x *Exchange) SignOut() error {
	var err error
	if x.HasSession() {
		x.DropSession()
		err = x.end()
	}
	for _, other := range x.elsewhere() {
		x.dropAt(other)
		err = errors.Join(err, other.end())
	}
	if err == nil {
		return nil
	}
	refused := auth.Unavailable(err)
	refused.Message = "You are signed out in this browser. Copies of the session elsewhere could not be ended: sign in and out again in a moment."
	refused.Details = []auth.Detail{{Name: auth.DetailSignedOutHere}}
	return refused
}

// end ends the request's session at this mount, if there is one. Of several
// cookies it ends every session: with the youngest alone the next request would
// be signed in by another, and where a planted cookie makes that nobody can be
// told to be asking, the browser's own would live on in every copy of it.
func (x *Exchange) end() error {
	list, err := x.toEnd()
	ended := false
	for _, s := range list {
		if s.Verdict.SignedIn() {
			ended = true
			err = errors.Join(err, x.Sessions.SignOut(x.R.Context(), s, x.Device()))
		}
	}
	if err == nil && ended {
		x.ClearSite()
	}
	return err
}

// toEnd are the sessions of all session cookies of the request.
func (x *Exchange) toEnd() (list []session.Checked, err error) {
	s, err := x.Session()
	if err != nil {
		return nil, err
	}
	if _, err := wire.JoinExact(x.names.Session, x.cookies); !errors.Is(err, wire.ErrTwoSessions) {
		return []session.Checked{*s}, nil
	}
	for _, token := range wire.Every(x.names.Session, x.cookies) {
		s, err := x.Sessions.Check(x.R.Context(), token, x.Device())
		if err != nil {
			return list, err
		}
		list = append(list, s)
	}
	return list, nil
}

// ClearSite makes the browser delete what the settings name, now that somebody
// who was signed in is so no longer. Whoever was not can have nothing deleted.
func (x *Exchange) ClearSite() {
	if x.ClearSiteData != "" {
		x.W.Header().Set("Clear-Site-Data", x.ClearSiteData)
	}
}

// Device is what the request tells of the browser.
func (x *Exchange) Device() auth.Device { return web.FactsFrom(x.R.Context()).Device }

// Browser is where a sign-in attempt on this exchange comes from.
func (x *Exchange) Browser(current *session.Checked) signin.Browser {
	return signin.Browser{
		Mount: x.Sessions, Device: x.Device(), KnownBy: x.knownBy(), Current: current, Elsewhere: x.sessionsElsewhere,
	}
}
