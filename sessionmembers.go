package gatehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs"
)

// SessionSubject is what Config.SessionMembers is told of. Nothing of it was
// read from the database for this call; it is as Gatehouse sealed it, or as the
// user's row was when that changed last.
type SessionSubject struct {
	// Mount is the base path.
	Mount  string
	UserID UserID
	// Subject is the user's ID as the application knows it.
	Subject            string
	Name, Email, Image string
	Roles              []string
	SessionID          SessionID
	SignedInAt         time.Time
	// Updated are the members of session_claims from "update": JSON that the user
	// has given to update(). They prove nothing.
	Updated map[string]json.RawMessage
}

// SessionMembers are further members of what GET /session answers. Values are
// marshalled as by encoding/json.
type SessionMembers struct {
	// User are those of the session's user, Session those beside user and
	// expires.
	User, Session map[string]any
}

// besideAlready are the members of the answer that are always there.
var besideAlready = []string{"user", "expires", "error", "__proto__", "constructor", "prototype"}

// moreMembers asks the hook of the embedding program.
func (c Config) moreMembers(m Mount) func(ctx context.Context, s *session.Checked, user, beside *authjs.Members) error {
	if c.SessionMembers == nil {
		return nil
	}
	taken := slices.Clone(shownAlready)
	for _, one := range m.SessionClaims {
		taken = append(taken, one.Name)
	}
	return func(ctx context.Context, s *session.Checked, user, beside *authjs.Members) error {
		more, err := c.SessionMembers(ctx, m.subject(s))
		if err != nil {
			return fmt.Errorf("ask the hook for members of the session: %w", err)
		}
		if err := addMembers(user, more.User, taken); err != nil {
			return err
		}
		return addMembers(beside, more.Session, besideAlready)
	}
}

func (m Mount) subject(s *session.Checked) SessionSubject {
	claims := s.Claims()
	text := func(name string) string {
		raw, _ := claims.Get(name)
		t, _ := seal.String(raw)
		return t
	}
	out := SessionSubject{
		Mount: m.BasePath, UserID: s.UserID(), Subject: s.Subject(), Name: text(session.ClaimName), Email: text(session.ClaimEmail),
		Image: text(session.ClaimPicture), Roles: slices.Clone(s.Roles), SessionID: s.SessionID(), SignedInAt: time.Unix(s.Start, 0).UTC(),
	}
	for _, name := range m.updateClaims() {
		if raw, there := claims.Get(name); there {
			if out.Updated == nil {
				out.Updated = map[string]json.RawMessage{}
			}
			out.Updated[name] = slices.Clone(raw)
		}
	}
	return out
}

// addMembers adds them in the order of their names.
func addMembers(to *authjs.Members, more map[string]any, taken []string) error {
	names := make([]string, 0, len(more))
	for name := range more {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !claimForm.MatchString(name) || slices.Contains(taken, name) {
			return auth.NewError(auth.CodeInternal, fmt.Errorf("the hook of session members gives %q, which is there already or no name", name))
		}
		raw, err := json.Marshal(more[name])
		if err != nil {
			return auth.NewError(auth.CodeInternal, fmt.Errorf("member %q of the session: %w", name, err))
		}
		to.Add(name, raw)
	}
	return nil
}
