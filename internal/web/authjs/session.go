package authjs

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// providers lists the ways to sign in (authjs.md §4.2). It sets no cookies.
func (h *Handler) providers(x *mount.Exchange) error {
	type provider struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Type        string `json:"type"`
		SignInURL   string `json:"signinUrl"`
		CallbackURL string `json:"callbackUrl"`
	}
	body, err := json.Marshal(map[string]provider{h.Provider: {
		ID: h.Provider, Name: h.Name, Type: "credentials",
		SignInURL: h.base() + "/signin/" + h.Provider, CallbackURL: h.base() + "/callback/" + h.Provider,
	}})
	if err != nil {
		return err
	}
	writeJSON(x.W, http.StatusOK, body)
	return nil
}

// csrf hands out the double-submit token (authjs.md §4.3).
func (h *Handler) csrf(x *mount.Exchange) error {
	neverCache(x.W.Header())
	x.SendCookies()
	writeJSONText(x.W, http.StatusOK, `{"csrfToken":"`+x.CSRFToken+`"}`) // hexadecimal digits
	return nil
}

// neverCache are the headers of authjs.md §4.1.
func neverCache(h http.Header) {
	values := []string{"private, no-cache, no-store", "no-cache", "0"}
	h["Cache-Control"], h["Pragma"], h["Expires"] = values[:1:1], values[1:2:2], values[2:]
}

// session says who is signed in and renews the cookie (authjs.md §4.4).
func (h *Handler) session(x *mount.Exchange) error {
	neverCache(x.W.Header())
	s, err := x.Session()
	if err != nil {
		return err
	}
	return h.answerSession(x, s, TriggerRead, nil, nil)
}

// update changes the user's own members, as far as they are allowed, and
// answers like GET (authjs.md §4.5).
func (h *Handler) update(x *mount.Exchange) error {
	if !x.Verified() {
		x.SendCookies()
		writeJSONText(x.W, http.StatusBadRequest, h.dialect.nobody())
		return nil
	}
	s, err := x.Session()
	if err != nil {
		return err
	}
	data := x.Raw("data")
	before := s.Claims()
	if s.Verdict == session.Live {
		if err := h.updateProfile(x, s, data); err != nil {
			return err
		}
	}
	if h.dialect.answersAfterUpdate() {
		return h.answerSession(x, s, TriggerUpdate, data, nil)
	}
	return h.answerSession(x, s, TriggerUpdate, data, &before)
}

// answerSession writes the session, or that there is none, with whatever may
// be done to the cookie (guarantees R14). shown are the claims to answer with;
// nil means those that were sealed.
func (h *Handler) answerSession(x *mount.Exchange, s *session.Checked, t Trigger, data json.RawMessage, shown *session.Claims) error {
	superseded := s.Verdict == session.Superseded
	var change func(*session.Claims) bool
	if h.Hooks.Claims != nil {
		change = func(c *session.Claims) bool { return h.Hooks.Claims(t, c, data) }
	}
	token, err := x.SettleSession(s, change)
	if err != nil {
		return err
	}
	expires := token.Expires
	switch {
	case superseded:
		shown, expires = nil, s.End()
	case token.Text == "":
		return h.answerNobody(x)
	}
	x.SendCookies()
	if shown == nil {
		sealed := s.Claims()
		shown = &sealed
	}
	writeJSON(x.W, http.StatusOK, h.sessionJSON(s, *shown, expires))
	return nil
}

func (h *Handler) answerNobody(x *mount.Exchange) error {
	x.SendCookies()
	writeJSONText(x.W, http.StatusOK, h.dialect.nobody())
	return nil
}

// sessionJSON is {"user": {…}, "expires": "…"}. A claim that is missing leaves
// the member out, a null claim gives null.
func (h *Handler) sessionJSON(s *session.Checked, c session.Claims, expires time.Time) []byte {
	user := Members{json: append(make([]byte, 0, 512), `{"user":`...)}
	for _, m := range [...]struct{ member, claim string }{
		{"name", session.ClaimName}, {"email", session.ClaimEmail}, {"image", session.ClaimPicture},
	} {
		if raw, ok := c.Get(m.claim); ok {
			user.Add(m.member, raw)
		}
	}
	if h.Hooks.User != nil {
		h.Hooks.User(s, &user)
	}
	b := append(user.close(), `,"expires":"`...)
	b = wire.AppendISOTime(b, expires)
	return append(b, `"}`...)
}

// IDAndRoles is the User hook of the product: what an application needs to
// know beside the name: the ID that its own tables have, and the roles. Both
// are what Gatehouse sealed.
func IDAndRoles(s *session.Checked, user *Members) {
	user.AddString("id", s.Subject())
	user.AddStrings("roles", s.Roles)
}

// updateProfile changes the row as far as data names members that the
// configuration allows; everything else in data is ignored. The members stand
// at the top, or below "user", as applications write both.
func (h *Handler) updateProfile(x *mount.Exchange, s *session.Checked, data json.RawMessage) error {
	if h.Profiles == nil || len(data) == 0 || data[0] != '{' {
		return nil
	}
	type members struct {
		Name  *string `json:"name"`
		Image *string `json:"image"`
	}
	var top struct {
		Name  *string  `json:"name"`
		Image *string  `json:"image"`
		User  *members `json:"user"`
	}
	if err := web.UnmarshalObject(data, &top); err != nil {
		return err
	}
	in := members{top.Name, top.Image}
	if top.User != nil {
		in = *top.User
	}
	var p user.Profile
	if slices.Contains(h.UpdateFields, "name") {
		p.Name = in.Name
	}
	if slices.Contains(h.UpdateFields, "image") {
		p.Image = in.Image
	}
	if p.Name == nil && p.Image == nil {
		return nil
	}
	u, err := h.Profiles.UpdateProfile(x.R.Context(), s.Principal(), p)
	if err != nil {
		return err
	}
	s.Refresh(u)
	return nil
}
