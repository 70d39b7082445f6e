package authjs

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// update changes what the settings let users change, of themselves and in their
// session, and answers like GET (authjs.md §4.5). With Auth.js the callback jwt
// decides what becomes of data; here the settings do, so what a browser sends is
// never more than they name, and nothing of it reaches what Gatehouse itself
// decides by (guarantees R6).
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
	change := h.hooked(TriggerUpdate, data)
	if s.Verdict == session.Live {
		if err := h.updateProfile(x, s, data); err != nil {
			return err
		}
		if change, err = h.updateClaims(x, s, data, change); err != nil {
			return err
		}
	}
	if h.dialect.answersAfterUpdate() {
		return h.answerSession(x, s, change, nil)
	}
	return h.answerSession(x, s, change, &before)
}

// maxUpdated bounds what users may keep in their session, names and JSON, in
// bytes: it travels in the cookie, or stands in the row.
const maxUpdated = 2048

// updateClaims adds to then what data has of the members that the settings let
// users keep in their session, at the top or below "user". A null takes one out.
func (h *Handler) updateClaims(x *mount.Exchange, s *session.Checked, data json.RawMessage, then func(*session.Claims) bool) (func(*session.Claims) bool, error) {
	if len(h.UpdateClaims) == 0 || len(data) == 0 || data[0] != '{' {
		return then, nil
	}
	var top, below map[string]json.RawMessage
	if err := web.UnmarshalObject(data, &top); err != nil {
		return nil, err
	}
	if raw := top["user"]; len(raw) > 0 && raw[0] == '{' {
		if err := web.UnmarshalObject(raw, &below); err != nil {
			return nil, err
		}
	}
	now := s.Claims()
	changed, size := map[string][]byte{}, 0
	for _, name := range h.UpdateClaims {
		old, _ := now.Get(name)
		raw, given := below[name]
		if !given {
			raw, given = top[name]
		}
		if !given {
			raw = old
		}
		var compact bytes.Buffer
		if len(raw) > 0 && json.Compact(&compact, raw) != nil {
			continue // what the application has written is its own affair
		}
		text := compact.Bytes()
		if string(text) == "null" {
			text = nil
		}
		if given && !bytes.Equal(text, old) {
			changed[name] = text
		}
		if len(text) > 0 {
			size += len(name) + len(text)
		}
	}
	switch {
	case len(changed) == 0:
		return then, nil
	case size > maxUpdated:
		return nil, &auth.Error{Code: auth.CodeInvalidRequest, Message: "The session cannot hold that much."}
	case h.Profiles != nil:
		if err := h.Profiles.MayUpdate(x.R.Context(), s.Principal()); err != nil {
			return nil, err
		}
	}
	return func(c *session.Claims) bool {
		for name, raw := range changed {
			if raw == nil {
				c.Delete(name)
			} else {
				c.Set(name, raw)
			}
		}
		return then == nil || then(c)
	}, nil
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
