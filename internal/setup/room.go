package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Room makes setup tokens and the first administrator. Its members are set
// once, before use; it is safe for concurrent use.
type Room struct {
	Store     store.Store
	Passwords *password.Hasher
	Policy    password.Policy
	// Configured are the roles of the settings.
	Configured []auth.Role
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// The bounds of a token.
const (
	// DefaultTTL is how long a token is good unless something else is said.
	DefaultTTL = time.Hour
	// MaxTTL is the longest.
	MaxTTL = 7 * 24 * time.Hour
	// tries is how many may be made with one, right or wrong: passwords that the
	// policy refuses are tries too.
	tries = 20
)

// Token is a setup token as it is shown to whoever made it, once.
type Token struct {
	// Text is "<id>.<secret>", and stored nowhere.
	Text      auth.Secret
	ExpiresAt time.Time
}

// NewToken makes a token that is good for ttl; zero means [DefaultTTL]. actor
// goes into the audit record. Codes: invalid_request, setup_done, unavailable.
func (r *Room) NewToken(ctx context.Context, actor string, ttl time.Duration) (Token, error) {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	if ttl < 0 || ttl > MaxTTL {
		return Token{}, &auth.Error{Code: auth.CodeInvalidRequest, Message: "A setup token is good for at most seven days."}
	}
	now := r.now()
	secret := seal.NewSecret()
	c := auth.Challenge{
		ID: auth.NewChallengeID(now), Kind: auth.ChallengeSetup, SecretHash: seal.HashSecret(secret), TriesLeft: tries,
		CreatedAt: now, ExpiresAt: now.Add(ttl),
	}
	err := r.Store.InTx(ctx, func(tx store.Tx) error {
		if err := r.unclaimed(ctx, tx); err != nil {
			return err
		}
		if err := tx.CreateChallenge(ctx, c); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventSetupCreated, Actor: actor})
	})
	if err != nil {
		return Token{}, refusal("make setup token", err)
	}
	return Token{Text: auth.Secret(string(c.ID) + "." + secret), ExpiresAt: c.ExpiresAt}, nil
}

// Needed says whether nobody can administer the installation. Codes:
// unavailable.
func (r *Room) Needed(ctx context.Context) (bool, error) {
	there := false
	err := r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		there, err = r.administered(ctx, tx)
		return err
	})
	return !there && err == nil, refusal("look for an administrator", err)
}

// administered says whether somebody who is not disabled may do everything in
// Gatehouse, by whatever role, as it is in the transaction.
func (r *Room) administered(ctx context.Context, tx store.Tx) (bool, error) {
	stored, err := tx.ListRoles(ctx)
	if err != nil {
		return false, err
	}
	roles := rbac.Compile(slices.Concat(r.Configured, stored)).Administrative()
	n, err := tx.CountHolders(ctx, roles, "", 1)
	return n > 0, err
}

// unclaimed refuses when somebody can administer the installation.
func (r *Room) unclaimed(ctx context.Context, tx store.Tx) error {
	there, err := r.administered(ctx, tx)
	if err == nil && there {
		err = auth.NewError(auth.CodeSetupDone, nil)
	}
	return err
}

// Request is what the holder of a token fills in.
type Request struct {
	Token auth.Secret
	// Identifier is an e-mail address or a user name, as typed.
	Identifier string
	Name       string
	Password   auth.Secret
}

// Redeem makes the first administrator. Codes: setup_token_invalid (unknown,
// expired, used, tried too often), setup_done (there is one already),
// invalid_identifier, invalid_name, those of the password policy,
// identifier_taken, busy, unavailable.
//
// Nothing of the request is judged before the token is: whoever has none learns
// nothing and costs one read.
func (r *Room) Redeem(ctx context.Context, q Request, d auth.Device) (auth.User, error) {
	c, err := r.try(ctx, q.Token, d)
	if err != nil {
		return auth.User{}, err
	}
	u, err := r.draft(q)
	if err != nil {
		return auth.User{}, err
	}
	if err := r.Policy.Judge(q.Password, u); err != nil {
		return auth.User{}, err
	}
	hash, err := r.Passwords.Hash(ctx, q.Password.Reveal())
	if err != nil {
		return auth.User{}, password.Refusal(err)
	}
	err = r.Store.InTx(ctx, func(tx store.Tx) error { return r.claim(ctx, tx, c, u, hash, d) })
	if err != nil {
		return auth.User{}, refusal("set up", err)
	}
	return u, nil
}

// try counts a try and returns the token's row. A token that is not there costs
// a read, and neither a write nor a record: anybody can invent as many as they
// like.
func (r *Room) try(ctx context.Context, token auth.Secret, d auth.Device) (auth.Challenge, error) {
	id, secret, _ := strings.Cut(strings.TrimSpace(token.Reveal()), ".")
	c, err := r.Store.Challenge(ctx, auth.ChallengeID(id), auth.ChallengeSetup, r.now())
	if err != nil {
		return c, refusal("find setup token", err)
	}
	right := false
	err = r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		now := r.now()
		if c, err = tx.TryChallenge(ctx, c.ID, c.Kind, now); err != nil {
			return err
		}
		if right = seal.EqualHash(c.SecretHash, secret); right {
			return nil
		}
		return tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventSetupRefused, Address: d.Address})
	})
	if err == nil && !right {
		err = store.ErrNotFound
	}
	return c, refusal("try setup token", err)
}

// draft is the row of the administrator.
func (r *Room) draft(q Request) (u auth.User, err error) {
	now := r.now()
	u = auth.User{ID: auth.NewUserID(now), Roles: []string{auth.RoleAdmin}, Version: 1, CreatedAt: now, UpdatedAt: now}
	id, err := auth.ParseIdentifier(q.Identifier)
	if err != nil {
		return u, &auth.Error{Code: auth.CodeInvalidIdentifier, Field: "identifier"}
	}
	u.Email = id.Value
	if id.Kind == auth.IdentifierUsername {
		u.Email, u.Username = "", id.Value
	}
	u.Name, err = auth.CleanName(q.Name)
	return u, err
}

// claim uses the token up and makes the administrator, if there is none: all of
// it or nothing.
func (r *Room) claim(ctx context.Context, tx store.Tx, c auth.Challenge, u auth.User, hash string, d auth.Device) error {
	if _, err := tx.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, r.now()); err != nil {
		return err
	}
	if err := r.unclaimed(ctx, tx); err != nil {
		return err
	}
	if err := tx.CreateUser(ctx, u); err != nil {
		return err
	}
	if err := tx.SetPassword(ctx, auth.Password{UserID: u.ID, Hash: hash, UpdatedAt: u.CreatedAt}); err != nil {
		return err
	}
	return tx.AppendEvent(ctx, auth.Event{
		ID: auth.NewEventID(u.CreatedAt), At: u.CreatedAt, Type: auth.EventSetupCompleted, Actor: string(u.ID), UserID: u.ID,
		Address: d.Address,
	})
}

// refusal turns what the store says into a refusal; doing says what was tried.
func refusal(doing string, err error) error {
	var refused *auth.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return err
	case errors.Is(err, store.ErrNotFound):
		return &auth.Error{Code: auth.CodeSetupTokenInvalid, Field: "setupToken", Cause: err}
	case errors.Is(err, store.ErrConflict):
		return &auth.Error{Code: auth.CodeIdentifierTaken, Cause: err}
	}
	return auth.Unavailable(fmt.Errorf("%s: %w", doing, err))
}

func (r *Room) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
