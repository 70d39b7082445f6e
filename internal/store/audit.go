package store

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// EventFilter says which events somebody wants to see. Members left at zero ask
// for nothing.
type EventFilter struct {
	// Types: one of these.
	Types []auth.EventType
	// User is whom it was done to, Actor who did it.
	User  auth.UserID
	Actor string
	// Since is the earliest time, Until the first that is too late.
	Since, Until time.Time
	// After is the last event that was seen, of which At and ID count: those that
	// come behind it in the list.
	After auth.Event
}

// ChainedEvent is an event with its place in the chain.
type ChainedEvent struct {
	auth.Event
	// Seq counts the events from one, in the order in which they were chained; zero
	// as long as it has no place.
	Seq int64
	// MAC binds the event to the one before, Key names what it was computed with.
	MAC, Key string
	// Malformed is the address as the row has it, when it is none that was ever
	// written.
	Malformed string
}

// MarkName names a Mark.
type MarkName string

// The marks, of each of which there is one.
const (
	// MarkHead is the last event of the chain.
	MarkHead MarkName = "head"
	// MarkCheckpoint is the last event that retention has removed.
	MarkCheckpoint MarkName = "checkpoint"
	// MarkBeginning says when the chain began: events from before were given their
	// places then.
	MarkBeginning MarkName = "beginning"
)

// Mark is a place of the chain that is kept beside it, signed.
type Mark struct {
	Name MarkName
	Seq  int64
	// MAC is the event's.
	MAC string
	At  time.Time
	// Sign is over all of the above, with the key named by Key. A mark that was
	// never set has neither.
	Sign, Key string
}

// Chain gives events their order, after their commit and beside every
// transaction: none waits for it or is done again because of it.
type Chain interface {
	// Unchained returns up to limit events without a place in the chain whose IDs
	// come after the given one, in order of ID.
	Unchained(ctx context.Context, after auth.EventID, limit int) ([]auth.Event, error)
	// ChainEvents gives the events their places and sets the marks, in one
	// transaction. ErrConflict: the head is not that one any more, or one of the
	// events has a place.
	ChainEvents(ctx context.Context, head Mark, events []ChainedEvent, marks []Mark) error
	// ChainedEvents returns up to limit events with a place after the given one,
	// in order of place.
	ChainedEvents(ctx context.Context, after int64, limit int) ([]ChainedEvent, error)
	// Marks returns the marks in order of name.
	Marks(ctx context.Context) ([]Mark, error)
	// CutEvents sets the checkpoint and removes every event up to it, in one
	// transaction, and returns how many went. ErrConflict: there is a later
	// checkpoint, or none could be set.
	CutEvents(ctx context.Context, checkpoint Mark) (int, error)
}
