package failclosed_test

import (
	"fmt"
	"time"
)

// grace is how long a superseded session may go on (guarantees R14).
const grace = 30 * time.Second

// pace is how fast things go where the nodes stand.
type pace struct {
	// staleness is session.max_staleness of every node.
	staleness time.Duration
	// promptly is one poll and what the promise adds to it: by then a node that
	// reaches the database has heard of everything.
	promptly time.Duration
	// recovery is how long a node that is well again may need: a look that hangs
	// must be given up first, and the feed be read whole.
	recovery time.Duration
	// waits are what a step of waiting may take.
	waits []time.Duration
	// busy: time is real and others use the machine, so a node that is well may
	// come late to the feed, and say nothing.
	busy bool
}

// inBubbles is the pace of virtual time, on SQLite.
var inBubbles = pace{
	staleness: maxStaleness, promptly: 200 * time.Millisecond, recovery: 3 * time.Second,
	waits: []time.Duration{10 * time.Millisecond, 210 * time.Millisecond, time.Second, 3 * time.Second, 12 * time.Second, maxStaleness + time.Second},
}

// fact is what is known of something that can change once, and is never undone:
// that a session was ended, or a proof voided.
type fact struct {
	// acknowledged is when somebody was told of it, and by is who told; zero when
	// nobody was.
	acknowledged time.Time
	by           *node
	// everywhere: whoever was told heard that it is in force on every node.
	everywhere bool
	// possible says that it may have happened, since an answer was lost.
	possible bool
}

// told notes an answer: good, or one that leaves it open.
func (f *fact) told(by *node, good bool) {
	if !f.acknowledged.IsZero() {
		return
	}
	if good {
		f.acknowledged, f.by, f.possible = time.Now(), by, true
		return
	}
	f.possible = true
}

// mustShow says whether a node has to go by the fact in its answer to a question
// of that moment, and why.
func (f *fact) mustShow(at *node, asked time.Time, extra time.Duration) (why string, must bool) {
	if f.acknowledged.IsZero() {
		return "", false
	}
	age := asked.Sub(f.acknowledged)
	after := f.acknowledged
	if well := at.wellSince.Add(at.pace.recovery); well.After(after) {
		after = well
	}
	switch {
	case age < extra:
		return "", false
	case f.by == at:
		return "this node acknowledged it", true
	case f.everywhere:
		return "it was said to be in force everywhere", true
	case f.acknowledged.Before(at.bornAt):
		return "this node was started after it was acknowledged", true
	case age > at.pace.staleness:
		return fmt.Sprintf("acknowledged %s ago, which is longer than max_staleness", age), true
	case at.wrong == well && asked.Sub(after) > at.pace.promptly:
		return fmt.Sprintf("acknowledged %s ago, and this node reaches the database", age), true
	}
	return "", false
}

// account is the model of a user.
type account struct {
	*person
	password string
	// epoch counts what may have voided every session and proof; disabled and
	// admin are what they are, and open while an answer about them was lost.
	epoch                int
	disabled, admin      bool
	disabledOpen         bool
	rolesAt              fact // the last change of roles
	rolesOpen, passwords bool // passwords: it is open which password is good
}

// standing is what is known of anything that a node accepts or refuses.
type standing struct {
	of    *account
	ended fact
	// superseded: by a later sign-in in the same browser.
	superseded bool
	// gone is when a node has said for certain that it is good for nothing.
	gone time.Time
	name string
}

// credential is the model of one browser that was signed in.
type credential struct {
	*person
	standing
	base string // of the mount
}

// endAll notes that everything of the account was voided, or may have been, but
// for what is excepted.
func (m *model) endAll(a *account, by *node, good bool) {
	for _, c := range m.credentials {
		if c.of == a {
			c.ended.told(by, good)
		}
	}
	for _, f := range m.families {
		if f.of == a {
			f.ended.told(by, good)
		}
	}
	a.epoch++
}

// judge holds what a node said, to a question of the moment asked, against what
// may be said.
func (m *model) judge(c *standing, at *node, asked time.Time, open, known bool) error {
	sick := at.wrong != well || asked.Sub(at.wellSince) < at.pace.recovery
	extra := time.Duration(0)
	if c.superseded {
		extra = grace
	}
	switch why, must := c.ended.mustShow(at, asked, extra); {
	case open && must:
		return fmt.Errorf("%s is accepted, though it was ended: %s", c.name, why)
	case open && !c.gone.IsZero() && asked.Sub(c.gone) > at.pace.staleness:
		return fmt.Errorf("%s is accepted %s after a node said that it is over", c.name, asked.Sub(c.gone))
	case !known && !sick && !at.pace.busy:
		return fmt.Errorf("%s: nothing can be said, though nothing is wrong with the node", c.name)
	case known && !open && !c.ended.possible:
		return fmt.Errorf("%s is refused, though nothing ended it", c.name)
	case known && !open && c.gone.IsZero():
		c.gone = time.Now()
	}
	return nil
}

// note counts what a node said.
func (m *model) note(what string, c *standing, open, known bool) {
	switch {
	case open && !c.ended.acknowledged.IsZero():
		m.counts[what+"accepted after an end elsewhere"]++
	case open:
		m.counts[what+"accepted"]++
	case known:
		m.counts[what+"refused"]++
	default:
		m.counts[what+"unavailable"]++
	}
}
