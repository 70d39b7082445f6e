package user

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Condition is asked in the transaction of a change, with the row as it was
// before. What it returns keeps the change from being made, and is the answer.
// It may run more than once.
type Condition func(ctx context.Context, tx store.Tx, before auth.User) error

// met asks the conditions, which see one reading of the row.
func met(ctx context.Context, tx store.Tx, id auth.UserID, conditions []Condition) error {
	if len(conditions) == 0 {
		return nil
	}
	u, err := tx.User(ctx, id)
	if err != nil {
		return err
	}
	for _, c := range conditions {
		if err := c(ctx, tx, u); err != nil {
			return err
		}
	}
	return nil
}

// Change is what somebody else may change about a user's row; nil leaves a
// member as it is. Identifiers are as typed, an empty one is taken away; one of
// the two must stay.
type Change struct {
	Email, Username, Name, Image *string
	Roles                        *[]string
	// Verified says whether the address is proven. An address that changes is
	// not, unless this says so.
	Verified *bool
}

// Update changes a user's row, and every server hears of it. A change that
// changes nothing raises no version and leaves no record. Codes: not_found,
// invalid_identifier, invalid_name, invalid_request, identifier_taken,
// unavailable, and those of the conditions.
func (r *Room) Update(ctx context.Context, actor string, id auth.UserID, c Change, conditions ...Condition) (u auth.User, err error) {
	up, err := c.clean()
	if err != nil {
		return u, err
	}
	err = r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		if err := met(ctx, tx, id, conditions); err != nil {
			return err
		}
		if u, err = tx.User(ctx, id); err != nil {
			return err
		}
		now, up := r.now(), up
		c.verify(&up, u, now)
		if unchanged(up, u) {
			return nil
		}
		if up.Roles != nil {
			if err := r.assignable(ctx, tx, *up.Roles, u.Roles); err != nil {
				return err
			}
		}
		if after := overlay(up, u); after.Email == "" && after.Username == "" {
			return &auth.Error{Code: auth.CodeInvalidIdentifier, Field: "email", Message: "An e-mail address or a user name must stay."}
		}
		if err := r.update(ctx, tx, id, up); err != nil {
			return err
		}
		for _, t := range events(up, u) {
			if err := tx.AppendEvent(ctx, event(t, actor, id, "", now)); err != nil {
				return err
			}
		}
		u, err = tx.User(ctx, id)
		return err
	})
	if err = translate("update user", err); errors.Is(err, auth.CodeIdentifierTaken) {
		err = &auth.Error{Code: auth.CodeIdentifierTaken, Message: "Somebody else has this e-mail address or user name.", Cause: err}
	}
	return u, err
}

// clean judges what was typed and brings it into the form that is kept.
func (c Change) clean() (up store.UserUpdate, err error) {
	for _, typed := range []struct {
		text *string
		kind auth.IdentifierKind
		to   **string
	}{{c.Email, auth.IdentifierEmail, &up.Email}, {c.Username, auth.IdentifierUsername, &up.Username}} {
		if typed.text == nil || *typed.text == "" {
			*typed.to = typed.text
			continue
		}
		id, err := auth.ParseIdentifier(*typed.text)
		if err != nil || id.Kind != typed.kind {
			return up, &auth.Error{Code: auth.CodeInvalidIdentifier, Field: string(typed.kind)}
		}
		*typed.to = &id.Value
	}
	if c.Name != nil {
		name, err := auth.CleanName(*c.Name)
		if err != nil {
			return up, err
		}
		up.Name = &name
	}
	if c.Image != nil {
		if err := checkImage(*c.Image); err != nil {
			return up, err
		}
		up.Image = c.Image
	}
	if c.Roles != nil {
		roles, err := auth.CleanRoles(*c.Roles)
		if err != nil {
			return up, err
		}
		up.Roles = &roles
	}
	return up, nil
}

// verify says what becomes of the proof of the address.
func (c Change) verify(up *store.UserUpdate, before auth.User, now time.Time) {
	changes := up.Email != nil && *up.Email != before.Email
	gone := up.Email != nil && *up.Email == ""
	switch {
	case gone, changes && c.Verified == nil, c.Verified != nil && !*c.Verified:
		up.EmailVerifiedAt = new(time.Time)
	case c.Verified != nil && (changes || before.EmailVerifiedAt.IsZero()):
		up.EmailVerifiedAt = &now
	}
}

// overlay is the row as the update makes it.
func overlay(up store.UserUpdate, u auth.User) auth.User {
	for _, m := range []struct{ to, from *string }{{&u.Name, up.Name}, {&u.Image, up.Image}, {&u.Email, up.Email}, {&u.Username, up.Username}} {
		if m.from != nil {
			*m.to = *m.from
		}
	}
	if up.Roles != nil {
		u.Roles = *up.Roles
	}
	if up.EmailVerifiedAt != nil {
		u.EmailVerifiedAt = *up.EmailVerifiedAt
	}
	return u
}

// unchanged says whether the update would change nothing.
func unchanged(up store.UserUpdate, u auth.User) bool {
	after := overlay(up, u)
	return after.Name == u.Name && after.Image == u.Image && after.Email == u.Email && after.Username == u.Username &&
		slices.Equal(after.Roles, u.Roles) && after.EmailVerifiedAt.Equal(u.EmailVerifiedAt)
}

// events are the records of an update: roles are a matter of their own.
func events(up store.UserUpdate, u auth.User) (list []auth.EventType) {
	if up.Roles != nil && !slices.Equal(*up.Roles, u.Roles) {
		list = append(list, auth.EventRolesChanged)
		up.Roles = nil
	}
	if !unchanged(up, u) {
		list = append(list, auth.EventUserUpdated)
	}
	return list
}
