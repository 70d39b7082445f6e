package pages

import (
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/useragent"
	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
)

// Sessions is the page that lists where somebody is signed in.
type Sessions struct {
	List []Session
	// Apps are the programs that need no session; without any there is nothing
	// said of them.
	Apps []App
	// Others ends all but the one that asks; without others there is no such
	// form. All ends that one too.
	Others, All Form
	// Back is the address of the account page.
	Back string
	// Done is what was just done. Pending, if not zero, is how long it takes at
	// the most until it holds everywhere.
	Done    Key
	Pending time.Duration
}

// Session is one place where somebody is signed in.
type Session struct {
	useragent.Agent
	// Address is coarse, as [clientip.Coarse] makes it; both are empty when it is
	// not known.
	Address string
	Network clientip.Network
	// Current: it is the one that asks.
	Current bool
	// SeenAt and BegunAt are for programs, Seen and Begun, how long ago that is,
	// for people.
	SeenAt, BegunAt time.Time
	Seen, Begun     time.Duration
	// End signs it out.
	End Form
}

// App is a program that goes on when somebody signs out.
type App struct {
	// Client is its name among the clients; Service is the service's, when the
	// program has none of its own.
	Client, Service string
	// Scopes are what it may do, beside going on.
	Scopes []string
	// UsedAt and BegunAt are for programs, Used and Begun, how long ago that is,
	// for people.
	UsedAt, BegunAt time.Time
	Used, Begun     time.Duration
	// End takes its access away.
	End Form
}

// Several says whether there is anything to end elsewhere.
func (p Sessions) Several() bool { return len(p.List) > 1 || len(p.Apps) > 0 }

// Sessions renders the page that lists where somebody is signed in.
func (s *Set) Sessions(w http.ResponseWriter, r *http.Request, p Sessions) error {
	for i := range p.List {
		p.List[i].End.Submit, p.List[i].End.Tone = keySessionEnd, "quiet"
	}
	for i := range p.Apps {
		p.Apps[i].Service, p.Apps[i].End.Submit, p.Apps[i].End.Tone = s.Name, keyAppEnd, "quiet"
	}
	p.Others.Submit, p.Others.Tone = keySessionsOthers, ""
	p.All.Submit, p.All.Tone = keySessionsAll, "quiet"
	return s.render(w, r, sheet{"sessions", keySessionsTitle, "/account/sessions", http.StatusOK, p})
}

// EndSession is the page that asks for the password once more before somebody
// is signed out elsewhere.
type EndSession struct {
	OwnForm
	// Which is the one to be signed out, and App the one to lose its access; both
	// nil for all others.
	Which *Session
	App   *App
}

// EndSession renders the page that asks for the password once more.
func (s *Set) EndSession(w http.ResponseWriter, r *http.Request, status int, p EndSession) error {
	switch {
	case p.Which != nil:
		p.Submit = keySessionEnd
	case p.App != nil:
		p.App.Service, p.Submit = s.Name, keyAppEnd
	default:
		p.Submit = keySessionsOthers
	}
	return s.render(w, r, sheet{"endsession", keySessionsTitle, "/account/sessions", status, p})
}

// agent names a browser and its system as far as they are known.
func (l *locale) agent(a useragent.Agent) string {
	switch {
	case a.Browser != "" && a.System != "":
		return l.text(keyAgent, "browser", a.Browser, "system", a.System)
	case a.Browser != "":
		return a.Browser
	case a.System != "":
		return l.text(keyAgentSystem, "system", a.System)
	}
	return l.text(keyAgentUnknown)
}

// app names a program.
func (l *locale) app(a App) string {
	if a.Client == "" {
		return l.text(keyAppOwn, "service", a.Service)
	}
	return a.Client
}

// rights says what a program may do; nothing when nobody has named anything.
func (l *locale) rights(a App) string {
	if len(a.Scopes) == 0 {
		return ""
	}
	return l.text(keyAppRights, "scopes", strings.Join(a.Scopes, ", "))
}

// place says where a session was begun, as coarsely as that is kept from pages.
func (l *locale) place(s Session) string {
	switch s.Network {
	case clientip.Loopback:
		return l.text(keyPlaceLoopback)
	case clientip.Private:
		return l.text(keyPlacePrivate, "address", s.Address)
	case clientip.Public:
		return s.Address
	}
	return l.text(keyPlaceUnknown)
}

// ago is a time that has passed as people say it, in whole units: minutes below
// an hour, hours below two days, then days.
func (l *locale) ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute: // a time that is written behind says no more
		return l.text(keyAgoNow)
	case d < time.Hour:
		return l.text(keyAgoMinutes, "n", int(d/time.Minute))
	case d < 48*time.Hour:
		return l.text(keyAgoHours, "n", int(d/time.Hour))
	}
	return l.text(keyAgoDays, "n", int(d/(24*time.Hour)))
}

// stamp is a time as the HTML standard's time element takes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }
