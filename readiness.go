package gatehouse

import (
	"sync"
	"time"
)

// readiness is what the log was last told of [Gatehouse.Ready], so that each
// change is one line however often somebody asks. Its zero value is ready: how
// a start goes is told by whoever waits for it.
type readiness struct {
	mu sync.Mutex
	// lost is when readiness was first seen gone; zero while it is there.
	lost time.Time
}

// note tells a change.
func (r *readiness) note(cfg Config, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch now := cfg.Now(); {
	case err != nil && r.lost.IsZero():
		r.lost = now
		cfg.Logger.Error("not ready", "err", err)
	case err == nil && !r.lost.IsZero():
		cfg.Logger.Info("ready again", "after", now.Sub(r.lost).Round(time.Millisecond).String())
		r.lost = time.Time{}
	}
}
