package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

const (
	// grace is how long after a rotation the token before is still answered, with
	// the same successor: two tabs, or an answer that got lost.
	grace = 10 * time.Second
	// together is how long after a rotation those count as having asked at the
	// same time, however many they are. Later ones are counted.
	together = 2 * time.Second
	// maxRetries is how many later ones there may be.
	maxRetries = 5
	// collisions bounds how often a refresh looks again because another one was
	// faster.
	collisions = 5
)

// Refresh exchanges a refresh token for an access token and the refresh token
// that takes its place. client is from [Room.Authenticate] when the caller
// named one. Codes: invalid_grant, whatever is wrong with the token;
// too_many_attempts; unavailable, after which the same token may be tried again.
//
// The rules are those of guarantees R10: the secret of the stated n is judged
// first, and a wrong one has no effect, because the family's ID is no secret. A
// right one that is current rotates, once in ten seconds. The one before gets
// the same successor within that time. An older one was replaced and has come
// again: the family ends, everywhere. One that is ahead of the row speaks of a
// database that was put back, and is told to the operator.
func (i *Issuer) Refresh(ctx context.Context, text auth.Secret, client Client, from auth.Device) (Grant, error) {
	now := i.now()
	if err := i.fresh(); err != nil {
		return Grant{}, err
	}
	if err := i.byAddress(ctx, from, now); err != nil {
		return Grant{}, err
	}
	t, ok := parseRefreshToken(text.Reveal())
	if !ok {
		return Grant{}, i.refused("not a refresh token")
	}
	for range collisions {
		f, err := i.familyOf(ctx, t, client)
		if err != nil {
			return Grant{}, err
		}
		out, err := i.exchange(ctx, t, f, from)
		if !errors.Is(err, errFaster) {
			return out, err
		}
	}
	return Grant{}, auth.Unavailable(errors.New("a refresh token was rotated by others again and again"))
}

// errFaster: another refresh of the same family has changed the row since it was
// read.
var errFaster = errors.New("token: another refresh was faster")

// refused is the one answer to every refresh token that is not good; why is for
// the log.
func (r *Room) refused(why string) error {
	r.counts.refused.Add(1)
	return auth.NewError(auth.CodeInvalidGrant, errors.New(why))
}

// familyOf reads the family and judges who asks: the secret, the client, the
// mount. Nothing that it refuses has an effect.
func (i *Issuer) familyOf(ctx context.Context, t refreshToken, client Client) (auth.Family, error) {
	f, err := i.Store.Family(ctx, t.family)
	switch {
	case errors.Is(err, store.ErrNotFound) && i.mayBeUnseen(t.family):
		return f, errUnseen
	case errors.Is(err, store.ErrNotFound):
		return f, i.refused("no such family")
	case err != nil:
		return f, auth.Unavailable(fmt.Errorf("read family: %w", err))
	case !i.roots.right(f, t):
		return f, i.refused("the secret is wrong, or its root key is not here")
	case f.Mount != i.Mount:
		return f, i.refused("the family belongs to another mount")
	}
	owner, known := i.clientOf(f)
	switch {
	case !known:
		return f, i.refused("its client is not configured any more")
	case client.firstParty() && !owner.Public():
		return f, i.refused("its client did not authenticate")
	case !client.firstParty() && client.ID != owner.ID:
		return f, i.refused("it belongs to another client")
	}
	return f, i.limited(ctx, string(f.ID), perFamily, i.now())
}

// exchange decides what a right token is good for.
func (i *Issuer) exchange(ctx context.Context, t refreshToken, f auth.Family, from auth.Device) (Grant, error) {
	now := i.now()
	since := now.Sub(f.RotatedAt) // negative when another node's clock is ahead
	rotated := f.Generation > 1
	switch {
	case !f.EndedAt.IsZero() || i.void(f):
		return Grant{}, i.refused("the family has ended")
	case !now.Before(f.AbsoluteEnd) || since >= i.Idle:
		return Grant{}, i.refused("the family has passed its end")
	case t.n > f.Generation:
		return Grant{}, i.ahead(ctx, f, from)
	case t.n == f.Generation && (!rotated || since >= grace):
		return i.rotate(ctx, f, now)
	case t.n == f.Generation:
		return i.again(ctx, f)
	case t.n == f.Generation-1 && since < grace:
		return i.repeat(ctx, f, since, from)
	}
	return Grant{}, i.theft(ctx, f, from)
}

// rotate moves the family on. The condition stands in the statement, so that no
// sign-out, revocation or change of password is overtaken (guarantees R3, R14).
func (i *Issuer) rotate(ctx context.Context, f auth.Family, now time.Time) (Grant, error) {
	p, known := i.planOf(f)
	if !known {
		return Grant{}, i.refused("its audience is not configured any more")
	}
	var u auth.User
	var next auth.Family
	err := i.Store.InTx(ctx, func(tx store.Tx) error {
		var err error
		if next, err = tx.RotateFamily(ctx, f.ID, f.Generation, i.roots.current(), now); err != nil {
			return err
		}
		u, err = tx.User(ctx, f.UserID)
		return err
	})
	switch {
	case errors.Is(err, store.ErrConflict):
		return i.conflict(ctx, f)
	case errors.Is(err, store.ErrNotFound):
		return Grant{}, i.refused("there is no such user any more")
	case err != nil:
		return Grant{}, auth.Unavailable(fmt.Errorf("rotate family: %w", err))
	}
	i.counts.rotated.Add(1)
	return i.answer(ctx, p, u, next)
}

// conflict tells why a rotation was refused by the store: another one was
// faster, or the family may not go on.
func (i *Issuer) conflict(ctx context.Context, before auth.Family) (Grant, error) {
	f, err := i.Store.Family(ctx, before.ID)
	switch {
	case err == nil && f.Generation != before.Generation:
		return Grant{}, errFaster
	case err == nil || errors.Is(err, store.ErrNotFound):
		return Grant{}, i.refused("the family, its session or its user may not go on")
	}
	return Grant{}, auth.Unavailable(fmt.Errorf("read family: %w", err))
}

// again answers the current token within the grace of its rotation: with itself,
// so that there is one rotation in that time and the token before the last is
// never anybody's honest one.
func (i *Issuer) again(ctx context.Context, f auth.Family) (Grant, error) {
	p, known := i.planOf(f)
	if !known {
		return Grant{}, i.refused("its audience is not configured any more")
	}
	u, err := i.Store.User(ctx, f.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Grant{}, i.refused("there is no such user any more")
	case err != nil:
		return Grant{}, auth.Unavailable(fmt.Errorf("read the user of a family: %w", err))
	case u.Disabled() || u.Epoch != f.Epoch:
		return Grant{}, i.refused("the user was voided")
	}
	return i.answer(ctx, p, u, f)
}

// repeat answers the token before the current one within the grace, with the
// same successor. Those that come together are one event of nobody's interest;
// later ones are counted and recorded, and too many are a theft.
func (i *Issuer) repeat(ctx context.Context, f auth.Family, since time.Duration, from auth.Device) (Grant, error) {
	i.counts.repeated.Add(1)
	if since >= together {
		err := i.Store.InTx(ctx, func(tx store.Tx) error {
			if _, err := tx.RetryFamily(ctx, f.ID, f.Generation, maxRetries); err != nil {
				return err
			}
			e := event(auth.EventRefreshRepeated, f, i.now())
			e.Address, e.Agent = from.Address, useragent.Family(from.UserAgent)
			return tx.AppendEvent(ctx, e)
		})
		switch {
		case errors.Is(err, store.ErrConflict):
			return i.tooOften(ctx, f, from)
		case err != nil:
			return Grant{}, auth.Unavailable(fmt.Errorf("count a repeated refresh: %w", err))
		}
	}
	return i.again(ctx, f)
}

// tooOften tells a count that is full from a row that has changed.
func (i *Issuer) tooOften(ctx context.Context, before auth.Family, from auth.Device) (Grant, error) {
	f, err := i.Store.Family(ctx, before.ID)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return Grant{}, auth.Unavailable(fmt.Errorf("read family: %w", err))
	case err != nil || f.Generation != before.Generation || !f.EndedAt.IsZero():
		return Grant{}, errFaster
	}
	return Grant{}, i.theft(ctx, f, from)
}

// theft ends the family everywhere: of the client and of somebody else one has a
// token that was replaced, and nobody can tell which.
func (i *Issuer) theft(ctx context.Context, f auth.Family, from auth.Device) error {
	err := i.Store.InTx(ctx, func(tx store.Tx) error {
		now := i.now()
		if err := i.end(ctx, tx, f, auth.EndReused, now); err != nil {
			return err
		}
		e := event(auth.EventRefreshReused, f, now)
		e.Address, e.Agent = from.Address, useragent.Family(from.UserAgent)
		return tx.AppendEvent(ctx, e)
	})
	switch {
	case errors.Is(err, errEnded):
		return i.refused("the family has ended")
	case err != nil:
		return auth.Unavailable(fmt.Errorf("end a family whose token was reused: %w", err))
	}
	i.counts.reused.Add(1)
	i.Logger.Warn("a refresh token that had been replaced came again: its family is ended", "user_id", f.UserID, "session_id", f.SessionID, "family_id", f.ID)
	return i.refused("it was replaced before")
}

// ahead: the client has a token that this database has never made, and its
// secret is right. So the database was put back to an earlier state; ending the
// family would punish the client for it.
func (i *Issuer) ahead(ctx context.Context, f auth.Family, from auth.Device) error {
	e := event(auth.EventRefreshAhead, f, i.now())
	e.Address, e.Agent = from.Address, useragent.Family(from.UserAgent)
	if err := i.Store.AppendEvent(ctx, e); err != nil {
		return auth.Unavailable(fmt.Errorf("record a refresh token from the future: %w", err))
	}
	i.counts.ahead.Add(1)
	i.Logger.Error("a good refresh token is ahead of the database: was an older state of it restored? Its user has to sign in again",
		"user_id", f.UserID, "family_id", f.ID)
	return i.refused("it is ahead of the database")
}

// planOf is the plan that a family was begun with, as far as the configuration
// still knows it: a scope that was taken from the audience is granted no more.
func (i *Issuer) planOf(f auth.Family) (p Plan, known bool) {
	p = Plan{issuer: i, offline: f.Offline, refresh: true}
	if p.client, known = i.clientOf(f); !known || len(f.Audiences) == 0 || f.Audiences[0] == "" {
		return p, false
	}
	if p.audience, known = i.audience(f.Audiences[0]); !known || !p.client.may(p.audience.ID) {
		return p, false
	}
	p.scopes = slices.DeleteFunc(slices.Clone(f.Scopes), func(s string) bool {
		return s != OfflineAccess && !slices.Contains(p.audience.Scopes, s)
	})
	return p, true
}

// answer makes the tokens of the family as it is now. The index is asked once
// more before anything leaves (guarantees R14).
func (i *Issuer) answer(ctx context.Context, p Plan, u auth.User, f auth.Family) (Grant, error) {
	token, ok := i.roots.token(f, f.KeyID, f.Generation)
	if !ok {
		return Grant{}, i.refused("its root key is not here")
	}
	out := Grant{Scopes: p.scopes, Refresh: auth.Secret(token.text()), UserID: f.UserID, SessionID: f.SessionID}
	var err error
	if out.Access, out.ExpiresIn, err = i.access(ctx, p.grant(u, f), i.now()); err != nil {
		return Grant{}, err
	}
	if i.void(f) {
		return Grant{}, i.refused("ended meanwhile")
	}
	if i.Seen != nil && f.SessionID != "" {
		i.Seen(f.SessionID)
	}
	return out, nil
}
