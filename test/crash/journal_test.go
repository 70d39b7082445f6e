//go:build linux

package crash_test

// claim is what the journal says of something: it is not, nobody knows, it is.
type claim uint8

const (
	never claim = iota
	maybe
	surely
)

// span is how often something happened: as often as was acknowledged, and so
// often more as no answer came.
type span struct {
	least, most int
	// happened: what was not answered came true, by the record.
	happened bool
	// late is how often, over all verifications.
	late int
}

func (n *span) sure()   { n.least++; n.most++ }
func (n *span) unsure() { n.most++ }

// settle takes what the record says, and returns whether that may be.
func (n *span) settle(count int) bool {
	may := n.least <= count && count <= n.most
	*n = span{least: count, most: count, happened: count > n.least, late: n.late + max(0, count-n.least)}
	return may
}

// visit is a session that was handed out.
type visit struct {
	dialect *dialect
	jar     jar
	live    claim
}

// account is what is known of an e-mail address.
type account struct {
	email  string
	exists claim
	// password is the right one. next is what it may be instead: a change was
	// sent and not answered; empty means there is none such.
	password, next string
	// wrong are passwords that must not work, the last ones: former ones, and
	// those of refused changes and registrations.
	wrong  []string
	visits []*visit
	// failures are wrong tries in a row. The others are events of the audit
	// record: of what happened, and of nothing else.
	failures           span
	ins, outs, changes span
	fail               span
	// open: something was sent that no answer came to. late: so was the
	// registration, and it had happened.
	open, late bool
	// hash is the row of the password at the last verification; it must be the
	// same as long as nothing was sent that may change it.
	hash  string
	sent  bool // a change of password, since then
	fresh bool // something was sent since then
	// victim is an account that is guessed at, and never signed in to.
	victim, slowed bool
}

// journal is what one client remembers, or all of them together.
type journal struct {
	accounts []*account
	// acknowledged and refused count answers by what was asked for; refused has
	// also those that nothing was decided on ("unavailable").
	acknowledged, refused map[string]int
	unanswered            int
	// findings are answers that are wrong in themselves.
	findings []finding
}

// finding is one thing that is not as somebody was told.
type finding struct{ kind, text string }

func newJournal() *journal {
	return &journal{acknowledged: map[string]int{}, refused: map[string]int{}}
}

// together is the journal of all clients.
func together(clients []*client) *journal {
	all := newJournal()
	for _, c := range clients {
		all.accounts = append(all.accounts, c.accounts...)
		for what, n := range c.acknowledged {
			all.acknowledged[what] += n
		}
		for what, n := range c.refused {
			all.refused[what] += n
		}
		all.unanswered += c.unanswered
		all.findings = append(all.findings, c.findings...)
	}
	return all
}

// live are the visits that are known to be so.
func (a *account) live() (all []*visit) {
	for _, v := range a.visits {
		if v.live == surely {
			all = append(all, v)
		}
	}
	return all
}

// passwordIs takes a change that has happened into the journal: the former
// password is wrong now, and every session is over.
func (a *account) passwordIs(next string) {
	a.wrong = append(a.wrong, a.password)
	a.password, a.next = next, ""
	for _, v := range a.visits {
		v.live = never
	}
}

// cameTrue is how much had happened of what was not answered: the kills that
// came between a commit and its answer.
func (j *journal) cameTrue() (n int) {
	for _, a := range j.accounts {
		n += a.ins.late + a.outs.late + a.changes.late
		if a.late {
			n++
		}
	}
	return n
}
