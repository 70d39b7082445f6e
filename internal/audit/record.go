package audit

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Record is an event as it is shown and exported. The names of its members stay as
// they are; new ones may come.
type Record struct {
	// Seq is absent as long as the event has no place in the chain.
	Seq     int64            `json:"seq,omitzero"`
	ID      auth.EventID     `json:"id"`
	At      time.Time        `json:"at"`
	Type    auth.EventType   `json:"type"`
	Result  auth.EventResult `json:"result,omitzero"`
	Actor   string           `json:"actor,omitzero"`
	User    auth.UserID      `json:"user_id,omitzero"`
	Session auth.SessionID   `json:"session_id,omitzero"`
	Subject string           `json:"subject,omitzero"`
	Client  string           `json:"client,omitzero"`
	Address string           `json:"address,omitzero"`
	Agent   string           `json:"agent,omitzero"`
	Detail  string           `json:"detail,omitzero"`
	// MAC and Key bind the event to the one before it.
	MAC string `json:"mac,omitzero"`
	Key string `json:"key,omitzero"`
}

// Line is the record as one line of JSON, without the end of the line.
func (r Record) Line() ([]byte, error) { return json.Marshal(r) }

func recordOf(e store.ChainedEvent) Record {
	r := Record{
		Seq: e.Seq, ID: e.ID, At: e.At.UTC(), Type: e.Type, Result: e.Result, Actor: e.Actor, User: e.UserID, Session: e.SessionID,
		Subject: e.Subject, Client: e.Client, Address: e.Malformed, Agent: e.Agent, Detail: e.Detail, MAC: e.MAC, Key: e.Key,
	}
	if r.Address == "" && e.Address.IsValid() {
		r.Address = e.Address.String()
	}
	return r
}

// Refuse records an attempt that was refused and changed nothing: what the event
// says of type, actor, subject, client and detail; ID, At and Result are set here.
// The refusal stands whether or not it is recorded. Of many alike, by type, actor
// and detail, only the first in a while become rows; the others are counted
// ([Stats]), so that nobody fills the disk by asking.
func (r *Room) Refuse(ctx context.Context, e auth.Event) {
	now := r.o.Now()
	if r.o.Sample != nil && !r.o.Sample(ctx, string(e.Type)+" "+e.Actor+" "+e.Detail, now) {
		r.stats.unrecorded.Add(1)
		return
	}
	e.ID, e.At, e.Result = auth.NewEventID(now), now, auth.ResultRefused
	if err := r.o.Store.AppendEvent(ctx, e); err != nil {
		r.o.Logger.ErrorContext(ctx, "an event of the audit record could not be written", "event", string(e.Type), "err", err)
	}
}
