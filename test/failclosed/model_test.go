package failclosed_test

import (
	"fmt"
	"time"
)

const (
	// promptly is one poll and what the promise adds to it: by then a node that
	// reaches the database has heard of everything.
	promptly = 200 * time.Millisecond
	// recovery is how long a node that is well again may need: a look that hangs
	// must be given up first, and the feed be read whole.
	recovery = 3 * time.Second
	// grace is how long a superseded session may go on (guarantees R14).
	grace = 30 * time.Second
)

// fact is what is known of something that can change once, and is never undone:
// that a session was ended, or a proof voided.
type fact struct {
	// acknowledged is when somebody was told of it, and by is who told; zero when
	// nobody was.
	acknowledged time.Time
	by           *node
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

// mustShow says whether a node has to go by the fact now, and why.
func (f *fact) mustShow(at *node, extra time.Duration) (why string, must bool) {
	if f.acknowledged.IsZero() {
		return "", false
	}
	age := time.Since(f.acknowledged)
	after := f.acknowledged
	if well := at.wellSince.Add(recovery); well.After(after) {
		after = well
	}
	switch {
	case age < extra:
		return "", false
	case f.by == at:
		return "this node acknowledged it", true
	case f.acknowledged.Before(at.bornAt):
		return "this node was started after it was acknowledged", true
	case age > maxStaleness:
		return fmt.Sprintf("acknowledged %s ago, which is longer than max_staleness", age), true
	case at.wrong == well && time.Since(after) > promptly:
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

// credential is the model of one browser that was signed in.
type credential struct {
	*person
	of    *account
	ended fact
	// superseded: by a later sign-in in the same browser.
	superseded bool
	// gone is when a node has said for certain that it is no session.
	gone   time.Time
	goneAt *node
	name   string
}

// endAll notes that everything of the account was voided, or may have been.
func (m *model) endAll(a *account, by *node, good bool, except *credential) {
	for _, c := range m.credentials {
		if c.of == a && c != except {
			c.ended.told(by, good)
		}
	}
	a.epoch++
}

// judge holds what a node said of a credential against what may be said.
func (m *model) judge(c *credential, at *node, open, known bool) error {
	now := time.Now()
	sick := at.wrong != well || now.Sub(at.wellSince) < recovery
	extra := time.Duration(0)
	if c.superseded {
		extra = grace
	}
	switch why, must := c.ended.mustShow(at, extra); {
	case open && must:
		return fmt.Errorf("%s is accepted, though it was ended: %s", c.name, why)
	case open && !c.gone.IsZero() && now.Sub(c.gone) > maxStaleness:
		return fmt.Errorf("%s is accepted %s after a node said that it is over", c.name, now.Sub(c.gone))
	case !known && !sick:
		return fmt.Errorf("%s: nothing can be said, though nothing is wrong with the node", c.name)
	case known && !open && !c.ended.possible:
		return fmt.Errorf("%s is refused, though nothing ended it", c.name)
	case known && !open && c.gone.IsZero():
		c.gone, c.goneAt = now, at
	}
	return nil
}
