package sqlstore

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
)

func (t *tx) EverySession(ctx context.Context, user auth.UserID) ([]auth.Session, error) {
	return all(ctx, t, "list every session", scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE user_id = $1 ORDER BY id`, user)
}

func (t *tx) EveryFamily(ctx context.Context, user auth.UserID) ([]auth.Family, error) {
	return all(ctx, t, "list every family", scanFamily, `SELECT `+familyColumns+` FROM families WHERE user_id = $1 ORDER BY id`, user)
}
