package registration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// Mode says who may register.
type Mode string

// The Modes.
const (
	Open         Mode = "open"
	ByInvitation Mode = "invitation"
	Closed       Mode = "closed"
)

// Room registers people. Its members are set once, before use; it is safe for
// concurrent use.
type Room struct {
	Store     store.Store
	Passwords *password.Hasher
	Policy    password.Policy
	Mode      Mode
	// Roles are given to everyone who registers.
	Roles []string
	// Addresses limits the registrations from one address.
	Addresses     ratelimit.Source
	AddressLimits ratelimit.Limit
	// Watch, if not nil, measures every registration: it returns the context
	// that it goes on in, and what is called with its end.
	Watch func(ctx context.Context) (context.Context, func(error))
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Request is what a person fills in. Identifiers are as typed.
type Request struct {
	// Email and Username: at least one. Identifier is either, by its form, and
	// stands in for one that is empty.
	Identifier, Email, Username string
	Name                        string
	Password                    auth.Secret
	// Invitation is "<id>.<secret>"; asked for when registration is by
	// invitation, and ignored otherwise.
	Invitation auth.Secret
}

// Register makes a user with a password. Codes: registration_closed,
// invitation_invalid, invalid_identifier, invalid_name, those of the password
// policy, identifier_taken, too_many_attempts, busy, unavailable.
func (r *Room) Register(ctx context.Context, q Request, d auth.Device) (auth.User, error) {
	if r.Watch == nil {
		return r.register(ctx, q, d)
	}
	ctx, end := r.Watch(ctx)
	u, err := r.register(ctx, q, d)
	end(err)
	return u, err
}

func (r *Room) register(ctx context.Context, q Request, d auth.Device) (auth.User, error) {
	if r.Mode == Closed {
		return auth.User{}, auth.NewError(auth.CodeRegistrationClosed, nil)
	}
	now := r.now()
	u, err := r.draft(q, now)
	if err != nil {
		return auth.User{}, err
	}
	if err := r.Policy.Judge(q.Password, u); err != nil {
		return auth.User{}, err
	}
	if err := r.limit(ctx, d, now); err != nil {
		return auth.User{}, err
	}
	hash, err := r.Passwords.Hash(ctx, q.Password.Reveal())
	if err != nil {
		return auth.User{}, password.Refusal(err)
	}
	err = r.Store.InTx(ctx, func(tx store.Tx) error {
		u, err = r.insert(ctx, tx, u, hash, q.Invitation, d)
		return err
	})
	var refused *auth.Error
	switch {
	case errors.As(err, &refused):
		return auth.User{}, err
	case errors.Is(err, store.ErrConflict):
		return auth.User{}, auth.NewError(auth.CodeIdentifierTaken, err)
	case err != nil:
		return auth.User{}, auth.Unavailable(fmt.Errorf("register: %w", err))
	}
	return u, nil
}

// draft is the row as far as the request alone decides it.
func (r *Room) draft(q Request, now time.Time) (auth.User, error) {
	u := auth.User{ID: auth.NewUserID(now), CreatedAt: now, UpdatedAt: now, Version: 1}
	email, username := q.Email, q.Username
	if q.Identifier != "" {
		// By its normal form, as sign-in reads it: a fullwidth ＠ is one too.
		id, err := auth.ParseIdentifier(q.Identifier)
		switch {
		case err != nil:
			return u, &auth.Error{Code: auth.CodeInvalidIdentifier, Field: "identifier"}
		case email == "" && id.Kind == auth.IdentifierEmail:
			email = q.Identifier
		case username == "":
			username = q.Identifier
		}
	}
	if email == "" && username == "" {
		return u, &auth.Error{Code: auth.CodeInvalidIdentifier, Field: "identifier"}
	}
	var err error
	if u.Email, err = parse(email, auth.IdentifierEmail); err != nil {
		return u, err
	}
	if u.Username, err = parse(username, auth.IdentifierUsername); err != nil {
		return u, err
	}
	u.Name, err = auth.CleanName(q.Name)
	return u, err
}

// parse accepts nothing, or an identifier of the wanted kind.
func parse(typed string, want auth.IdentifierKind) (string, error) {
	if typed == "" {
		return "", nil
	}
	id, err := auth.ParseIdentifier(typed)
	if err != nil || id.Kind != want {
		return "", &auth.Error{Code: auth.CodeInvalidIdentifier, Field: string(want)}
	}
	return id.Value, nil
}

// insert makes the rows, all or none.
func (r *Room) insert(ctx context.Context, tx store.Tx, u auth.User, hash string, code auth.Secret, d auth.Device) (auth.User, error) {
	roles := r.Roles
	subject := ""
	if r.Mode == ByInvitation {
		i, err := consume(ctx, tx, code, u.CreatedAt)
		if err != nil {
			return u, err
		}
		roles, subject = append(slices.Clone(roles), i.Roles...), auth.SubjectOf(auth.SubjectInvitation, string(i.ID))
	}
	var err error
	if u.Roles, err = auth.CleanRoles(roles); err != nil {
		return u, err
	}
	if err := tx.CreateUser(ctx, u); err != nil {
		return u, err
	}
	if err := tx.SetPassword(ctx, auth.Password{UserID: u.ID, Hash: hash, UpdatedAt: u.CreatedAt}); err != nil {
		return u, err
	}
	return u, tx.AppendEvent(ctx, auth.Event{
		ID: auth.NewEventID(u.CreatedAt), At: u.CreatedAt, Type: auth.EventUserRegistered,
		Actor: string(u.ID), UserID: u.ID, Subject: subject, Address: d.Address, Agent: useragent.Family(d.UserAgent),
	})
}

func consume(ctx context.Context, tx store.Tx, code auth.Secret, now time.Time) (auth.Invitation, error) {
	id, secret, _ := strings.Cut(strings.TrimSpace(code.Reveal()), ".")
	i, err := tx.ConsumeInvitation(ctx, auth.InvitationID(id), seal.HashSecret(secret), now)
	if errors.Is(err, store.ErrNotFound) {
		return i, &auth.Error{Code: auth.CodeInvitationInvalid, Field: "invitationCode", Cause: err}
	}
	return i, err
}

// unknownShare is how many times the allowance of one address all have together
// whose address is not known: enough for a busy day, and not for filling a disk.
const unknownShare = 50

// limit takes one from what the address may register. Unknown addresses share
// one allowance.
func (r *Room) limit(ctx context.Context, d auth.Device, now time.Time) error {
	if r.Addresses == nil {
		return nil
	}
	key, ok := ratelimit.AddressKey(d.Address)
	limit := r.AddressLimits
	if !ok {
		key, limit.Name, limit.Burst = "unknown", "registration-unknown", limit.Burst*unknownShare
	}
	decision, err := r.Addresses.Take(ctx, key, limit, 1, now)
	if err != nil {
		return auth.Unavailable(fmt.Errorf("limit address: %w", err))
	}
	if !decision.Allowed {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: decision.RetryAfter}
	}
	return nil
}

func (r *Room) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
