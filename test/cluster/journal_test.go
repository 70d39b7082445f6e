//go:build linux

package cluster_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// claim is what the journal says of something.
type claim uint8

const (
	never claim = iota // it is not, or it has ended
	maybe              // nobody was told
	surely
)

// visit is a session that was handed out.
type visit struct {
	cookies map[string]string
	live    claim
	ended   time.Time // when that was acknowledged
}

// family is what a refresh token belongs to.
type family struct {
	of    *visit
	token string
	live  claim
}

// person is one who uses the site, and has written down what was answered.
type person struct {
	*journal
	dice     *rand.Rand
	email    string
	exists   claim
	visits   []*visit
	families []*family
}

// journal is what all of them have in common.
type journal struct {
	*cluster
	name string
	// told counts what was acknowledged; refusals counts 503 by server.
	told     atomic.Int64
	refusals []atomic.Int64

	mu       sync.Mutex
	people   []*person
	findings []string
	count    map[string]int
}

func (c *cluster) newJournal(name string) *journal {
	return &journal{cluster: c, name: name, refusals: make([]atomic.Int64, len(c.nodes)), count: map[string]int{}}
}

func (j *journal) find(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.findings = append(j.findings, fmt.Sprintf(format, args...))
}

func (j *journal) newPerson(dice *rand.Rand) *person {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := &person{journal: j, dice: dice, email: fmt.Sprintf("%s%d@example.com", j.name, len(j.people))}
	j.people = append(j.people, p)
	return p
}

// reply is an answer that came through whole.
type reply struct {
	status  int
	body    string
	cookies map[string]string
	deleted bool // the session's cookie
}

// ask sends one request and holds the answer to what every answer must be: the
// wanted one, or 503 with Retry-After that touches no cookie. It says whether it
// was the wanted one.
func (j *journal) ask(at int, what, method, path string, body any, cookies map[string]string, wanted int) (r reply, good bool) {
	n := j.nodes[at]
	r, retry, err := n.exchange(method, path, body, cookies)
	switch {
	case err != nil:
		j.find("no answer: %s: %s: %v", n.name, what, err)
	case r.status == wanted:
		j.mu.Lock()
		j.count[what]++
		j.mu.Unlock()
		j.told.Add(1)
		return r, true
	case r.status != http.StatusServiceUnavailable:
		j.find("wrong answer: %s: %s: %d %s", n.name, what, r.status, r.body)
	case retry == "":
		j.find("wrong answer: %s: %s: 503 without Retry-After", n.name, what)
	case r.deleted && path != "/logout": // a browser that signs out is rid of its cookie, whatever else is so
		j.find("wrong answer: %s: %s: 503 deletes the cookie", n.name, what)
	default:
		j.refusals[at].Add(1)
	}
	return r, false
}

func (n *node) exchange(method, path string, body any, cookies map[string]string) (got reply, retry string, err error) {
	var content []byte
	if body != nil {
		if content, err = json.Marshal(body); err != nil {
			return got, "", err
		}
	}
	r, err := http.NewRequest(method, n.url+base+path, bytes.NewReader(content))
	if err != nil {
		return got, "", err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Origin", n.origin)
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range cookies {
		r.Header.Add("Cookie", name+"="+value)
	}
	a, err := client.Do(r)
	if err != nil {
		return got, "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	got = reply{status: a.StatusCode, body: string(text), cookies: map[string]string{}}
	for _, c := range a.Cookies() {
		switch {
		case !strings.Contains(c.Name, "session-token"):
		case c.MaxAge < 0 || c.Value == "":
			got.deleted = true
		default:
			got.cookies[c.Name] = c.Value
		}
	}
	return got, a.Header.Get("Retry-After"), err
}

// use lets n people do what people do until stop says so. Each waits for an
// answer before the next request.
func (j *journal) use(n int, stop func() bool) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(rand.Uint64(), 0))
			p := j.newPerson(dice)
			for k := 1; !stop(); k++ {
				if k%25 == 0 {
					p = j.newPerson(dice)
				}
				p.step()
			}
		})
	}
	all.Wait()
}

// step does one thing at one of the servers.
func (p *person) step() {
	at := p.dice.IntN(len(p.nodes))
	if p.exists != surely {
		p.register(at)
		return
	}
	v := pick(p.dice, p.visits, func(v *visit) bool { return v.live == surely })
	f := pick(p.dice, p.families, func(f *family) bool { return f.live == surely })
	switch n := p.dice.IntN(100); {
	case v == nil || n < 15:
		p.signIn(at)
	case n < 30:
		p.signOut(at, v)
	case n < 34:
		p.signOutOthers(at, v)
	case n < 44:
		p.tokens(at, v)
	case n < 60 && f != nil:
		p.refresh(at, f)
	case n < 66 && f != nil:
		p.revoke(at, f)
	default:
		p.look(at, p.visits[p.dice.IntN(len(p.visits))])
	}
}

func pick[T any](dice *rand.Rand, from []*T, fits func(*T) bool) *T {
	var all []*T
	for _, one := range from {
		if fits(one) {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[dice.IntN(len(all))]
}

func (p *person) register(at int) {
	if p.exists == maybe { // nobody said whether it was kept; the name is given up
		p.mu.Lock()
		p.email, p.exists = "again-"+p.email, never
		p.mu.Unlock()
	}
	_, good := p.ask(at, "registration", http.MethodPost, "/register", map[string]string{"email": p.email, "password": password}, nil, http.StatusCreated)
	p.exists = maybe
	if good {
		p.exists = surely
	}
}

func (p *person) signIn(at int) {
	r, good := p.ask(at, "sign-in", http.MethodPost, "/login", map[string]string{"email": p.email, "password": password}, nil, http.StatusOK)
	if good {
		p.visits = append(p.visits, &visit{cookies: r.cookies, live: surely})
	}
}

// end notes that a session has ended, surely or perhaps, and what hangs from it.
func (p *person) end(v *visit, surely bool) {
	v.live, v.ended = maybe, time.Now()
	if surely {
		v.live = never
	}
	for _, f := range p.families {
		if f.of == v {
			f.live = min(f.live, v.live)
		}
	}
}

func (p *person) signOut(at int, v *visit) {
	_, good := p.ask(at, "sign-out", http.MethodPost, "/logout", struct{}{}, v.cookies, http.StatusOK)
	p.end(v, good)
}

func (p *person) signOutOthers(at int, v *visit) {
	_, good := p.ask(at, "revocation of the other sessions", http.MethodPost, "/sessions/revoke-others", struct{}{}, v.cookies, http.StatusOK)
	for _, other := range p.visits {
		if other != v && other.live != never {
			p.end(other, good)
		}
	}
}

func (p *person) tokens(at int, v *visit) {
	r, good := p.ask(at, "tokens", http.MethodPost, "/token", struct{}{}, v.cookies, http.StatusOK)
	if good {
		p.families = append(p.families, &family{of: v, token: refreshToken(r), live: surely})
	}
}

func refreshToken(r reply) string {
	var in struct {
		Token string `json:"refresh_token"`
	}
	_ = json.Unmarshal([]byte(r.body), &in)
	return in.Token
}

// refresh is not tried again when nobody has answered: the token may have been
// exchanged, and after ten seconds the old one is a thief's.
func (p *person) refresh(at int, f *family) {
	r, good := p.ask(at, "refresh", http.MethodPost, "/refresh", map[string]string{"refresh_token": f.token}, nil, http.StatusOK)
	if f.live = maybe; good {
		f.token, f.live = refreshToken(r), surely
	}
}

func (p *person) revoke(at int, f *family) {
	_, good := p.ask(at, "revocation of tokens", http.MethodPost, "/revoke", map[string]string{"token": f.token}, nil, http.StatusOK)
	if f.live = maybe; good {
		f.live = never
	}
}

// look asks for a session. One that has ended elsewhere may be accepted for as
// long as the promise says.
func (p *person) look(at int, v *visit) {
	asked := time.Now()
	r, good := p.ask(at, "check", http.MethodGet, "/session", nil, v.cookies, http.StatusOK)
	if !good {
		return
	}
	in := strings.Contains(r.body, p.email)
	if v.live == surely && (!in || r.deleted) {
		p.find("lost: %s: a session that lives: %s", p.nodes[at].name, r.body)
	}
	if v.live == never && in && asked.Sub(v.ended) > staleness+time.Second {
		p.find("back: %s accepts a session %v after its end was acknowledged", p.nodes[at].name, asked.Sub(v.ended))
	}
}

// verify holds the journal against every server. Nobody may be using the site.
func (j *journal) verify() []string {
	for _, p := range j.people {
		p.verifyRows()
		for _, v := range p.visits {
			p.verifyVisit(v)
		}
		for _, f := range p.families {
			p.verifyFamily(f)
		}
	}
	return j.findings
}

// verifyRows sees that who was registered is there, with every session.
func (p *person) verifyRows() {
	got := p.database.Ask(p.t, p.data, fmt.Sprintf(`SELECT count(*) || ' ' || (SELECT count(*) FROM sessions WHERE user_id = max(i.user_id) AND ended_at IS NULL) FROM identifiers i WHERE value = '%s'`, p.email))
	var there, live int
	if _, err := fmt.Sscan(got, &there, &live); err != nil && got != "0 " {
		p.find("database: %q: %v", got, err)
	}
	if p.exists == surely && there != 1 {
		p.find("lost: the registration of %s", p.email)
		return
	}
	least := 0
	for _, v := range p.visits {
		if v.live == surely {
			least++
		}
	}
	if live < least {
		p.find("lost: %s has %d live sessions in the database, was told of %d", p.email, live, least)
	}
}

func (p *person) verifyVisit(v *visit) {
	verdicts := map[bool]bool{}
	for at, n := range p.nodes {
		r, good := p.ask(at, "check", http.MethodGet, "/session", nil, maps.Clone(v.cookies), http.StatusOK)
		if !good {
			p.find("no answer: %s does not say whether a session lives: %d", n.name, r.status)
			return
		}
		in := strings.Contains(r.body, p.email)
		verdicts[in] = true
		switch {
		case v.live == surely && !in:
			p.find("lost: %s refuses a session that lives: %s", n.name, r.body)
		case v.live == never && in:
			p.find("back: %s accepts a session that was ended", n.name)
		}
	}
	if len(verdicts) > 1 {
		p.find("disagreement: of a session")
	}
}

func (p *person) verifyFamily(f *family) {
	for _, n := range p.nodes {
		r, _, err := n.exchange(http.MethodPost, "/refresh", map[string]string{"refresh_token": f.token}, nil)
		switch good := r.status == http.StatusOK; {
		case err != nil || !good && r.status != http.StatusBadRequest:
			p.find("no answer: %s: refresh: %d %s %v", n.name, r.status, r.body, err)
		case f.live == surely && !good:
			p.find("lost: %s refuses a refresh token that is good: %s", n.name, r.body)
		case f.live == never && good:
			p.find("back: %s takes a refresh token that was revoked", n.name)
		case good:
			f.token = refreshToken(r)
		}
	}
}
