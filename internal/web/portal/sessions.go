package portal

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/token"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// What the field which asks for, beside the fields session and app, which name
// one.
const (
	whichOthers = "others"
	whichAll    = "all"
)

// What the parameter done says was just done. It only says it: nothing is
// decided by it.
const (
	doneOne    = "one"
	doneApp    = "app"
	doneOthers = "others"
	doneNone   = "none"
	doneAll    = "all"
	doneHere   = "here"
)

// doneText is what the list says has just been done.
func doneText(done string) pages.Key {
	switch done {
	case doneOne:
		return pages.KeySessionEnded
	case doneApp:
		return pages.KeyAppEnded
	case doneOthers:
		return pages.KeySessionsEnded
	case doneNone:
		return pages.KeySessionsNone
	}
	return ""
}

// sessionsPage lists where somebody is signed in.
func (h *Handler) sessionsPage(x *mount.Exchange) error {
	s, err := x.Require()
	if err != nil {
		return err
	}
	list, err := h.Sessions.List(x.R.Context(), s.Principal())
	if err != nil {
		return err
	}
	apps, err := h.Sessions.Apps(x.R.Context(), s.Principal())
	if err != nil {
		return err
	}
	p := pages.Sessions{
		Back: h.url("/account"), Done: doneText(x.R.URL.Query().Get("done")), Pending: h.pending(x),
		Others: h.endForm(x, "which", whichOthers), All: h.endForm(x, "which", whichAll),
	}
	for _, row := range list {
		shown := h.shownSession(row, s)
		shown.End = h.endForm(x, "session", string(row.ID))
		if shown.Current { // what people look for first
			p.List = slices.Insert(p.List, 0, shown)
		} else {
			p.List = append(p.List, shown)
		}
	}
	for _, f := range apps {
		shown := h.shownApp(f)
		shown.End = h.endForm(x, "app", string(f.ID))
		p.Apps = append(p.Apps, shown)
	}
	return h.Hosted.Sessions(x.W, x.R, p)
}

func (h *Handler) endForm(x *mount.Exchange, name, value string) pages.Form {
	f := h.form(x, "/account/sessions")
	f.Hidden = map[string]string{name: value}
	return f
}

func (h *Handler) shownSession(row auth.Session, asks *session.Checked) pages.Session {
	now := h.Sessions.Now()
	s := pages.Session{
		Agent: useragent.Parse(row.UserAgent), Current: row.ID == asks.SessionID(),
		SeenAt: row.LastSeenAt, BegunAt: row.CreatedAt, Seen: now.Sub(row.LastSeenAt), Begun: now.Sub(row.CreatedAt),
	}
	if s.Current { // it is used at this moment
		s.SeenAt, s.Seen = now, 0
	}
	s.Address, s.Network = clientip.Coarse(row.Address)
	return s
}

// shownApp leaves out the scope that makes it an app.
func (h *Handler) shownApp(f auth.Family) pages.App {
	now := h.Sessions.Now()
	return pages.App{
		Client: f.ClientID, Scopes: slices.DeleteFunc(slices.Clone(f.Scopes), func(s string) bool { return s == token.OfflineAccess }),
		UsedAt: f.RotatedAt, BegunAt: f.CreatedAt, Used: now.Sub(f.RotatedAt), Begun: now.Sub(f.CreatedAt),
	}
}

// endSessions ends what the form asks for.
func (h *Handler) endSessions(x *mount.Exchange) error {
	s, err := x.Require()
	if err != nil {
		return err
	}
	ctx, pw := x.R.Context(), auth.Secret(x.Field("password"))
	var done session.Revoked
	to := ""
	switch id, app, which := auth.SessionID(x.Field("session")), auth.FamilyID(x.Field("app")), x.Field("which"); {
	case id != "":
		to = doneOne
		if id == s.SessionID() {
			to = doneHere
		}
		done, err = h.Users.RevokeSession(ctx, *s, pw, id, x.Device())
	case app != "":
		to = doneApp
		done, err = h.Users.RevokeApp(ctx, *s, pw, app, x.Device())
	case which == whichOthers:
		to = doneOthers
		if done, err = h.Users.RevokeOtherSessions(ctx, *s, pw, x.Device()); err == nil && len(done.Sessions)+len(done.Apps) == 0 {
			to = doneNone
		}
	case which == whichAll:
		to = doneAll
		done, err = h.Sessions.RevokeAll(ctx, s.Principal(), x.Device())
	default:
		return auth.NewError(auth.CodeInvalidRequest, errors.New("the form names no session"))
	}
	switch {
	case err != nil:
		return h.endAgain(x, s, err)
	case to == doneAll:
		x.DropSessionsOf(s.UserID())
		x.ClearSite()
		return goOn(x, h.after("/signed-out", to, done.Effect))
	case to == doneHere:
		x.DropSession()
		x.ClearSite()
		return goOn(x, h.after("/signed-out", to, done.Effect))
	}
	return goOn(x, h.after("/account/sessions", to, done.Effect))
}

// endAgain asks for the password, for the first time or because it was wrong.
func (h *Handler) endAgain(x *mount.Exchange, s *session.Checked, cause error) error {
	refused := auth.AsError(cause)
	if refused.Field != "password" && refused.Code != auth.CodeTooManyAttempts && refused.Code != auth.CodeBusy {
		return cause
	}
	own, broken := h.ownForm(x, "/account/sessions", pages.OwnPasswordField())
	if broken != nil {
		return cause
	}
	own.Back = h.url("/account/sessions")
	p, status := pages.EndSession{OwnForm: own}, http.StatusOK
	p.Focus = "password"
	switch id, app := auth.SessionID(x.Field("session")), auth.FamilyID(x.Field("app")); {
	case id != "":
		row, err := h.rowOf(x, s, id)
		if err != nil {
			return err
		}
		shown := h.shownSession(row, s)
		p.Which, p.Hidden = &shown, map[string]string{"session": string(id)}
	case app != "":
		f, err := h.appOf(x, s, app)
		if err != nil {
			return err
		}
		shown := h.shownApp(f)
		p.App, p.Hidden = &shown, map[string]string{"app": string(app)}
	default:
		p.Hidden = map[string]string{"which": whichOthers}
	}
	if refused.Code != auth.CodePasswordNeeded {
		var err error
		if status, err = failed(x, &p.Form, cause); err != nil {
			return err
		}
	}
	return h.Hosted.EndSession(x.W, x.R, status, p)
}

// rowOf finds a session of the list.
func (h *Handler) rowOf(x *mount.Exchange, s *session.Checked, id auth.SessionID) (auth.Session, error) {
	list, err := h.Sessions.List(x.R.Context(), s.Principal())
	for _, row := range list {
		if row.ID == id {
			return row, nil
		}
	}
	if err == nil {
		err = auth.NewError(auth.CodeNotFound, nil)
	}
	return auth.Session{}, err
}

// appOf finds an app of the list.
func (h *Handler) appOf(x *mount.Exchange, s *session.Checked, id auth.FamilyID) (auth.Family, error) {
	list, err := h.Sessions.Apps(x.R.Context(), s.Principal())
	for _, f := range list {
		if f.ID == id {
			return f, nil
		}
	}
	if err == nil {
		err = auth.NewError(auth.CodeNotFound, nil)
	}
	return auth.Family{}, err
}

// after is the address that says what was done and, where it may not hold
// everywhere yet, how many seconds that takes at the most.
func (h *Handler) after(path, done string, e revocation.Effect) string {
	to := h.url(path) + "?done=" + done
	if e.Effective == revocation.Everywhere {
		return to
	}
	return to + "&wait=" + strconv.Itoa(max(1, int(math.Ceil(e.Latest.Sub(h.Sessions.Now()).Seconds()))))
}

// pending is how long what was just done may not hold everywhere; a number that
// cannot be is none.
func (h *Handler) pending(x *mount.Exchange) time.Duration {
	n, err := strconv.Atoi(x.R.URL.Query().Get("wait"))
	wait := time.Duration(n) * time.Second
	if err != nil || n < 1 || n > math.MaxInt32 || wait > h.MaxStaleness+time.Second {
		return 0
	}
	return wait
}
