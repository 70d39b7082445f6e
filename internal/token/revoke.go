package token

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Revoke ends the family that a refresh or access token belongs to, for good and
// everywhere (RFC 7009 §2.1). A token that is nobody's, expired or revoked is no
// error. Codes: invalid_grant (it belongs to another client),
// unsupported_token_type (it was signed with a shared secret, so it proves
// nothing here), too_many_attempts, unavailable.
func (i *Issuer) Revoke(ctx context.Context, text auth.Secret, client Client, from auth.Device) error {
	if err := i.byAddress(ctx, from, i.Now()); err != nil {
		return err
	}
	if strings.HasPrefix(text.Reveal(), "fam_") {
		return i.revokeRefresh(ctx, text, client, from)
	}
	return i.revokeAccess(ctx, text, client, from)
}

func (i *Issuer) revokeRefresh(ctx context.Context, text auth.Secret, client Client, from auth.Device) error {
	t, ok := parseRefreshToken(text.Reveal())
	if !ok {
		return nil
	}
	f, err := i.Store.Family(ctx, t.family)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return auth.Unavailable(fmt.Errorf("read family: %w", err))
	case !i.roots.right(f, t) || f.Mount != i.Mount:
		return nil
	}
	return i.revoke(ctx, f, client, from)
}

// revoke ends a family for the client it belongs to.
func (i *Issuer) revoke(ctx context.Context, f auth.Family, client Client, from auth.Device) error {
	owner, known := i.clientOf(f)
	if known && !owner.Public() && client.ID != owner.ID || !client.firstParty() && client.ID != f.ClientID {
		return auth.NewError(auth.CodeInvalidGrant, errors.New("the token belongs to another client"))
	}
	if !f.EndedAt.IsZero() {
		return nil
	}
	err := i.Store.InTx(ctx, func(tx store.Tx) error { return i.end(ctx, tx, f, auth.EndRevoked, i.Now()) })
	if err != nil {
		return auth.Unavailable(fmt.Errorf("revoke family: %w", err))
	}
	return nil
}

// revokeAccess ends the family that the access token names, with its refresh
// token (RFC 7009 §2.1 lets us). One without a refresh token names a family of
// its own, of which the feed alone knows.
func (i *Issuer) revokeAccess(ctx context.Context, text auth.Secret, client Client, from auth.Device) error {
	if i.isShared(text.Reveal()) {
		return auth.NewError(auth.CodeUnsupportedTokenType, nil)
	}
	a, err := i.verify(text.Reveal(), i.everyAudience())
	switch {
	case errors.Is(err, auth.CodeInvalidToken):
		return nil
	case err != nil:
		return err
	}
	id := a.FamilyID()
	f, err := i.Store.Family(ctx, id)
	switch {
	case err == nil:
		return i.revoke(ctx, f, client, from)
	case !errors.Is(err, store.ErrNotFound):
		return auth.Unavailable(fmt.Errorf("read family: %w", err))
	}
	f = auth.Family{ID: id, UserID: a.UserID(), SessionID: a.SessionID(), ClientID: a.client(), Mount: i.Mount, AbsoluteEnd: a.end()}
	return i.revoke(ctx, f, client, from)
}
