package keyring

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// Stats is what was last read of the keys.
type Stats struct {
	// Keys counts them by state.
	Keys map[auth.KeyState]int
	// Signing are the algorithms in use.
	Signing []Signing
}

// Signing says of one algorithm since when its key signs, and when the next one
// may take its place by the schedule; zero when there is none.
type Signing struct {
	Algorithm   jwt.Algorithm
	Since, Next time.Time
}

// Stats asks nobody.
func (r *Ring) Stats() Stats {
	s := Stats{Keys: map[auth.KeyState]int{}}
	for _, row := range r.rows() {
		s.Keys[row.State]++
	}
	for _, a := range r.o.Algorithms {
		one := Signing{Algorithm: a}
		active, signs := r.row(a, auth.KeyActive)
		if signs {
			one.Since = active.ActiveAt
		}
		if next, found := r.row(a, auth.KeyNext); found {
			one.Next = r.due(next)
			if signs && r.due(active).After(one.Next) {
				one.Next = r.due(active)
			}
		}
		s.Signing = append(s.Signing, one)
	}
	return s
}
