package failclosed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// family is the model of what a client got: an access token, and a refresh token
// that is replaced by each refresh.
type family struct {
	standing
	browser *person     // whose address the client has
	session *credential // whose tokens these are; nil when a password was the proof
	base    string      // of the mount
	tokens  granted
	since   time.Time // when the access token was made
	moved   bool      // the session may have another ID by now than the access token names
	born    time.Time
	// old is a refresh token that was replaced, and when.
	old        string
	replacedAt time.Time
}

const (
	// accessLife is how long an access token is good by itself, less a minute.
	accessLife = 14 * time.Minute
	// refreshGrace is how long a refresh token that was replaced is answered with
	// its successor, and a second more.
	refreshGrace = 11 * time.Second
)

func (m *model) pickFamily(n int) *family {
	if len(m.families) == 0 {
		return nil
	}
	young := m.families[max(0, len(m.families)-6):]
	return young[n%len(young)]
}

// post sends a client's JSON to the mount.
func (p *person) post(base, path string, body map[string]string) answer {
	text, err := json.Marshal(body)
	if err != nil {
		p.site.t.Fatal(err)
	}
	return p.ask(context.Background(), request{method: http.MethodPost, path: base + path, json: string(text)})
}

// take keeps the tokens of an answer.
func (f *family) take(a answer) error {
	var got granted
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Access == "" || got.Refresh == "" {
		return fmt.Errorf("%s: %s", f.name, a.body)
	}
	f.tokens, f.since = got, time.Now()
	return nil
}

// getTokens asks for tokens by the password, or by a session.
func (m *model) getTokens(n *node, a *account, c *credential) error {
	f := &family{born: time.Now(), base: v4}
	body := map[string]string{}
	if c != nil {
		a, f.session, f.base = c.of, c, c.base
		f.browser = c.at(n) // which keeps what it is given
	} else {
		f.browser = m.browser(n, a)
		body["identifier"], body["password"] = a.Email, a.password
	}
	f.of, f.name = a, fmt.Sprintf("family %d of %s", len(m.families), a.Email)
	asked := time.Now()
	got := f.browser.post(f.base, "/token", body)
	if c != nil {
		f.browser = c.copy()
	}
	switch {
	case got.status == http.StatusOK && c == nil && a.disabled && !a.disabledOpen:
		return fmt.Errorf("%s has got tokens, and is disabled", a.Email)
	case got.status == http.StatusOK:
		if c != nil {
			f.moved = !a.rolesAt.acknowledged.IsZero() || a.rolesOpen
			f.ended = fact{possible: c.ended.possible} // by which of the two answers it was read, nobody knows
			if why, must := c.ended.mustShow(n, asked, 0); must && !c.superseded {
				return fmt.Errorf("%s: tokens are issued, though it was ended: %s", c.name, why)
			}
		}
		if err := f.take(got); err != nil {
			return err
		}
		m.families = append(m.families, f)
	case got.status == http.StatusServiceUnavailable && c != nil:
		m.lost(n, c)
	case got.status >= 500 && got.status != http.StatusServiceUnavailable:
		return fmt.Errorf("token: %d %s", got.status, got.body)
	case got.status == http.StatusUnauthorized && c == nil && !a.disabled && !a.disabledOpen && !a.passwords:
		return fmt.Errorf("%s gets no tokens: %s", a.Email, got.body)
	}
	return nil
}

// bearer asks a node about an access token, by the guarded address or by
// introspection.
func (m *model) bearer(n *node, f *family, introspects bool) error {
	if time.Since(f.since) > accessLife {
		return nil
	}
	client := f.browser.elsewhere().at(n)
	asked := time.Now()
	var open, known bool
	if introspects {
		got := client.post(f.base, "/introspect", map[string]string{"token": f.tokens.Access, "client_id": "watch", "client_secret": clientSecret})
		open, known = strings.Contains(got.body, `"active":true`), got.status == http.StatusOK
		if !known && got.status != http.StatusServiceUnavailable {
			return fmt.Errorf("introspection: %d %s", got.status, got.body)
		}
	} else {
		var err error
		open, known, err = opens(client.ask(context.Background(), request{path: "/guarded", header: http.Header{"Authorization": {"Bearer " + f.tokens.Access}}}))
		if err != nil {
			return err
		}
	}
	m.note("token ", &f.standing, open, known)
	if known && !open && f.moved {
		return nil // which says nothing of the family
	}
	return m.judge(&f.standing, n, asked, open, known)
}

// unseen says whether the family is not there for this node, which has not
// noticed yet that it hears of nothing.
func (f *family) unseen(n *node) bool {
	return n.wrong == deposed && !f.born.Before(n.wrongSince) && time.Since(n.wrongSince) < 2*time.Second
}

// refresh exchanges the refresh token. It reads and changes the row, so no end
// that was acknowledged is passed over by a node that reaches the database,
// whatever it has heard.
func (m *model) refresh(n *node, f *family) error {
	if f.unseen(n) {
		return nil
	}
	before, asked := f.tokens.Refresh, time.Now()
	got := f.browser.at(n).post(f.base, "/refresh", map[string]string{"refresh_token": before})
	open, known := got.status == http.StatusOK, got.status == http.StatusOK || got.status == http.StatusBadRequest
	switch {
	case got.status == http.StatusTooManyRequests:
		return nil
	case !known && got.status != http.StatusServiceUnavailable:
		return fmt.Errorf("refresh: %d %s", got.status, got.body)
	case !known && n.wrong == forgetful: // it may have been replaced, and will look stolen
		f.ended.told(n, false)
	case open && !f.ended.acknowledged.IsZero() && n.wrong != deposed:
		return fmt.Errorf("%s is refreshed, though its end was acknowledged %s ago", f.name, asked.Sub(f.ended.acknowledged))
	}
	m.note("refresh ", &f.standing, open, known)
	if open {
		if err := f.take(got); err != nil {
			return err
		}
		if f.tokens.Refresh != before {
			f.old, f.replacedAt = before, time.Now()
		}
	}
	return m.judge(&f.standing, n, asked, open, known)
}

// replay comes with a refresh token that was replaced a while ago, as a thief
// does: the family ends.
func (m *model) replay(n *node, f *family) error {
	if f.old == "" || time.Since(f.replacedAt) < refreshGrace {
		return nil
	}
	got := f.browser.at(n).post(f.base, "/refresh", map[string]string{"refresh_token": f.old})
	switch {
	case got.status == http.StatusOK:
		return fmt.Errorf("%s: a refresh token is good that was replaced %s ago", f.name, time.Since(f.replacedAt))
	case got.status == http.StatusBadRequest:
		f.ended.told(n, true)
		m.counts["stolen token refused"]++
	case n.wrong == forgetful:
		f.ended.told(n, false)
	}
	return nil
}

// saysEverywhere says whether the answer claims that every node goes by it. Two
// nodes on one SQLite file are ours alone: there such an answer means commands
// and one server.
func saysEverywhere(n *node, a answer) bool {
	return n.onServer != nil && strings.Contains(a.body, `"effective":"everywhere"`)
}

// revokeTokens ends the family by its refresh token.
func (m *model) revokeTokens(n *node, f *family) {
	if f.unseen(n) {
		return
	}
	got := f.browser.at(n).post(f.base, "/revoke", map[string]string{"token": f.tokens.Refresh})
	switch {
	case got.status == http.StatusOK:
		f.ended.everywhere = f.ended.everywhere || !f.ended.possible && saysEverywhere(n, got)
		f.ended.told(n, true)
	case n.wrong == forgetful:
		f.ended.told(n, false)
	}
}

// revokeOthers ends every session of the account but the one that asks, and with
// them their families.
func (m *model) revokeOthers(n *node, c *credential) {
	a := c.of
	if a.passwords || c.ended.possible {
		return
	}
	got := c.at(n).post(c.base, "/sessions/revoke-others", map[string]string{"password": a.password})
	if got.status != http.StatusOK && n.wrong != forgetful {
		return
	}
	good := got.status == http.StatusOK
	tell := func(f *fact) {
		f.everywhere = f.everywhere || !f.possible && good && saysEverywhere(n, got)
		f.told(n, good)
	}
	for _, other := range m.credentials {
		if other.of == a && other != c {
			tell(&other.ended)
		}
	}
	for _, f := range m.families {
		if f.of == a && f.session != c {
			tell(&f.ended)
		}
	}
}

// endFamilies notes what became of the tokens of a session with it.
func (m *model) endFamilies(c *credential, by *node, good bool) {
	for _, f := range m.families {
		if f.session == c {
			f.ended.told(by, good)
		}
	}
}
