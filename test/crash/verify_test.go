//go:build linux

package crash_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
)

// sampled is how many passwords are tried that no open question hangs on. A try
// costs a hash; cookies and rows cost nothing and are all looked at.
const sampled = 5

// verification holds a journal against the running server and its database.
type verification struct {
	*site
	all  *journal
	dice *rand.Rand

	mu       sync.Mutex
	findings []finding
}

// verify returns everything that is not as the clients were told. What nobody
// knew it finds out, and writes it into the journal. No client may be at work.
func verify(s *site, clients []*client, dice *rand.Rand) []finding {
	v := &verification{site: s, all: together(clients), dice: dice}
	for _, c := range clients {
		c.findings = nil
	}
	v.findings = v.all.findings
	db, err := s.open()
	if err != nil {
		v.find("database", "%v", err)
		return v.findings
	}
	defer db.Close()
	v.throttles()
	v.rows(db)
	v.cookies()
	v.passwords()
	v.whole(db)
	for _, a := range v.all.accounts {
		a.fresh = false
	}
	return v.findings
}

func (v *verification) find(kind, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.findings = append(v.findings, finding{kind, fmt.Sprintf(format, args...)})
}

// open reads the database beside the server, as another process would.
func (s *site) open() (*sql.DB, error) {
	if s.postgres != nil {
		return sql.Open("pgx", s.database)
	}
	u := url.URL{Scheme: "file", Path: s.database, RawQuery: url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(ON)"}}.Encode()}
	return sql.Open("sqlite", u.String())
}

// throttles sees that failures still count, for the last accounts that were
// guessed at. A fresh account would let free tries through before it asks to
// wait; this one lets through what its wait has become too short for, on a slow
// machine one or two.
func (v *verification) throttles() {
	looked := 0
	for i := len(v.all.accounts) - 1; i >= 0 && looked < 2; i-- {
		a := v.all.accounts[i]
		if !a.victim || !a.fresh || a.failures.least < free {
			continue
		}
		looked++
		acknowledged, through := a.failures.least, 0
		for through < free {
			r, err := v.credentials(v4, a.email, "not the password, again")
			if err != nil || r.status == http.StatusTooManyRequests {
				break
			}
			through++
			a.failures.sure()
			a.fail.sure()
		}
		if through == free {
			v.find("throttle", "%s: %d acknowledged failures were forgotten", a.email, acknowledged)
		}
	}
}

// each runs the jobs, some at once.
func each[T any](jobs []T, do func(T)) {
	queue := make(chan T)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for j := range queue {
				do(j)
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	wait.Wait()
}

// cookies asks for every session that was ever handed out.
func (v *verification) cookies() {
	var known []*account // of the others it is not known which password they have
	for _, a := range v.all.accounts {
		if a.next == "" {
			known = append(known, a)
		}
	}
	each(known, func(a *account) {
		for _, visit := range a.visits {
			v.cookie(a, visit)
		}
	})
}

// cookie asks for one session, with two copies of it.
func (v *verification) cookie(a *account, visit *visit) {
	r, err := v.session(visit)
	if err != nil || r.status != http.StatusOK {
		v.find("answer", "session check: %d, %v", r.status, err)
		return
	}
	if visit.live == maybe { // all or nothing: the next copy must be told the same
		visit.live = never
		if r.signedInAs() != "" {
			visit.live = surely
		}
		if (visit.live == never) != (a.outs.happened) {
			v.find("half done", "%s: the record and the cookie do not agree on a sign-out", a.email)
		}
		if r, err = v.session(visit); err != nil {
			v.find("answer", "session check: %v", err)
			return
		}
	}
	if visit.shows(r, a) {
		return
	}
	if visit.live == surely {
		v.find("session lost", "%s: an acknowledged sign-in's cookie gives %d %s", a.email, r.status, r.body)
	} else {
		v.find("session back", "%s: a cookie that was ended gives %d %s", a.email, r.status, r.body)
	}
}

// passwords tries those that an open question hangs on, and a sample.
func (v *verification) passwords() {
	var now, later []*account
	for _, a := range v.all.accounts {
		switch {
		case a.victim || a.exists != surely:
		case a.next != "" || a.open:
			now = append(now, a)
		default:
			later = append(later, a)
		}
	}
	v.dice.Shuffle(len(later), func(i, j int) { later[i], later[j] = later[j], later[i] })
	each(append(now, later[:min(len(later), sampled)]...), func(a *account) {
		a.open = false
		if a.next != "" {
			v.resolve(a)
		}
		v.password(a)
	})
}

// resolve finds out which password an account has after a change that was not
// answered: one of the two, and the sessions and the record agree.
func (v *verification) resolve(a *account) {
	next := a.next
	a.next = ""
	changed := v.opens(a, next)
	if changed {
		a.visits = a.visits[:len(a.visits)-1] // begun by the try, after the change
		a.passwordIs(next)
	} else {
		a.wrong = append(a.wrong, next)
	}
	if changed != a.changes.happened {
		v.find("half done", "%s: the record and the password do not agree on a change", a.email)
	}
	for _, visit := range a.visits {
		v.cookie(a, visit)
	}
}

// password tries the last wrong one and then the right one, which also ends the
// run of failures.
func (v *verification) password(a *account) {
	if n := len(a.wrong); n > 0 && v.opens(a, a.wrong[n-1]) {
		v.find("password wrong", "%s: a former or refused password opens it", a.email)
	}
	if !v.opens(a, a.password) {
		v.find("password lost", "%s: the acknowledged password does not open it", a.email)
	}
}

// opens signs in.
func (v *verification) opens(a *account, password string) bool {
	d := v4
	if len(a.visits)%2 == 1 {
		d = v5
	}
	r, err := v.credentials(d, a.email, password)
	if err != nil || r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests {
		v.find("answer", "sign-in of %s: %d, %v", a.email, r.status, err)
		return false
	}
	jar := r.session(d)
	if len(jar) == 0 {
		a.failures.sure()
		a.fail.sure()
		return false
	}
	a.visits = append(a.visits, &visit{d, jar, surely})
	a.ins.sure()
	a.failures = span{}
	return true
}
