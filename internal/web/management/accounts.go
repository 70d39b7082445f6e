package management

import (
	"github.com/gatehouse-auth/gatehouse/auth"
)

// Account is what a user is called elsewhere.
type Account struct {
	Mount string `json:"mount" doc:"The base path at which the ID is good."`
	ID    string `json:"id" doc:"User.id of the application's old database, or the providerAccountId of an account."`
	Main  bool   `json:"main" doc:"The user's sessions at this mount say this ID."`
}

func shownAccount(id auth.OldID) Account { return Account{id.Mount, id.Value, id.Main} }

// Accounts are all that a user is called elsewhere.
type Accounts struct {
	Items []Account `json:"items" nullable:"false"`
}

func (c *call) listAccounts() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	list, err := c.h.Room.Accounts(c.Context(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return &reply{body: Accounts{shown(list, shownAccount)}}, nil
}

// Self is who asks, and what they may do here.
type Self struct {
	UserID      auth.UserID    `json:"user_id,omitempty" doc:"Missing for the key of a service."`
	SessionID   auth.SessionID `json:"session_id,omitempty"`
	APIKeyID    auth.APIKeyID  `json:"api_key_id,omitempty"`
	Roles       []string       `json:"roles" nullable:"false" doc:"Empty for a credential that its scopes narrow."`
	Narrowed    []string       `json:"narrowed_roles" nullable:"false" doc:"The roles behind a credential that its scopes narrow."`
	Scopes      []string       `json:"scopes" nullable:"false"`
	Permissions []string       `json:"permissions" nullable:"false" doc:"Those of Gatehouse's own that they hold."`
}

func (c *call) self() (*reply, error) {
	may, err := c.h.Room.Self(c.Context(), c.actor)
	if err != nil {
		return nil, err
	}
	who := c.actor.Principal
	out := Self{
		UserID: who.UserID, SessionID: who.SessionID, APIKeyID: who.APIKeyID, Roles: none(who.Roles), Narrowed: none(who.NarrowedRoles),
		Scopes: none(who.Scopes), Permissions: []string{},
	}
	for _, p := range may.Permissions {
		out.Permissions = append(out.Permissions, string(p))
	}
	return &reply{body: out}, nil
}
