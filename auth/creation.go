package auth

import "time"

// Creation remembers that something was made at a caller's request, so that the
// same request, sent again because its answer was lost, makes no second one. It
// names what was made and holds nothing of it.
type Creation struct {
	// Key is the hash of who asked, for what, and the key that they gave it.
	Key string
	// Request is the hash of what was to be made.
	Request string
	// Made names what was made; empty while that is under way.
	Made string
	// Until is when it is forgotten.
	Until time.Time
}
