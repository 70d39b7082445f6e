package management

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Person is everything that is kept of one user, but what could let somebody in:
// no hash, no secret.
type Person struct {
	User     auth.User
	Accounts []auth.OldID
	// HasPassword says that there is one. Of the hash nothing is told.
	HasPassword   bool
	Password      auth.Password
	Sessions      []auth.Session
	Apps          []auth.Family
	Keys          []auth.APIKey
	Events        []audit.Record
	EventsLeftOut bool
}

// maxExported bounds the events and keys in one export; the others are in their
// lists.
const maxExported = 10_000

// ExportUser returns everything that is kept of the user. That it was done is in
// the audit record first. Codes: forbidden, not_found, unavailable.
func (r *Room) ExportUser(ctx context.Context, a Actor, id auth.UserID) (p Person, err error) {
	if err := r.Permit(ctx, a, UsersExport); err != nil {
		return p, err
	}
	if p.User, err = r.Store.User(ctx, id); err != nil {
		return p, translate("read user", err)
	}
	now := r.now()
	done := auth.Event{
		ID: auth.NewEventID(now), At: now, Type: auth.EventUsersExported, Actor: a.name(), UserID: id, SessionID: a.Principal.SessionID, Address: a.From.Address,
	}
	if err := r.Store.AppendEvent(ctx, done); err != nil {
		return p, translate("record the export", err)
	}
	for _, read := range []func(context.Context, *Person) error{r.exportAccess, r.exportKeys, r.exportEvents} {
		if err := read(ctx, &p); err != nil {
			return Person{}, translate("export user", err)
		}
	}
	return p, nil
}

// exportAccess reads by what the user is or was let in.
func (r *Room) exportAccess(ctx context.Context, p *Person) (err error) {
	id := p.User.ID
	if p.Accounts, err = r.Store.OldIDs(ctx, id); err != nil {
		return err
	}
	switch p.Password, err = r.Store.Password(ctx, id); {
	case err == nil:
		p.HasPassword, p.Password.Hash = true, ""
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if p.Sessions, err = r.Store.EverySession(ctx, id); err != nil {
		return err
	}
	p.Apps, err = r.Store.EveryFamily(ctx, id)
	return err
}

func (r *Room) exportKeys(ctx context.Context, p *Person) error {
	for after := auth.APIKeyID(""); ; {
		list, err := r.Keys.List(ctx, store.APIKeyFilter{User: p.User.ID}, after, chunk)
		if err != nil {
			return err
		}
		p.Keys = append(p.Keys, list...)
		if len(list) < chunk || len(p.Keys) >= maxExported {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

// exportEvents reads what was done to the user, and what the user did.
func (r *Room) exportEvents(ctx context.Context, p *Person) error {
	seen := map[auth.EventID]bool{}
	for _, f := range []audit.Filter{{User: p.User.ID}, {Actor: string(p.User.ID)}} {
		for cursor := ""; ; {
			page, err := r.Audit.List(ctx, f, cursor, chunk)
			if err != nil {
				return err
			}
			for _, e := range page.Events {
				if !seen[e.ID] {
					seen[e.ID] = true
					p.Events = append(p.Events, e)
				}
			}
			if page.Next == "" {
				break
			}
			if len(p.Events) >= maxExported {
				p.EventsLeftOut = true
				return nil
			}
			cursor = page.Next
		}
	}
	return nil
}
