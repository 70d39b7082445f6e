package user

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// New describes a user to create or import. Identifiers are as typed; at least
// one is needed.
type New struct {
	Email, Username, Name, Image string
	Roles                        []string
	// Password is judged by the policy. Empty, with no PasswordHash either,
	// makes a user who cannot sign in by password until one is set.
	Password auth.Secret
	// PasswordHash is a PHC string of a scheme that can be verified; Import
	// alone takes it.
	PasswordHash string
	// MustChange asks for a new password at the next sign-in.
	MustChange         bool
	Verified, Disabled bool
}

// Create makes a user. actor goes into the audit record. Codes:
// invalid_identifier, invalid_name, invalid_request, those of the password
// policy, identifier_taken, busy, unavailable.
func (r *Room) Create(ctx context.Context, actor string, in New) (auth.User, error) {
	in.PasswordHash = ""
	return r.create(ctx, actor, auth.EventUserCreated, in)
}

func (r *Room) create(ctx context.Context, actor string, t auth.EventType, in New) (auth.User, error) {
	u, err := r.draft(in)
	if err != nil {
		return u, err
	}
	hash := in.PasswordHash
	if in.Password != "" {
		if hash, err = r.hash(ctx, u, in.Password); err != nil {
			return u, err
		}
	}
	err = r.Store.InTx(ctx, func(tx store.Tx) error {
		if err := r.assignable(ctx, tx, u.Roles, nil); err != nil {
			return err
		}
		if err := tx.CreateUser(ctx, u); err != nil {
			return err
		}
		if hash != "" {
			p := auth.Password{UserID: u.ID, Hash: hash, MustChange: in.MustChange, UpdatedAt: u.CreatedAt}
			if err := tx.SetPassword(ctx, p); err != nil {
				return err
			}
		}
		return tx.AppendEvent(ctx, event(t, actor, u.ID, "", u.CreatedAt))
	})
	return u, translate("create user", err)
}

// draft is the row of a new user.
func (r *Room) draft(in New) (u auth.User, err error) {
	now := r.now()
	u = auth.User{ID: auth.NewUserID(now), CreatedAt: now, UpdatedAt: now, Version: 1, Image: in.Image}
	if in.Verified {
		u.EmailVerifiedAt = now
	}
	if in.Disabled {
		u.DisabledAt = now
	}
	for _, typed := range []struct {
		text string
		kind auth.IdentifierKind
		to   *string
	}{{in.Email, auth.IdentifierEmail, &u.Email}, {in.Username, auth.IdentifierUsername, &u.Username}} {
		if typed.text == "" {
			continue
		}
		id, err := auth.ParseIdentifier(typed.text)
		if err != nil || id.Kind != typed.kind {
			return u, &auth.Error{Code: auth.CodeInvalidIdentifier, Field: string(typed.kind)}
		}
		*typed.to = id.Value
	}
	if u.Email == "" && u.Username == "" {
		return u, &auth.Error{Code: auth.CodeInvalidIdentifier, Field: "email"}
	}
	if u.Name, err = auth.CleanName(in.Name); err != nil {
		return u, err
	}
	if err := checkImage(in.Image); err != nil {
		return u, err
	}
	u.Roles, err = auth.CleanRoles(in.Roles)
	return u, err
}

// hash judges and hashes a new password.
func (r *Room) hash(ctx context.Context, u auth.User, pw auth.Secret) (string, error) {
	if err := r.Policy.Judge(pw, u); err != nil {
		return "", err
	}
	hash, err := r.Passwords.Hash(ctx, pw.Reveal())
	return hash, translate("hash password", err)
}

// List returns up to limit users in order of creation, beginning after the
// given one.
func (r *Room) List(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	list, err := r.Store.ListUsers(ctx, after, limit)
	return list, translate("list users", err)
}

// Find returns the user with the given ID, address or user name. Codes:
// not_found, unavailable.
func (r *Room) Find(ctx context.Context, ref string) (auth.User, error) {
	if strings.HasPrefix(ref, "usr_") {
		if id, err := auth.ParseUserID(ref); err == nil {
			u, err := r.Store.User(ctx, id)
			return u, translate("find user", err)
		}
	}
	id, err := auth.ParseIdentifier(ref)
	if err != nil {
		return auth.User{}, auth.NewError(auth.CodeNotFound, err)
	}
	u, err := r.Store.UserByIdentifier(ctx, id.Value)
	return u, translate("find user", err)
}

// Sessions returns the user's live sessions, the youngest first.
func (r *Room) Sessions(ctx context.Context, id auth.UserID) ([]auth.Session, error) {
	list, err := r.Store.ListSessions(ctx, id, r.now())
	return list, translate("list sessions", err)
}

// OldIDs returns what the user was called before Gatehouse, in order of mounts,
// the main ID first.
func (r *Room) OldIDs(ctx context.Context, id auth.UserID) ([]auth.OldID, error) {
	list, err := r.Store.OldIDs(ctx, id)
	return list, translate("list old IDs", err)
}

// Disable bars the user from signing in and ends everything handed out for
// them, everywhere. Codes: not_found, unavailable.
func (r *Room) Disable(ctx context.Context, actor string, id auth.UserID, conditions ...Condition) (auth.User, error) {
	return r.change(ctx, "disable user", actor, id, auth.EventUserDisabled, conditions, func(tx store.Tx) error {
		now := r.now()
		if _, err := tx.UpdateUser(ctx, id, store.UserUpdate{DisabledAt: &now}, now); err != nil {
			return err
		}
		_, err := r.SessionRoom.EndAll(ctx, tx, id, now)
		return err
	})
}

// Enable lets the user sign in again. What was ended stays ended (guarantees
// R21). Codes: not_found, unavailable.
func (r *Room) Enable(ctx context.Context, actor string, id auth.UserID, conditions ...Condition) (auth.User, error) {
	return r.change(ctx, "enable user", actor, id, auth.EventUserEnabled, conditions, func(tx store.Tx) error {
		return r.update(ctx, tx, id, store.UserUpdate{DisabledAt: new(time.Time)})
	})
}

// SetRoles replaces the user's roles. Sessions go on and carry the new roles
// from their next check. Codes: not_found, invalid_request, unavailable.
func (r *Room) SetRoles(ctx context.Context, actor string, id auth.UserID, roles []string, conditions ...Condition) (auth.User, error) {
	clean, err := auth.CleanRoles(roles)
	if err != nil {
		return auth.User{}, err
	}
	return r.change(ctx, "set roles", actor, id, auth.EventRolesChanged, conditions, func(tx store.Tx) error {
		u, err := tx.User(ctx, id)
		if err != nil {
			return err
		}
		if err := r.assignable(ctx, tx, clean, u.Roles); err != nil {
			return err
		}
		return r.update(ctx, tx, id, store.UserUpdate{Roles: &clean})
	})
}

// SetPassword stores a new password and ends the user's sessions. Codes:
// not_found, those of the password policy, busy, unavailable.
func (r *Room) SetPassword(ctx context.Context, actor string, id auth.UserID, pw auth.Secret, mustChange bool, conditions ...Condition) error {
	u, err := r.Store.User(ctx, id)
	if err != nil {
		return translate("set password", err)
	}
	hash, err := r.hash(ctx, u, pw)
	if err != nil {
		return err
	}
	_, err = r.change(ctx, "set password", actor, id, auth.EventPasswordChanged, conditions, func(tx store.Tx) error {
		now := r.now()
		p := auth.Password{UserID: id, Hash: hash, MustChange: mustChange, UpdatedAt: now}
		if err := tx.SetPassword(ctx, p); err != nil {
			return err
		}
		if err := r.Throttle.Clear(ctx, tx, id); err != nil {
			return err
		}
		_, err := r.SessionRoom.EndAll(ctx, tx, id, now)
		return err
	})
	return err
}

// Delete removes the user with all that hangs below and ends everything handed
// out for them. The audit record stays. Codes: not_found, unavailable.
func (r *Room) Delete(ctx context.Context, actor string, id auth.UserID, conditions ...Condition) error {
	return r.delete(ctx, actor, id, func(tx store.Tx) error { return met(ctx, tx, id, conditions) })
}

// delete is Delete on a condition that is judged in its transaction.
func (r *Room) delete(ctx context.Context, actor string, id auth.UserID, condition func(tx store.Tx) error) error {
	err := r.Store.InTx(ctx, func(tx store.Tx) error {
		if err := condition(tx); err != nil {
			return err
		}
		now := r.now()
		if err := tx.DeleteUser(ctx, id); err != nil {
			return err
		}
		if err := r.Throttle.Clear(ctx, tx, id); err != nil {
			return err
		}
		if err := r.SessionRoom.EndForever(ctx, tx, id, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, event(auth.EventUserDeleted, actor, id, "", now))
	})
	return translate("delete user", err)
}

// change runs do, if the conditions are met, and the audit record in one
// transaction and returns the row as it is then.
func (r *Room) change(ctx context.Context, doing, actor string, id auth.UserID, t auth.EventType, conditions []Condition, do func(tx store.Tx) error) (u auth.User, err error) {
	err = r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		if err := met(ctx, tx, id, conditions); err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		if u, err = tx.User(ctx, id); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, event(t, actor, id, "", r.now()))
	})
	return u, translate(doing, err)
}

// update changes the row and tells every node.
func (r *Room) update(ctx context.Context, tx store.Tx, id auth.UserID, up store.UserUpdate) error {
	now := r.now()
	u, err := tx.UpdateUser(ctx, id, up, now)
	if err != nil {
		return err
	}
	return r.SessionRoom.Changed(ctx, tx, u, now)
}
