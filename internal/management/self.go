package management

import (
	"context"
)

// Self is what an Actor may do here.
type Self struct {
	// Permissions are those of Gatehouse's own that he holds.
	Permissions []Permission
}

// Self returns what the Actor may do. Whoever is known may ask. Code: unavailable.
func (r *Room) Self(ctx context.Context, a Actor) (self Self, err error) {
	rules, err := r.permitted(ctx, a)
	if err != nil {
		return self, err
	}
	for _, p := range Permissions() {
		if a.CommandLine || rules.policy.Permits(a.Principal, p.parsed()) {
			self.Permissions = append(self.Permissions, p)
		}
	}
	return self, nil
}
