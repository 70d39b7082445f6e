package revocation

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	// loadPatience is how long the reading of the whole feed may stand still
	// before it is given up and begun anew. It doubles with each reading in a
	// row that stood still, up to mostPatience, so that a database that is only
	// slow gets its time in the end.
	loadPatience = 4 * time.Second
	mostPatience = time.Minute
	// loadDeadline bounds the reading as a whole, however steadily rows arrive:
	// ten million take some ten seconds.
	loadDeadline = 10 * time.Minute
)

// errStoodStill is why a reading was given up.
var errStoodStill = errors.New("no row has arrived for too long")

// progress is a context for reading that ends, with the cause errStoodStill,
// when nothing has moved for about as long as is allowed: a quarter more at most.
// So what hangs is given up soon, and what is long is not.
type progress struct {
	context.Context
	moves atomic.Uint64
	end   context.CancelCauseFunc
	done  chan struct{}
}

// whileMoving starts watching; its owner calls stop.
func whileMoving(ctx context.Context, allowed time.Duration) *progress {
	p := &progress{done: make(chan struct{})}
	p.Context, p.end = context.WithCancelCause(ctx)
	go p.watch(allowed)
	return p
}

// moved says that something has moved. It costs next to nothing, because it is
// called for each row.
func (p *progress) moved() { p.moves.Add(1) }

func (p *progress) watch(allowed time.Duration) {
	defer close(p.done)
	const looks = 4 // in the time that is allowed
	tick := time.NewTicker(allowed / looks)
	defer tick.Stop()
	last, still := p.moves.Load(), 0
	for {
		select {
		case <-p.Done():
			return
		case <-tick.C:
		}
		now := p.moves.Load()
		if still++; now != last {
			last, still = now, 0
		}
		if still > looks {
			p.end(errStoodStill)
			return
		}
	}
}

// stop ends the watching and returns when it has ended.
func (p *progress) stop() {
	p.end(nil)
	<-p.done
}

// why is the error of a reading under p, with the true cause when it was given
// up here.
func (p *progress) why(err error) error {
	if cause := context.Cause(p.Context); err != nil && errors.Is(cause, errStoodStill) {
		return errors.Join(err, cause)
	}
	return err
}
