package rbac

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Names says which names of roles may be given to anybody.
type Names struct {
	defined bool
	names   map[string]bool
}

// Names returns those that are good in a transaction, or outside one at this
// moment.
func (r *Room) Names(ctx context.Context, tx store.Roles) (Names, error) {
	n := Names{names: map[string]bool{}}
	stored, err := tx.RoleNames(ctx)
	if err != nil {
		return n, err
	}
	for _, name := range stored {
		n.names[name] = true
	}
	for _, c := range r.o.Configured {
		n.names[c.Name] = true
	}
	n.defined = len(n.names) > 0
	for _, b := range BuiltIn() {
		n.names[b.Name] = true
	}
	return n, nil
}

// Check refuses names that no role has, and names them. As long as no role is
// defined, a role is only a name, and all are good that are not reserved. Codes:
// invalid_request.
func (n Names) Check(names []string) error {
	for _, name := range names {
		if n.names[name] || !n.defined && !auth.ReservedRole(name) {
			continue
		}
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "roles", Message: fmt.Sprintf("There is no role %s.", shown(name))}
	}
	return nil
}

// Assignable refuses names that may not be given to anybody, in the transaction
// that gives them. What somebody has already, may stay: those are the names in
// held. Codes: invalid_request; other errors are the store's.
func (r *Room) Assignable(ctx context.Context, tx store.Roles, names, held []string) error {
	fresh := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(held, name) })
	if len(fresh) == 0 {
		return nil
	}
	n, err := r.Names(ctx, tx)
	if err != nil {
		return err
	}
	return n.Check(fresh)
}
