package faults

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

//go:generate go run ./generate

// The whole contract is here. When one of these does not compile, the contract
// has a new method: go generate ./internal/seam/faults.
var (
	_ store.Store = wrapped{}
	_ store.Tx    = transaction{}
	_ store.Feed  = feed{}
)

// wrapped is a store with a fault line in front.
type wrapped struct {
	below store.Store
	seam  Seam
}

// transaction is one of its transactions.
type transaction struct {
	below store.Tx
	seam  Seam
}

// feed is one of its feeds.
type feed struct {
	below store.Feed
	seam  Seam
}

// InTx stands for beginning and committing: a failure here is one of either.
func (w wrapped) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	return w.seam(ctx, "InTx", func() error {
		return w.below.InTx(ctx, func(tx store.Tx) error { return fn(transaction{tx, w.seam}) })
	})
}

// OpenFeed wraps what it opens.
func (w wrapped) OpenFeed(ctx context.Context) (store.Feed, error) {
	var opened store.Feed
	err := w.seam(ctx, "OpenFeed", func() (err error) {
		opened, err = w.below.OpenFeed(ctx)
		return err
	})
	if err != nil {
		if opened != nil {
			_ = opened.Close() // the answer was lost, and with it whoever would close it
		}
		return nil, err
	}
	return feed{opened, w.seam}, nil
}
