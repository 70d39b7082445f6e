package sqlstore

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Nodes implements store.Store. The feed writes no rows of nodes yet.
func (db *Postgres) Nodes(context.Context) ([]auth.Node, error) { return nil, nil }

// RemoveNode implements store.Store.
func (db *Postgres) RemoveNode(ctx context.Context, id auth.NodeID) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "forget a server", `DELETE FROM nodes WHERE id = $1`, id)
		return err
	})
}

// Reach implements store.Store. Nothing is known of how far others have come.
func (db *Postgres) Reach(context.Context, auth.NodeID, []int64) (store.Reach, error) {
	return store.Reach{Behind: []auth.Node{{}}}, nil
}
