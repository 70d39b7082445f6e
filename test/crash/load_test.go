//go:build linux

package crash_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// client is one of those who use the site at the same time. Its accounts are its
// own, so that it knows what it has been told of them, in order.
type client struct {
	*site
	*journal
	dice *rand.Rand
	// answered is counted up with every acknowledgement, by all clients.
	answered *atomic.Int64
	// guesser does nothing but guess at accounts of its own.
	guesser bool
}

func newClients(s *site, n int, dice *rand.Rand) (all []*client) {
	s.prepare()
	answered := new(atomic.Int64)
	for range n {
		all = append(all, &client{site: s, journal: newJournal(), dice: rand.New(rand.NewPCG(dice.Uint64(), 1)), answered: answered})
	}
	return all
}

// runAll lets the clients work until stop says so or the connection breaks.
func runAll(clients []*client, stop func() bool) {
	var wait sync.WaitGroup
	for _, c := range clients {
		wait.Go(func() {
			for !stop() && c.step() {
			}
		})
	}
	wait.Wait()
}

// outcome is how an answer was understood.
type outcome uint8

const (
	acknowledged outcome = iota
	refused
	unavailable // 503: nothing was decided
	unsent
	unanswered
)

// note counts the outcome of a request and says whether one can go on.
func (c *client) note(what string, o outcome) (more bool) {
	switch o {
	case acknowledged:
		c.acknowledged[what]++
		c.answered.Add(1)
	case refused:
		c.refused[what]++
	case unavailable:
		c.refused[what+", unavailable"]++
	case unanswered:
		c.unanswered++
	}
	return o < unsent
}

// wrongAnswer is a finding of its own.
func (c *client) wrongAnswer(what string, r reply) {
	c.findings = append(c.findings, finding{"answer", fmt.Sprintf("%s: %d, cookies %v, %s", what, r.status, r.header["Set-Cookie"], r.body)})
}

// understand sorts the answer of a request that is acknowledged with good and
// refused with one of bad.
func (c *client) understand(what string, r reply, err error, good bool, bad ...int) outcome {
	switch {
	case errors.Is(err, errNotSent):
		return unsent
	case err != nil:
		return unanswered
	case good:
		return acknowledged
	case r.status == http.StatusServiceUnavailable:
		if r.header.Get("Retry-After") == "" {
			c.wrongAnswer(what+" without Retry-After", r)
		}
		for _, inner := range []string{"sqlstore", "disk", "database", c.database} {
			if strings.Contains(r.body, inner) {
				c.wrongAnswer(what+" tells what is inside", r)
			}
		}
		if len(r.gone) > 0 && !strings.HasPrefix(what, "sign-out") { // which rids the browser of its cookie in any case
			c.wrongAnswer(what+" deletes a cookie", r)
		}
		if c.mortal {
			return unanswered
		}
		return unavailable
	}
	for _, status := range bad {
		if r.status == status {
			return refused
		}
	}
	c.wrongAnswer(what, r)
	return refused
}

// step does one thing; false means that the server is gone.
func (c *client) step() bool {
	if c.guesser {
		return c.attack()
	}
	a := c.anAccount()
	if a == nil {
		return c.register()
	}
	v := c.aVisit(a)
	if v == nil { // nothing can be done without one
		return c.signIn(a)
	}
	switch n := c.dice.IntN(100); {
	case n < 15:
		return c.register()
	case n < 37:
		return c.signIn(a)
	case n < 46 && a.failures.most < 2:
		return c.guess(a)
	case n < 62:
		return c.change(a, v)
	case n < 70:
		return c.changeWrongly(a, v)
	case n < 84:
		return c.signOut(a, v)
	case n < 88:
		return c.registerTaken(a)
	case n < 92:
		return c.registerWeak()
	default:
		return c.look(a, a.visits[c.dice.IntN(len(a.visits))])
	}
}

// anAccount is one of the last few, so that much happens to each.
func (c *client) anAccount() *account {
	for range 8 {
		if len(c.accounts) == 0 {
			return nil
		}
		a := c.accounts[len(c.accounts)-1-c.dice.IntN(min(6, len(c.accounts)))]
		if a.exists == surely && a.next == "" && !a.victim {
			return a
		}
	}
	return nil
}

func (c *client) aVisit(a *account) *visit {
	live := a.live()
	if len(live) == 0 {
		return nil
	}
	return live[c.dice.IntN(len(live))]
}

func (c *client) aDialect() *dialect {
	if c.dice.IntN(2) == 0 {
		return v4
	}
	return v5
}

// aWord is new, and good enough for a password.
func (c *client) aWord() string {
	return fmt.Sprintf("%016x%08x", c.dice.Uint64(), c.dice.Uint32())
}

func (c *client) register() bool {
	a := &account{email: "u" + c.aWord() + "@crash.test", password: c.aWord(), fresh: true}
	r, err := c.json(c.aDialect().base+"/register", map[string]string{"email": a.email, "password": a.password}, nil)
	o := c.understand("registration", r, err, r.status == http.StatusCreated)
	switch o {
	case acknowledged:
		a.exists = surely
	case unanswered:
		a.exists, a.open = maybe, true
	}
	c.accounts = append(c.accounts, a)
	return c.note("registration", o)
}

// registerTaken asks for a name that somebody has.
func (c *client) registerTaken(a *account) bool {
	theirs := c.aWord()
	r, err := c.json(c.aDialect().base+"/register", map[string]string{"email": a.email, "password": theirs}, nil)
	a.wrong = append(a.wrong, theirs)
	return c.note("registration of a taken name", c.understand("registration of a taken name", r, err, false, http.StatusConflict))
}

// registerWeak asks for a password that nobody may have.
func (c *client) registerWeak() bool {
	a := &account{email: "w" + c.aWord() + "@crash.test", password: "too short", fresh: true}
	r, err := c.json(c.aDialect().base+"/register", map[string]string{"email": a.email, "password": a.password}, nil)
	c.accounts = append(c.accounts, a)
	return c.note("registration with a weak password", c.understand("registration with a weak password", r, err, false, http.StatusBadRequest))
}

func (s *site) credentials(d *dialect, email, password string) (reply, error) {
	return s.form(d, "/callback/credentials", map[string]string{"email": email, "password": password}, nil)
}

// signIn is a new browser's.
func (c *client) signIn(a *account) bool {
	a.fresh = true
	d := c.aDialect()
	r, err := c.credentials(d, a.email, a.password)
	v := &visit{dialect: d, jar: r.session(d), live: surely}
	o := c.understand("sign-in "+d.base, r, err, r.status == http.StatusOK && len(v.jar) > 0, http.StatusTooManyRequests)
	switch o {
	case acknowledged:
		a.visits = append(a.visits, v)
		a.ins.sure()
		a.failures = span{}
	case unanswered:
		a.ins.unsure()
		a.open = true
		a.failures = span{most: a.failures.most + 1} // counted before it is judged, and forgotten after
	case unavailable:
		a.failures.unsure()
	case refused:
		if a.failures.most < free {
			c.wrongAnswer("right password of "+a.email, r)
		}
	}
	return c.note("sign-in "+d.base, o)
}

// guess is a sign-in with a wrong password.
func (c *client) guess(a *account) bool {
	a.fresh = true
	d := c.aDialect()
	r, err := c.credentials(d, a.email, c.aWord())
	if err == nil && len(r.session(d)) > 0 {
		c.wrongAnswer("a wrong password", r)
	}
	status := http.StatusUnauthorized
	if d == v5 && strings.Contains(r.body, "error=CredentialsSignin") {
		status = http.StatusOK // as Auth.js 5 says it
	}
	o := c.understand("wrong password "+d.base, r, err, false, status, http.StatusTooManyRequests)
	switch {
	case o == refused && r.status == http.StatusTooManyRequests:
		if a.failures.most < free {
			c.wrongAnswer("slowed down too early: "+a.email, r)
		}
		return c.note("slowed down", o)
	case o == refused:
		a.failures.sure()
		a.fail.sure()
	case o == unavailable:
		a.failures.unsure()
	case o == unanswered:
		a.failures.unsure()
		a.fail.unsure()
		a.open = true
	}
	return c.note("wrong password "+d.base, o)
}

// attack guesses at a victim until it is slowed down, and then at the next.
func (c *client) attack() bool {
	var a *account
	if n := len(c.accounts); n > 0 {
		a = c.accounts[n-1]
	}
	if before := c.refused["slowed down"]; a != nil && a.exists == surely && a.fresh && !a.slowed {
		more := c.guess(a)
		a.slowed = c.refused["slowed down"] > before
		return more
	}
	more := c.register()
	c.accounts[len(c.accounts)-1].victim = true
	return more
}

// change is one of the password, by somebody who knows it.
func (c *client) change(a *account, v *visit) bool {
	a.fresh, a.sent = true, true
	next := c.aWord()
	r, err := c.json(v.dialect.base+"/change-password", map[string]string{"currentPassword": a.password, "newPassword": next}, v.jar)
	o := c.understand("password change", r, err, r.status == http.StatusOK)
	switch o {
	case acknowledged:
		a.passwordIs(next)
		a.visits = append(a.visits, &visit{v.dialect, r.session(v.dialect), surely})
		a.failures = span{}
		a.changes.sure()
	case unanswered:
		a.next = next
		a.failures.least = 0
		a.changes.unsure()
	case unavailable:
		a.wrong = append(a.wrong, next)
		a.failures.least = 0
	}
	return c.note("password change", o)
}

// changeWrongly has the wrong current password, or a new one that is no good.
func (c *client) changeWrongly(a *account, v *visit) bool {
	a.fresh = true
	current, next, status := c.aWord(), c.aWord(), http.StatusUnauthorized
	if c.dice.IntN(2) == 0 {
		current, next, status = a.password, "too short", http.StatusBadRequest
	}
	r, err := c.json(v.dialect.base+"/change-password", map[string]string{"currentPassword": current, "newPassword": next}, v.jar)
	// A run of wrong ones has its own count, which may ask to wait.
	o := c.understand("refused password change", r, err, false, status, http.StatusTooManyRequests)
	a.wrong = append(a.wrong, next)
	if current == a.password {
		a.failures.least = 0 // it was right, which ends the run
		if o == refused && r.status == status {
			a.failures = span{}
		}
	}
	return c.note("refused password change", o)
}

// signOut by the protocol or by the JSON endpoint.
func (c *client) signOut(a *account, v *visit) bool {
	a.fresh = true
	var r reply
	var err error
	if c.dice.IntN(2) == 0 {
		r, err = c.form(v.dialect, "/signout", nil, v.jar)
	} else {
		r, err = c.json(v.dialect.base+"/logout", struct{}{}, v.jar)
	}
	o := c.understand("sign-out", r, err, r.status == http.StatusOK && r.dropsSession(v.dialect))
	switch o {
	case acknowledged:
		v.live = never
		a.outs.sure()
	case unanswered:
		v.live = maybe
		a.outs.unsure()
	}
	return c.note("sign-out", o)
}

// look asks for the session.
func (c *client) look(a *account, v *visit) bool {
	r, err := c.session(v)
	o := c.understand("session check", r, err, r.status == http.StatusOK)
	if o == acknowledged && v.live != maybe && !v.shows(r, a) {
		c.wrongAnswer("session check under load", r)
	}
	return c.note("session check", o)
}

func (s *site) session(v *visit) (reply, error) {
	return s.send(http.MethodGet, v.dialect.base+"/session", "", "", v.jar)
}

// shows says whether the answer is what the journal claims.
func (v *visit) shows(r reply, a *account) bool {
	want := ""
	if v.live == surely {
		want = a.email
	}
	return r.status == http.StatusOK && r.signedInAs() == want && !(v.live == surely && r.dropsSession(v.dialect))
}
