package seam

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Seams are what a test puts in between.
type Seams struct {
	// Store is given the store that the configuration names, and returns the one
	// that everything will use. Nil leaves it as it is.
	Store func(below store.Store) store.Store
	// CheapHashes makes hashes of passwords cost next to nothing: for tests that
	// sign in thousands of times and judge something else.
	CheapHashes bool
}

type key struct{}

// With returns the context for gatehouse.New.
func With(ctx context.Context, s Seams) context.Context { return context.WithValue(ctx, key{}, s) }

// Store returns what stands in for below: itself, unless ctx comes from [With].
func Store(ctx context.Context, below store.Store) store.Store {
	if s, ok := ctx.Value(key{}).(Seams); ok && s.Store != nil {
		return s.Store(below)
	}
	return below
}

// Hasher returns what stands in for h: itself, unless ctx comes from [With].
func Hasher(ctx context.Context, h *password.Hasher) *password.Hasher {
	if s, ok := ctx.Value(key{}).(Seams); ok && s.CheapHashes {
		return h.Cheap()
	}
	return h
}
