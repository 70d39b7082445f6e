package management

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// The types below are what the API shows. Each is made member by member from the
// noun, so that a member that is added there, a hash for one, is not shown until
// somebody writes it down here.

// User is a person.
type User struct {
	ID              auth.UserID `json:"id" doc:"usr_ and a UUID." example:"usr_0199c3a1-6c00-7b3e-9d55-0a4c2f1e8b7d"`
	Email           string      `json:"email,omitempty"`
	Username        string      `json:"username,omitempty"`
	Name            string      `json:"name,omitempty"`
	Image           string      `json:"image,omitempty"`
	Roles           []string    `json:"roles" nullable:"false" doc:"Sorted."`
	EmailVerifiedAt time.Time   `json:"email_verified_at,omitzero" doc:"Missing until the address is proven."`
	DisabledAt      time.Time   `json:"disabled_at,omitzero" doc:"Missing while the user may sign in."`
	CreatedAt       time.Time   `json:"created_at"`
	UpdatedAt       time.Time   `json:"updated_at"`
	Version         int64       `json:"version" doc:"Raised by each change; the ETag says the same."`
}

func shownUser(u auth.User) User {
	return User{
		ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Image: u.Image, Roles: none(u.Roles),
		EmailVerifiedAt: u.EmailVerifiedAt, DisabledAt: u.DisabledAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}
}

// none is a list that is written as [] when it is empty.
func none[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// shown turns each of a list into what the API shows.
func shown[T, V any](list []T, view func(T) V) []V {
	out := make([]V, 0, len(list))
	for _, item := range list {
		out = append(out, view(item))
	}
	return out
}

// Users is a page of users.
type Users struct {
	Items []User `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; missing on the last one. A page may be shorter than asked for, even empty, and not be the last."`
}

// Session is a signed-in browser.
type Session struct {
	ID          auth.SessionID `json:"id" doc:"ses_ and a UUID. It is a name, and lets nobody in."`
	UserID      auth.UserID    `json:"user_id"`
	Mount       string         `json:"mount" doc:"The base path it belongs to."`
	CreatedAt   time.Time      `json:"created_at"`
	LastSeenAt  time.Time      `json:"last_seen_at"`
	AbsoluteEnd time.Time      `json:"absolute_end" doc:"The end that no use puts off."`
	Methods     []string       `json:"methods" nullable:"false" doc:"The proofs given, by their RFC 8176 names; empty for a session that was adopted."`
	Address     string         `json:"address,omitempty" doc:"Where the sign-in came from; missing when unknown."`
	UserAgent   string         `json:"user_agent,omitempty"`
}

func shownSession(s auth.Session) Session {
	out := Session{
		ID: s.ID, UserID: s.UserID, Mount: s.Mount, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, AbsoluteEnd: s.AbsoluteEnd,
		Methods: none(s.Methods), UserAgent: s.UserAgent,
	}
	if s.Address.IsValid() {
		out.Address = s.Address.String()
	}
	return out
}

// App is a program that has tokens without a session.
type App struct {
	ID          auth.FamilyID `json:"id" doc:"fam_ and a UUID."`
	UserID      auth.UserID   `json:"user_id"`
	Client      string        `json:"client,omitempty" doc:"The client_id of its tokens; missing for the application itself."`
	Audiences   []string      `json:"audiences" nullable:"false"`
	Scopes      []string      `json:"scopes" nullable:"false"`
	Mount       string        `json:"mount"`
	CreatedAt   time.Time     `json:"created_at"`
	LastUsedAt  time.Time     `json:"last_used_at"`
	AbsoluteEnd time.Time     `json:"absolute_end"`
}

func shownApp(f auth.Family) App {
	return App{
		ID: f.ID, UserID: f.UserID, Client: f.ClientID, Audiences: none(f.Audiences), Scopes: none(f.Scopes), Mount: f.Mount,
		CreatedAt: f.CreatedAt, LastUsedAt: f.RotatedAt, AbsoluteEnd: f.AbsoluteEnd,
	}
}

// SignedIn is where somebody is signed in.
type SignedIn struct {
	Sessions []Session `json:"sessions" nullable:"false"`
	Apps     []App     `json:"apps" nullable:"false"`
}

// Revoked is what a revocation has done.
type Revoked struct {
	Ended     int                      `json:"ended" doc:"How many sessions ended now."`
	EndedApps int                      `json:"ended_apps" doc:"How many apps ended now, with their session or without."`
	Effective revocation.Effectiveness `json:"effective" enum:"everywhere,pending" doc:"Whether every server refuses them already."`
	// PendingUntil is zero when it is in force everywhere.
	PendingUntil time.Time `json:"pending_until,omitzero" doc:"By then every server has heard of it, or refuses whatever it has not heard of."`
}

func shownRevoked(r session.Revoked) Revoked {
	return Revoked{Ended: len(r.Sessions), EndedApps: len(r.Apps), Effective: r.Effective, PendingUntil: r.Latest.UTC()}
}
