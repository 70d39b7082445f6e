package user

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// Profile is what users may change about themselves; nil leaves a member as it
// is.
type Profile struct {
	Name, Image *string
}

// UpdateProfile changes the caller's own row. Codes: invalid_name,
// invalid_request, signed_out, unavailable.
func (r *Room) UpdateProfile(ctx context.Context, who auth.Principal, p Profile) (auth.User, error) {
	up := store.UserUpdate{Image: p.Image}
	if p.Name != nil {
		name, err := auth.CleanName(*p.Name)
		if err != nil {
			return auth.User{}, err
		}
		up.Name = &name
	}
	if p.Image != nil {
		if err := checkImage(*p.Image); err != nil {
			return auth.User{}, err
		}
	}
	u, err := r.Store.User(ctx, who.UserID)
	if err == nil && !changes(up, u) {
		return u, nil
	}
	if err == nil {
		err = r.MayUpdate(ctx, who)
	}
	if err == nil {
		u, err = r.change(ctx, "update profile", string(who.UserID), who.UserID, auth.EventUserUpdated, nil, func(tx store.Tx) error {
			return r.update(ctx, tx, who.UserID, up)
		})
	}
	if err = translate("update profile", err); errors.Is(err, auth.CodeNotFound) {
		return u, auth.NewError(auth.CodeSignedOut, err)
	}
	return u, err
}

// changes says whether the update would make the row another one.
func changes(up store.UserUpdate, u auth.User) bool {
	return up.Name != nil && *up.Name != u.Name || up.Image != nil && *up.Image != u.Image
}

// MayUpdate keeps somebody from filling the audit record and the change feed with
// changes of one name, or of what they keep in their session. Codes:
// too_many_attempts, unavailable.
func (r *Room) MayUpdate(ctx context.Context, who auth.Principal) error {
	if r.Changes == nil {
		return nil
	}
	d, err := r.Changes.Take(ctx, string(who.UserID), r.UpdateLimit, 1, r.now())
	if err != nil {
		return auth.Unavailable(fmt.Errorf("limit updates: %w", err))
	}
	if !d.Allowed {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: d.RetryAfter}
	}
	return nil
}

// maxImageLength bounds the address of a picture, in bytes: it travels in the
// cookie.
const maxImageLength = 1024

// checkImage accepts an http or https address, or none.
func checkImage(image string) error {
	if image == "" {
		return nil
	}
	u, err := url.Parse(image)
	if err != nil || len(image) > maxImageLength || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "image", Message: "A picture is an http or https address."}
	}
	return nil
}

// ChangePassword replaces the caller's own password after checking the old
// one, ends all their sessions, and begins a new one in the browser they ask
// from. Codes: invalid_credentials (the old one is wrong), too_many_attempts,
// those of the password policy, password_unchanged, signed_out, busy,
// unavailable.
func (r *Room) ChangePassword(ctx context.Context, m *session.Mount, current session.Checked, old, pw auth.Secret, d auth.Device) (session.Token, error) {
	ticket, err := r.Passwords.Admit()
	if err != nil {
		return session.Token{}, translate("change password", err)
	}
	defer ticket.Release()
	u, err := r.prove(ctx, ticket, current, old, d)
	if err != nil {
		return session.Token{}, auth.WithField(err, "currentPassword")
	}
	if err := r.Policy.Judge(pw, u); err != nil {
		return session.Token{}, auth.WithField(err, "newPassword")
	}
	if same(old, pw) {
		return session.Token{}, &auth.Error{Code: auth.CodePasswordUnchanged, Field: "newPassword"}
	}
	hash, err := ticket.Hash(ctx, pw.Reveal())
	if err != nil {
		return session.Token{}, translate("hash password", err)
	}
	proof := session.Proof{Methods: []string{"pwd"}, Device: d}
	var row session.Begun
	err = r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		now := r.now()
		if err := sameEpoch(ctx, tx, u); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, auth.Password{UserID: u.ID, Hash: hash, UpdatedAt: now}); err != nil {
			return err
		}
		if proof.User, err = r.SessionRoom.EndAll(ctx, tx, u.ID, now); err != nil {
			return err
		}
		if row, err = m.Begin(ctx, tx, proof); err != nil {
			return err
		}
		changed := event(auth.EventPasswordChanged, string(u.ID), u.ID, "", now)
		changed.SessionID, changed.Client, changed.Address, changed.Agent = row.ID, m.Name(), d.Address, useragent.Family(d.UserAgent)
		return tx.AppendEvent(ctx, changed)
	})
	if err != nil {
		return session.Token{}, translate("change password", err)
	}
	_, token, err := m.Seal(ctx, row, proof, nil)
	return token, err
}

// same says whether two passwords have one hash: the old one is proven by now,
// so comparing it spares a second verification.
func same(old, pw auth.Secret) bool {
	a, errA := password.Normalize(old.Reveal())
	b, errB := password.Normalize(pw.Reveal())
	return errA == nil && errB == nil && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// DeleteOwn deletes the caller's own account after checking the password. The last
// user who may do everything stays. Codes: as ChangePassword's, and last_admin.
func (r *Room) DeleteOwn(ctx context.Context, current session.Checked, pw auth.Secret) error {
	ticket, err := r.Passwords.Admit()
	if err != nil {
		return translate("check password", err)
	}
	defer ticket.Release()
	u, err := r.prove(ctx, ticket, current, pw, auth.Device{})
	if err != nil {
		return err
	}
	return r.delete(ctx, string(u.ID), u.ID, func(tx store.Tx) error {
		now, err := ofEpoch(ctx, tx, u)
		if err != nil || r.Roles == nil {
			return err
		}
		return r.Roles.KeepsOne(ctx, tx, now, nil)
	})
}

// prove checks the password of a signed-in user, slowed down as sign-in is.
func (r *Room) prove(ctx context.Context, ticket *password.Ticket, current session.Checked, pw auth.Secret, from auth.Device) (auth.User, error) {
	if current.Verdict != session.Live {
		return auth.User{}, auth.NewError(auth.CodeSignedOut, nil)
	}
	if r.Policy.TooLong(pw.Reveal()) { // no guess and no work, as at sign-in
		return auth.User{}, &auth.Error{Code: auth.CodePasswordTooLong, Field: "password"}
	}
	var u auth.User
	var credential auth.Password
	err := r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		if u, err = tx.User(ctx, current.UserID()); err != nil {
			return err
		}
		if credential, err = tx.Password(ctx, u.ID); err != nil {
			return err
		}
		if err := r.Passwords.Missing(credential.Hash); err != nil {
			return err // no try can be judged, so none is counted
		}
		return r.Throttle.Count(ctx, tx, r.Throttle.TryOf(u.ID), r.now())
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && (u.Disabled() || u.Epoch != current.Epoch) {
		return u, auth.NewError(auth.CodeSignedOut, err)
	}
	if err != nil {
		return u, translate("check password", err)
	}
	match, err := ticket.Verify(ctx, credential.Hash, pw.Reveal())
	if err != nil && !errors.Is(err, password.ErrNotUTF8) && !errors.Is(err, password.ErrTooLong) {
		return u, translate("check password", err)
	}
	if !match.OK {
		wrong := event(auth.EventPasswordChangeFailed, string(u.ID), u.ID, "", r.now())
		wrong.SessionID, wrong.Address, wrong.Agent = current.SessionID(), from.Address, useragent.Family(from.UserAgent)
		if err := r.Store.AppendEvent(ctx, wrong); err != nil && r.Logger != nil {
			r.Logger.ErrorContext(ctx, "an event of the audit record could not be written", "event", auth.EventPasswordChangeFailed, "err", err)
		}
		return u, &auth.Error{Code: auth.CodeInvalidCredentials, Field: "password", Message: "The current password is wrong.",
			Details: []auth.Detail{{Name: auth.DetailCurrentPassword}}}
	}
	err = r.Store.InTx(ctx, func(tx store.Tx) error { return r.Throttle.Forget(ctx, tx, r.Throttle.TryOf(u.ID)) })
	return u, translate("check password", err)
}

// sameEpoch refuses when the proof has been voided since it was given.
func sameEpoch(ctx context.Context, tx store.Tx, u auth.User) error {
	_, err := ofEpoch(ctx, tx, u)
	return err
}

// ofEpoch is sameEpoch, and returns the row as it is now.
func ofEpoch(ctx context.Context, tx store.Tx, u auth.User) (auth.User, error) {
	now, err := tx.User(ctx, u.ID)
	if err == nil && (now.Disabled() || now.Epoch != u.Epoch) {
		err = auth.NewError(auth.CodeSignedOut, nil)
	}
	return now, err
}
