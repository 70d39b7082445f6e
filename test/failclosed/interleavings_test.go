package failclosed_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
)

// step is one thing that happens. Its numbers are read against what there is by
// then, so that any part of a list of steps is a list of steps.
type step struct {
	do      string
	a, b, n int
}

func (s step) String() string { return fmt.Sprintf("%s(%d,%d,%d)", s.do, s.a, s.b, s.n) }

// weights say how often each step comes.
var weights = map[string]int{
	"sign in": 10, "sign in again": 4, "begin sign-in": 9, "finish sign-in": 7, "check": 40, "renew": 12, "sign out": 6, "change password": 4,
	"disable": 3, "enable": 6, "roles": 8, "afflict": 5, "crash": 1, "heal": 9, "restart": 2, "wait": 20,
	"tokens": 12, "tokens by password": 6, "bearer": 20, "introspect": 8, "refresh": 12, "replay": 2, "revoke tokens": 3, "revoke others": 2,
}

// steps are drawn from a seed.
func steps(seed uint64, count int) []step {
	dice := rand.New(rand.NewPCG(seed, 5))
	var bag []string
	for name, weight := range weights {
		for range weight {
			bag = append(bag, name)
		}
	}
	slices.Sort(bag)
	list := make([]step, count)
	for i := range list {
		list[i] = step{bag[dice.IntN(len(bag))], dice.IntN(2), dice.IntN(1000), dice.IntN(1000)}
	}
	return list
}

// Whatever happens to two nodes in whatever order, no credential is accepted
// later than the promise allows: not after the node has heard of its end, not
// after one poll and 100 ms on a node that reaches the database, and never after
// max_staleness. And none is refused that nobody ended. Credentials are sealed
// sessions, stored ones, access tokens and refresh tokens.
//
// A fifth of GATEHOUSE_SOAK is how many more seeds are tried, with more steps; GATEHOUSE_INTERLEAVING is the only
// one, as a failure has printed it.
//
// proves: ASVS 7.4.1, ASVS 16.5.3
func TestInterleavings_acceptNothingLaterThanPromised(t *testing.T) {
	seeds := []uint64{3, 4, 14}
	count := 700
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_SOAK")); err == nil {
		for i := range max(1, n/5) {
			seeds = append(seeds, uint64(time.Now().UnixNano())+uint64(i))
		}
		count = 2000
	}
	if only, err := strconv.ParseUint(os.Getenv("GATEHOUSE_INTERLEAVING"), 10, 64); err == nil {
		seeds = []uint64{only}
	}
	var mu sync.Mutex
	total := map[string]int{}
	t.Run("seeds", func(t *testing.T) {
		for _, seed := range seeds {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				list := steps(seed, count)
				m, err := walk(t, list)
				if err != nil {
					t.Fatalf("GATEHOUSE_INTERLEAVING=%d: %v\n%s", seed, err, shrunk(t, list[:m.taken]))
				}
				t.Logf("seed %d: %v", seed, m.counts)
				mu.Lock()
				defer mu.Unlock()
				for name, n := range m.counts {
					total[name] += n
				}
			})
		}
	})
	for _, name := range []string{
		"accepted", "refused", "unavailable", "accepted after an end elsewhere", "begun on a void proof, refused", "roles seen",
		"stored accepted", "stored refused", "stored unavailable",
		"token accepted", "token refused", "token unavailable", "refresh accepted", "refresh refused", "refresh unavailable", "stolen token refused",
	} {
		if total[name] == 0 && len(seeds) > 1 {
			t.Errorf("it never came to %q: the steps try less than they should", name)
		}
	}
}

// A node that never hears of what others end is seen, so the silence above means
// something.
func TestInterleavings_wouldSeeARevocationThatComesLate(t *testing.T) {
	muted := []step{{"sign in", 0, 0, 0}, {"mute", 1, 0, 0}, {"check", 1, 0, 0}, {"disable", 0, 0, 0}, {"wait", 0, 0, 2}, {"check", 1, 0, 0}}
	if _, err := walk(t, muted); err == nil || !strings.Contains(err.Error(), "this node reaches the database") {
		t.Errorf("a node that hears of nothing: %v", err)
	}
	heard := slices.Delete(slices.Clone(muted), 1, 2)
	if _, err := walk(t, heard); err != nil {
		t.Errorf("a node that hears of everything: %v", err)
	}
	signedOut := []step{{"sign in", 0, 0, 0}, {"forget", 0, 0, 0}, {"check", 0, 0, 0}}
	if _, err := walk(t, signedOut); err == nil || !strings.Contains(err.Error(), "though nothing ended it") {
		t.Errorf("a session that is lost: %v", err)
	}
}

// walk takes the steps in a bubble of their own and returns the first violation.
func walk(t *testing.T, list []step) (m *model, err error) {
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		nodes, failed := newNodes(t, data)
		if err = failed; err == nil {
			m, err = walkOn(nodes, list)
		}
	})
	return m, err
}

// walkOn takes the steps on these nodes, and takes them down.
func walkOn(nodes [2]*node, list []step) (m *model, err error) {
	m = newModel(nodes)
	defer func() { err = errors.Join(err, m.end()) }()
	for i, s := range list {
		m.taken = i + 1
		if err = m.take(s); err != nil {
			return m, fmt.Errorf("step %d, %s: %w", i, s, err)
		}
	}
	return m, nil
}

// newModel knows nodes that have just been started, and makes some people.
func newModel(nodes [2]*node) *model {
	m := &model{counts: map[string]int{}, nodes: nodes}
	for range 4 {
		p := m.nodes[0].person(nil)
		m.accounts = append(m.accounts, &account{person: p, password: password, admin: true})
	}
	return m
}

// end takes the nodes down.
func (m *model) end() (err error) {
	m.abandon()
	for _, n := range m.nodes {
		err = errors.Join(err, n.heal(), n.end())
	}
	return err
}

// shrunk leaves out what is not needed for a violation, as far as some tries go,
// and shows what is left.
func shrunk(t *testing.T, list []step) string {
	last := "not seen again"
	tries := 60
	for size := len(list) / 2; size > 0 && tries > 0; size /= 2 {
		for at := 0; at+size <= len(list) && tries > 0; tries-- {
			less := slices.Concat(list[:at], list[at+size:])
			if m, err := walk(t, less); err != nil {
				list, last = less[:m.taken], err.Error()
				continue
			}
			at += size
		}
	}
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintln(&b, s)
	}
	return b.String() + last
}

// model is what is known of the accounts, credentials and nodes.
type model struct {
	nodes       [2]*node
	accounts    []*account
	credentials []*credential
	families    []*family
	pending     []*pending
	counts      map[string]int
	taken       int
	people      int
}

// pending is a sign-in that has given its proof, and waits before its session
// begins.
type pending struct {
	of      *account
	at      *node
	by      *person
	epoch   int
	went    chan struct{}
	release chan struct{}
	done    chan answer
}

func (m *model) take(s step) error {
	n := m.nodes[s.a]
	a := m.accounts[s.b%len(m.accounts)]
	c := m.pick(s.b)
	f := m.pickFamily(s.b)
	if n.wrong == suspended && s.do != "heal" && s.do != "wait" && s.do != "restart" {
		return nil // nobody answers there
	}
	switch s.do {
	case "sign in":
		return m.signIn(n, a, m.browser(n, a), []string{v4, v5}[s.n%2])
	case "sign in again":
		if c == nil {
			return nil
		}
		return m.signInAgain(n, c)
	case "begin sign-in":
		m.beginSignIn(n, a)
	case "finish sign-in":
		return m.finishSignIn(s.n)
	case "check", "renew":
		if c == nil {
			return nil
		}
		return m.check(n, c, s.do == "renew")
	case "sign out":
		if c != nil {
			m.signOut(n, c)
		}
	case "change password":
		if c != nil {
			m.changePassword(n, c)
		}
	case "disable":
		_, err := n.Users().Disable(context.Background(), "test", a.ID)
		a.disabledOpen = err != nil
		a.disabled = true
		m.endAll(a, n, err == nil)
	case "enable":
		_, err := n.Users().Enable(context.Background(), "test", a.ID)
		if err == nil {
			a.disabled, a.disabledOpen = false, false
		} else {
			a.disabledOpen = a.disabledOpen || a.disabled
		}
	case "roles":
		m.setRoles(n, a, s.n%2 == 0)
	case "tokens by password":
		return m.getTokens(n, a, nil)
	case "tokens":
		if c != nil {
			return m.getTokens(n, nil, c)
		}
	case "revoke others":
		if c != nil {
			m.revokeOthers(n, c)
		}
	case "bearer", "introspect", "refresh", "replay", "revoke tokens":
		if f != nil {
			return m.takeTokens(s.do, n, f)
		}
	case "afflict":
		if n.wrong == well {
			n.afflict(n.troubles[s.n%len(n.troubles)])
		}
	case "crash": // of the database of both
		for _, n := range m.nodes {
			if n.wrong == well {
				n.afflict(away)
			}
		}
	case "mute": // for the control alone
		n.rows.mute()
	case "forget": // for the control alone
		c.jar[v4Cookie] = "nothing"
	case "heal":
		return n.heal()
	case "restart":
		return m.restart(n)
	case "wait":
		time.Sleep(n.pace.waits[s.n%len(n.pace.waits)])
	}
	return nil
}

// takeTokens is what happens to tokens.
func (m *model) takeTokens(do string, n *node, f *family) error {
	switch do {
	case "refresh":
		return m.refresh(n, f)
	case "replay":
		return m.replay(n, f)
	case "revoke tokens":
		m.revokeTokens(n, f)
		return nil
	}
	return m.bearer(n, f, do == "introspect")
}

// pick prefers young credentials: of old ones most are over.
func (m *model) pick(n int) *credential {
	if len(m.credentials) == 0 {
		return nil
	}
	young := m.credentials[max(0, len(m.credentials)-8):]
	return young[n%len(young)]
}

// browser is a new one of the account's owner, with an address of its own.
func (m *model) browser(n *node, a *account) *person {
	m.people++
	p := a.elsewhere()
	p.site, p.from = n.site, fmt.Sprintf("10.9.%d.%d:4711", m.people>>8&255, m.people&255)
	return p
}

// at is the same browser, asking the other node.
func (p *person) at(n *node) *person {
	p.site = n.site
	return p
}

func (m *model) add(a *account, p *person, base string) *credential {
	c := &credential{person: p, base: base, standing: standing{of: a, name: fmt.Sprintf("session %d of %s at %s", len(m.credentials), a.Email, base)}}
	m.credentials = append(m.credentials, c)
	return c
}

func (m *model) signIn(n *node, a *account, p *person, base string) error {
	got := p.ask(context.Background(), loginWith(base, a.Email, a.password))
	switch {
	case began(got):
		if a.disabled && !a.disabledOpen {
			return fmt.Errorf("%s has signed in, and is disabled", a.Email)
		}
		m.add(a, p, base)
	case got.status == http.StatusUnauthorized && !a.disabled && !a.disabledOpen && !a.passwords:
		return fmt.Errorf("%s cannot sign in: %s", a.Email, got.body)
	case got.status >= 500 && got.status != http.StatusServiceUnavailable:
		return fmt.Errorf("sign-in: %d %s", got.status, got.body)
	}
	return nil
}

// signInAgain signs in where the browser has a session already.
func (m *model) signInAgain(n *node, c *credential) error {
	again := c.copy().at(n)
	before := len(m.credentials)
	err := m.signIn(n, c.of, again, c.base)
	if len(m.credentials) > before { // the old cookie may not be sent any more; a copy may
		c.superseded = c.superseded || c.ended.acknowledged.IsZero()
		c.ended.told(n, true)
		m.endFamilies(c, n, false)
	} else if n.wrong == forgetful {
		c.ended.told(n, false)
		m.endFamilies(c, n, false)
	}
	return err
}

// beginSignIn gives the proof and stops before the session begins.
func (m *model) beginSignIn(n *node, a *account) {
	if n.wrong != well || a.disabled || a.disabledOpen || a.passwords || len(m.pending) > 3 {
		return
	}
	p := &pending{of: a, at: n, by: m.browser(n, a), epoch: a.epoch, went: make(chan struct{}), release: make(chan struct{}), done: make(chan answer, 1)}
	transactions := 0
	ctx := faults.Pausing(context.Background(), func(name string) {
		if name != "InTx" {
			return
		}
		if transactions++; transactions == 2 {
			close(p.went)
			<-p.release
		}
	})
	go func() { p.done <- p.by.ask(ctx, loginWith(v4, a.Email, a.password)) }()
	select {
	case <-p.went:
		m.pending = append(m.pending, p)
	case <-p.done: // refused before
	}
}

// finishSignIn lets a session begin whose proof was given a while ago.
func (m *model) finishSignIn(n int) error {
	if len(m.pending) == 0 {
		return nil
	}
	i := n % len(m.pending)
	p := m.pending[i]
	m.pending = slices.Delete(m.pending, i, i+1)
	close(p.release)
	got := <-p.done
	void := p.epoch != p.of.epoch
	if !began(got) {
		if void {
			m.counts["begun on a void proof, refused"]++
		}
		return nil
	}
	c := m.add(p.of, p.by, v4)
	if void && !p.of.disabledOpen && !p.of.passwords {
		return fmt.Errorf("%s has begun on a proof that was voided meanwhile", c.name)
	}
	return nil
}

// check asks a node about a credential, by one door or by both. The browser keeps
// what it is given: a session that gains a role goes on under another ID.
func (m *model) check(n *node, c *credential, renew bool) error {
	c.at(n)
	if renew {
		if got := c.ask(context.Background(), request{path: c.base + "/session"}); got.status == http.StatusServiceUnavailable {
			m.lost(n, c)
		}
	}
	asked := time.Now()
	open, known, err := opens(c.ask(context.Background(), request{path: "/guarded"}))
	if err != nil {
		return err
	}
	if m.note("", &c.standing, open, known); c.base == v5 {
		m.note("stored ", &c.standing, open, known)
	}
	if !known || !c.of.rolesAt.acknowledged.IsZero() { // whoever is let in all the same is not told the next ID either
		m.lost(n, c)
	}
	if err := m.judge(&c.standing, n, asked, open, known); err != nil || !open {
		return err
	}
	return m.checkRole(n, c)
}

// lost notes that an answer was lost which may have had the session's next ID:
// the browser has the one before, which goes on for a while and with the lesser
// privileges.
func (m *model) lost(n *node, c *credential) {
	if n.wrong == forgetful && !c.ended.possible {
		c.ended.told(n, false)
		c.superseded = true
		m.endFamilies(c, n, false)
	}
}

// checkRole asks for what only an admin may have.
func (m *model) checkRole(n *node, c *credential) error {
	asked := time.Now()
	got := c.at(n).ask(context.Background(), request{path: "/admin"})
	admin := got.status == http.StatusOK
	if got.status == http.StatusServiceUnavailable {
		m.lost(n, c)
	}
	if !admin && got.status != http.StatusForbidden || c.of.rolesOpen {
		return nil
	}
	why, must := c.of.rolesAt.mustShow(n, asked, 0)
	if must || c.of.rolesAt.acknowledged.IsZero() {
		m.counts["roles seen"]++
		if admin != c.of.admin && (admin || !c.superseded) { // superseded: the lesser of old and new
			return fmt.Errorf("%s: admin %t, and should be %t: %s", c.name, admin, c.of.admin, why)
		}
	}
	return nil
}

func (m *model) signOut(n *node, c *credential) {
	got := c.copy().at(n).ask(context.Background(), request{method: http.MethodPost, path: c.base + "/logout", json: "{}"})
	if c.ended.possible { // somebody else was there before: nothing can be learnt
		return
	}
	c.ended.told(n, got.status == http.StatusOK)
	m.endFamilies(c, n, got.status == http.StatusOK)
}

func (m *model) changePassword(n *node, c *credential) {
	a := c.of
	if a.passwords {
		return
	}
	next := password
	if a.password == password {
		next = newPassword
	}
	p := c.copy().at(n)
	got := p.ask(context.Background(), request{method: http.MethodPost, path: c.base + "/change-password",
		json: fmt.Sprintf(`{"currentPassword":%q,"newPassword":%q}`, a.password, next)})
	switch {
	case began(got):
		m.endAll(a, n, true)
		a.password = next
		m.add(a, p, c.base)
	case got.status == http.StatusServiceUnavailable && n.wrong == forgetful:
		a.passwords = true
		m.endAll(a, n, false)
	}
}

func (m *model) setRoles(n *node, a *account, admin bool) {
	roles := []string{"user"}
	if admin {
		roles = []string{"admin"}
	}
	_, err := n.Users().SetRoles(context.Background(), "test", a.ID, roles)
	for _, f := range m.families { // sessions that come to a role go on under other IDs: so do their families, and no access token
		f.moved = f.moved || f.of == a && f.session != nil
	}
	if err != nil {
		a.rolesOpen = a.rolesOpen || n.wrong == forgetful
		return
	}
	a.rolesAt, a.rolesOpen, a.admin = fact{acknowledged: time.Now(), by: n}, false, admin
}

// restart takes the node down and starts it again.
func (m *model) restart(n *node) error {
	for i := len(m.pending) - 1; i >= 0; i-- { // requests end before a server does
		if m.pending[i].at == n {
			if err := m.finishSignIn(i); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(n.heal(), n.end()); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	return n.start()
}

// abandon lets the sign-ins end that still wait.
func (m *model) abandon() {
	for _, p := range m.pending {
		close(p.release)
		<-p.done
	}
	m.pending = nil
}
