package management

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
)

// Person is everything that is kept of one user.
type Person struct {
	User     User           `json:"user"`
	Password *PasswordFacts `json:"password,omitempty" doc:"Missing for a user without one."`
	Accounts []Account      `json:"accounts" nullable:"false"`
	Sessions []EndedSession `json:"sessions" nullable:"false" doc:"Those that have ended too, as long as they are kept."`
	Apps     []EndedApp     `json:"apps" nullable:"false"`
	APIKeys  []APIKey       `json:"api_keys" nullable:"false"`
	Events   []Event        `json:"events" nullable:"false" doc:"What was done to the user, and what the user did."`
	LeftOut  bool           `json:"events_left_out,omitempty" doc:"There are more events than fit; list them with user_id."`
}

// PasswordFacts are what is known of a password. Its hash is not among them.
type PasswordFacts struct {
	MustChange bool      `json:"must_change"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Ended is when and how something ended; empty while it lives.
type Ended struct {
	EndedAt   time.Time      `json:"ended_at,omitzero"`
	EndReason auth.EndReason `json:"end_reason,omitempty"`
}

// EndedSession is a session that may have ended.
type EndedSession struct {
	Session
	Ended
	// Data is what the application put into the session.
	Data string `json:"data,omitempty" doc:"What the application put into the session, as JSON text."`
}

// EndedApp is an app that may have ended.
type EndedApp struct {
	App
	Ended
}

func (c *call) exportUser() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	p, err := c.h.Room.ExportUser(c.Context(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return &reply{body: ShownPerson(p), file: "user-" + string(id) + ".json"}, nil
}

// ShownPerson is what the API, and the command line, show of an export.
func ShownPerson(p room.Person) Person {
	out := Person{
		User: shownUser(p.User), Accounts: shown(p.Accounts, shownAccount), APIKeys: shown(p.Keys, shownKey), Events: shown(p.Events, shownEvent), LeftOut: p.EventsLeftOut,
		Sessions: shown(p.Sessions, func(s auth.Session) EndedSession {
			return EndedSession{shownSession(s), Ended{s.EndedAt, s.EndReason}, s.Data}
		}),
		Apps: shown(p.Apps, func(f auth.Family) EndedApp { return EndedApp{shownApp(f), Ended{f.EndedAt, f.EndReason}} }),
	}
	if p.HasPassword {
		out.Password = &PasswordFacts{p.Password.MustChange, p.Password.UpdatedAt}
	}
	return out
}
