package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// nowhere is the effect of what voided nothing: no node accepts it.
var nowhere = revocation.Effect{Effective: revocation.Everywhere}

// Revoke ends the family that a refresh or access token belongs to, for good and
// everywhere (RFC 7009 §2.1), and says how far that has come. A token that is
// nobody's, expired or revoked is no error. Codes: invalid_grant (it belongs to
// another client), unsupported_token_type (it was signed with a shared secret, so
// it proves nothing here), too_many_attempts, unavailable.
func (i *Issuer) Revoke(ctx context.Context, text auth.Secret, client Client, from auth.Device) (revocation.Effect, error) {
	if err := i.byAddress(ctx, from, i.now()); err != nil {
		return nowhere, err
	}
	if strings.HasPrefix(text.Reveal(), "fam_") {
		return i.revokeRefresh(ctx, text, client)
	}
	return i.revokeAccess(ctx, text, client)
}

func (i *Issuer) revokeRefresh(ctx context.Context, text auth.Secret, client Client) (revocation.Effect, error) {
	t, ok := parseRefreshToken(text.Reveal())
	if !ok {
		return nowhere, nil
	}
	f, err := i.Store.Family(ctx, t.family)
	switch {
	case errors.Is(err, store.ErrNotFound) && i.mayBeUnseen(t.family):
		return nowhere, errUnseen
	case errors.Is(err, store.ErrNotFound):
		return nowhere, nil
	case err != nil:
		return nowhere, auth.Unavailable(fmt.Errorf("read family: %w", err))
	case !i.roots.right(f, t) || f.Mount != i.Mount:
		return nowhere, nil
	}
	return i.revoke(ctx, f, client)
}

// revoke ends a family for the client it belongs to. One that had ended before
// may not have come everywhere yet either.
func (i *Issuer) revoke(ctx context.Context, f auth.Family, client Client) (revocation.Effect, error) {
	owner, known := i.clientOf(f)
	if known && !owner.Public() && client.ID != owner.ID || !client.firstParty() && client.ID != f.ClientID {
		return nowhere, auth.NewError(auth.CodeInvalidGrant, errors.New("the token belongs to another client"))
	}
	if !f.EndedAt.IsZero() {
		return i.effectSince(f.EndedAt), nil
	}
	ctx, noted := revocation.Note(ctx)
	err := i.Store.InTx(ctx, func(tx store.Tx) error { return i.end(ctx, tx, f, auth.EndRevoked, i.now()) })
	switch {
	case errors.Is(err, errEnded):
		return i.effectSince(i.now()), nil
	case err != nil:
		return nowhere, auth.Unavailable(fmt.Errorf("revoke family: %w", err))
	}
	return i.effect(ctx, noted), nil
}

// effect is that of what was noted, which has just been committed.
func (r *Room) effect(ctx context.Context, noted *revocation.Noted) revocation.Effect {
	if r.Effect != nil {
		return r.Effect(ctx, noted)
	}
	return r.effectSince(r.now())
}

// effectSince is what the bound alone says of a change that was committed then.
func (r *Room) effectSince(committed time.Time) revocation.Effect {
	return revocation.EffectSince(committed, r.now(), r.MaxStaleness)
}

// revokeAccess ends the family that the access token names, with its refresh
// token (RFC 7009 §2.1 lets us). One without a refresh token names a family of
// its own, of which the feed alone knows.
func (i *Issuer) revokeAccess(ctx context.Context, text auth.Secret, client Client) (revocation.Effect, error) {
	if i.isShared(text.Reveal()) {
		return nowhere, auth.NewError(auth.CodeUnsupportedTokenType, nil)
	}
	a, err := i.verify(text.Reveal(), i.everyAudience())
	switch {
	case errors.Is(err, auth.CodeInvalidToken):
		return nowhere, nil
	case err != nil:
		return nowhere, err
	}
	id := a.FamilyID()
	f, err := i.Store.Family(ctx, id)
	switch {
	case err == nil:
		return i.revoke(ctx, f, client)
	case !errors.Is(err, store.ErrNotFound):
		return nowhere, auth.Unavailable(fmt.Errorf("read family: %w", err))
	case i.Index.FamilyEnded(a.Family):
		return i.effectSince(i.now()), nil // whoever shows it again and again writes nothing
	}
	f = auth.Family{ID: id, UserID: a.UserID(), SessionID: a.SessionID(), ClientID: a.client(), Mount: i.Mount, AbsoluteEnd: a.end()}
	return i.revoke(ctx, f, client)
}
