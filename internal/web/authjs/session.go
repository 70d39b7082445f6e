package authjs

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/session"
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
	return h.answerSession(x, s, h.hooked(TriggerRead, nil), nil)
}

// answerSession writes the session, or that there is none, with whatever may
// be done to the cookie (guarantees R14). change may alter the claims that are
// sealed; nil leaves them. shown are the claims to answer with; nil means those
// that were sealed.
func (h *Handler) answerSession(x *mount.Exchange, s *session.Checked, change func(*session.Claims) bool, shown *session.Claims) error {
	superseded := s.Verdict == session.Superseded
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
	// Also when a program's hook fails below: the session may have another ID by
	// now, and is over for a browser that does not hear of it.
	x.SendCookies()
	if shown == nil {
		sealed := s.Claims()
		shown = &sealed
	}
	body, err := h.sessionJSON(x.R.Context(), s, *shown, expires)
	if err != nil {
		return err
	}
	writeJSON(x.W, http.StatusOK, body)
	return nil
}

// hooked is the program's part in what is sealed; nil when it takes none.
func (h *Handler) hooked(t Trigger, data json.RawMessage) func(*session.Claims) bool {
	if h.Hooks.Claims == nil {
		return nil
	}
	return func(c *session.Claims) bool { return h.Hooks.Claims(t, c, data) }
}

func (h *Handler) answerNobody(x *mount.Exchange) error {
	x.SendCookies()
	writeJSONText(x.W, http.StatusOK, h.dialect.nobody())
	return nil
}

// sessionJSON is {"user": {…}, "expires": "…"}. A claim that is missing leaves
// the member out, a null claim gives null. What a program adds comes last.
func (h *Handler) sessionJSON(ctx context.Context, s *session.Checked, c session.Claims, expires time.Time) ([]byte, error) {
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
	beside := Members{some: true} // than user and expires
	if h.Hooks.Members != nil {
		if err := h.Hooks.Members(ctx, s, &user, &beside); err != nil {
			return nil, err
		}
	}
	b := append(user.close(), `,"expires":"`...)
	b = wire.AppendISOTime(b, expires)
	b = append(b, '"')
	return append(append(b, beside.json...), '}'), nil
}

// IDAndRoles is the User hook of the product: what an application needs to
// know beside the name: the ID that its own tables have, and the roles. Both
// are what Gatehouse sealed.
func IDAndRoles(s *session.Checked, user *Members) {
	user.AddString("id", s.Subject())
	user.AddStrings("roles", s.Roles)
}
