package management

import (
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

// Event is one record of what happened.
type Event struct {
	Seq       int64            `json:"seq,omitempty" doc:"Its place in the chain; missing until it has one, some moments later."`
	ID        auth.EventID     `json:"id"`
	At        time.Time        `json:"at"`
	Type      auth.EventType   `json:"type"`
	Result    auth.EventResult `json:"result,omitempty" enum:"succeeded,refused,failed"`
	Actor     string           `json:"actor,omitempty" doc:"Who did it: the ID of a user or of an API key, cli, gatehouse, or missing for nobody known."`
	UserID    auth.UserID      `json:"user_id,omitempty" doc:"Whom it was done to."`
	SessionID auth.SessionID   `json:"session_id,omitempty"`
	Subject   string           `json:"subject,omitempty" doc:"What it was done to beside these, as role:editor."`
	Client    string           `json:"client,omitempty" doc:"The application that it came through."`
	Address   string           `json:"address,omitempty"`
	Agent     string           `json:"agent,omitempty"`
	Detail    string           `json:"detail,omitempty"`
	MAC       string           `json:"mac,omitempty" doc:"What binds it to the event before; with its place, a head of the chain that can be kept elsewhere."`
	Key       string           `json:"key,omitempty" doc:"The name of the key for it."`
}

func shownEvent(r audit.Record) Event {
	return Event{
		Seq: r.Seq, ID: r.ID, At: r.At, Type: r.Type, Result: r.Result, Actor: r.Actor, UserID: r.User, SessionID: r.Session,
		Subject: r.Subject, Client: r.Client, Address: r.Address, Agent: r.Agent, Detail: r.Detail, MAC: r.MAC, Key: r.Key,
	}
}

// Events is a page of events, the youngest first.
type Events struct {
	Items []Event `json:"items" nullable:"false"`
	Next  string  `json:"next,omitempty" doc:"The cursor of the next page; missing on the last one."`
}

type listEvents struct {
	Cursor string    `query:"cursor" doc:"Where to go on: next of the page before." maxLength:"512"`
	Limit  int       `query:"limit" doc:"How many at most." minimum:"1" maximum:"1000" default:"50"`
	Type   string    `query:"type" doc:"Types, separated by commas; each may be what it begins with and a star: user.*" maxLength:"1024"`
	UserID string    `query:"user_id" doc:"Whom it was done to." maxLength:"64"`
	Actor  string    `query:"actor" doc:"Who did it." maxLength:"64"`
	Since  time.Time `query:"since" doc:"The earliest time."`
	Until  time.Time `query:"until" doc:"The first time that is too late."`
}

func (c *call) listEvents() (*reply, error) {
	q := c.query.(*listEvents)
	f := audit.Filter{User: auth.UserID(q.UserID), Actor: q.Actor, Since: q.Since, Until: q.Until}
	if q.Type != "" {
		f.Types = strings.Split(q.Type, ",")
	}
	page, err := c.h.Room.ListEvents(c.Context(), c.actor, f, q.Cursor, size(q.Limit))
	if err != nil {
		return nil, err
	}
	return &reply{body: Events{shown(page.Events, shownEvent), page.Next}, next: page.Next}, nil
}

// FollowedEvents are events in the order of the chain.
type FollowedEvents struct {
	Items []Event `json:"items" nullable:"false"`
	After int64   `json:"after" doc:"Give this to the next request: whoever does misses none."`
}

type followEvents struct {
	After *int `query:"after" doc:"The place in the chain to go on from; missing is its end, now." minimum:"0"`
	Wait  int  `query:"wait_seconds" doc:"How long to wait for an event when there is none." minimum:"0" maximum:"8" default:"0"`
	Limit int  `query:"limit" doc:"How many at most." minimum:"1" maximum:"1000" default:"50"`
}

func (c *call) followEvents() (*reply, error) {
	q := c.query.(*followEvents)
	after := int64(-1)
	if q.After != nil {
		after = int64(*q.After)
	}
	list, next, err := c.h.Room.FollowEvents(c.Context(), c.actor, after, seconds(q.Wait), size(q.Limit))
	if err != nil {
		return nil, err
	}
	return &reply{body: FollowedEvents{shown(list, shownEvent), next}}, nil
}
