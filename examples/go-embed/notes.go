package main

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// Bounds, so that nobody fills the memory.
const (
	maxBody  = 4 << 10 // bytes of a request
	maxText  = 500     // bytes of a note
	maxNotes = 50      // notes of one user; the oldest goes first
)

type note struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// notebook keeps everybody's notes in memory.
type notebook struct {
	mu    sync.Mutex
	notes map[gatehouse.UserID][]note
}

func newNotebook() *notebook { return &notebook{notes: map[gatehouse.UserID][]note{}} }

func (n *notebook) add(who gatehouse.UserID, text string) error {
	if text == "" || len(text) > maxText {
		return errors.New("a note has 1 to 500 bytes")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	list := append(n.notes[who], note{At: time.Now().UTC(), Text: text})
	n.notes[who] = list[max(0, len(list)-maxNotes):]
	return nil
}

// of returns the notes of one user, and never those of another.
func (n *notebook) of(who gatehouse.UserID) []note {
	n.mu.Lock()
	defer n.mu.Unlock()
	if list := n.notes[who]; list != nil {
		return slices.Clone(list)
	}
	return []note{} // [] in JSON
}
