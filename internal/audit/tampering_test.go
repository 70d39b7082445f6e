package audit_test

import (
	"strings"
	"testing"
)

// proves: ASVS 16.4.2
//
// Whoever can write the database and does not have the secret leaves a trace,
// whatever they do; the first bad place is named.
func TestVerify_findsEveryKindOfTampering(t *testing.T) {
	cases := []struct {
		name       string
		statements []string
		// want is how the findings begin.
		want string
	}{
		{"nothing", nil, ""},
		{"the ID of an event", []string{`UPDATE events SET id = 'evt_x' WHERE seq = 4`}, "changed 4"},
		{"its time, by a microsecond", []string{`UPDATE events SET at = at + 1 WHERE seq = 4`}, "changed 4"},
		{"its type", []string{`UPDATE events SET type = 'user.deleted' WHERE seq = 4`}, "changed 4"},
		{"its actor", []string{`UPDATE events SET actor = 'gatehouse' WHERE seq = 4`}, "changed 4"},
		{"its user", []string{`UPDATE events SET user_id = 'usr_x' WHERE seq = 4`}, "changed 4"},
		{"its session", []string{`UPDATE events SET session_id = '' WHERE seq = 4`}, "changed 4"},
		{"its subject", []string{`UPDATE events SET subject = 'role:admin' WHERE seq = 4`}, "changed 4"},
		{"its client", []string{`UPDATE events SET client = '' WHERE seq = 4`}, "changed 4"},
		{"its address", []string{`UPDATE events SET address = '192.0.2.1' WHERE seq = 4`}, "changed 4"},
		{"its address, to none that is one", []string{`UPDATE events SET address = 'nowhere' WHERE seq = 4`}, "changed 4"},
		{"its agent", []string{`UPDATE events SET agent = 'curl' WHERE seq = 4`}, "changed 4"},
		{"its detail", []string{`UPDATE events SET detail = 'all' WHERE seq = 4`}, "changed 4"},
		{"its result", []string{`UPDATE events SET result = 'refused' WHERE seq = 4`}, "changed 4"},
		{"a letter from one member to the next", []string{`UPDATE events SET agent = agent || 'o', detail = 'ne' WHERE seq = 4`}, "changed 4"},
		{"its MAC", []string{`UPDATE events SET mac = 'x' WHERE seq = 4`}, "changed 4"},
		{"the MAC of another", []string{`UPDATE events SET mac = (SELECT mac FROM events WHERE seq = 3) WHERE seq = 4`}, "changed 4"},
		{"its key", []string{`UPDATE events SET chain_key = '1.AAAAAAAA' WHERE seq = 4`}, "unknown_key 4"},
		{"its key, to one of another encoding", []string{`UPDATE events SET chain_key = '9.AAAAAAAA' WHERE seq = 4`}, "unknown_key 4"},
		{"the last event", []string{`UPDATE events SET detail = 'all' WHERE seq = 10`}, "changed 10"},
		{"an event removed", []string{`DELETE FROM events WHERE seq = 4`}, "missing 4"},
		{"some removed", []string{`DELETE FROM events WHERE seq IN (4, 5, 6)`}, "missing 4-6"},
		{"the first removed", []string{`DELETE FROM events WHERE seq < 3`}, "missing 1-2"},
		{"one taken out of the chain", []string{`UPDATE events SET seq = NULL WHERE seq = 4`}, "missing 4"},
		{"one removed and the gap closed", []string{`DELETE FROM events WHERE seq = 10`, `UPDATE event_marks SET seq = 9 WHERE name = 'head'`}, "mark 9"},
		{"two exchanged", []string{`UPDATE events SET seq = 400 WHERE seq = 4`, `UPDATE events SET seq = 4 WHERE seq = 5`, `UPDATE events SET seq = 5 WHERE seq = 400`}, "changed 4, changed 5"},
		{"one put in behind", []string{
			`INSERT INTO events (id, at, type, actor, user_id, session_id, address, detail, seq, mac, chain_key) SELECT 'evt_x', at, type, actor, user_id, session_id, address, detail, 11, mac, chain_key FROM events WHERE seq = 10`,
		}, "changed 11, beyond_head 11"},
		{"the same with a head", []string{
			`INSERT INTO events (id, at, type, actor, user_id, session_id, address, detail, seq, mac, chain_key) SELECT 'evt_x', at, type, actor, user_id, session_id, address, detail, 11, mac, chain_key FROM events WHERE seq = 10`,
			`UPDATE event_marks SET seq = 11 WHERE name = 'head'`,
		}, "mark 11, changed 11"},
		{"the newest removed", []string{`DELETE FROM events WHERE seq > 8`}, "cut_off 9-10"},
		{"the newest removed, and a head made up", []string{
			`DELETE FROM events WHERE seq > 8`, `UPDATE event_marks SET seq = 8, mac = (SELECT mac FROM events WHERE seq = 8) WHERE name = 'head'`,
		}, "mark 8"},
		{"the newest removed, and the head emptied", []string{
			`DELETE FROM events WHERE seq > 8`, `UPDATE event_marks SET seq = 0, mac = '', at = 0, sign = '', chain_key = '' WHERE name = 'head'`,
		}, "beyond_head 1-8"},
		{"the head removed", []string{`DELETE FROM event_marks WHERE name = 'head'`}, "mark, beyond_head 1-10"},
		{"a checkpoint made up", []string{
			`DELETE FROM events WHERE seq <= 4`,
			`UPDATE event_marks SET seq = 4, mac = (SELECT mac FROM event_marks WHERE name = 'head'), at = 1, sign = (SELECT sign FROM event_marks WHERE name = 'head'), chain_key = (SELECT chain_key FROM event_marks WHERE name = 'head') WHERE name = 'checkpoint'`,
		}, "mark 4"},
		{"a checkpoint that names no key of ours", []string{
			`UPDATE event_marks SET seq = 4, mac = (SELECT mac FROM events WHERE seq = 4), sign = 'x', chain_key = '1.AAAAAAAA' WHERE name = 'checkpoint'`,
			`DELETE FROM events WHERE seq <= 4`,
		}, "unknown_key"},
		{"the head taken for the checkpoint", []string{
			`DELETE FROM event_marks WHERE name = 'checkpoint'`, `UPDATE event_marks SET name = 'checkpoint' WHERE name = 'head'`, `DELETE FROM events`,
			`INSERT INTO event_marks (name, seq, mac, at, sign, chain_key) VALUES ('head', 0, '', 0, '', '')`,
		}, "mark 10"},
		{"the beginning", []string{`UPDATE event_marks SET at = at + 1 WHERE name = 'beginning'`}, "mark"},
		{"a mark removed", []string{`DELETE FROM event_marks WHERE name = 'checkpoint'`}, "mark"},
	}
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 10)
		chain(t, r)
		good(t, r, 10)
		for _, c := range cases {
			g.edit(t, save...)
			g.edit(t, c.statements...)
			if got := summary(verify(t, r)); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: got findings %q, want %q first", c.name, got, c.want)
			}
			g.edit(t, restore...)
			good(t, r, 10) // the next one begins with a whole chain
		}
	})
}

// save and restore keep a copy of the two tables for the time of one case.
var (
	save    = []string{`CREATE TABLE saved_events AS SELECT * FROM events`, `CREATE TABLE saved_marks AS SELECT * FROM event_marks`}
	restore = []string{
		`DELETE FROM events`, `DELETE FROM event_marks`, `INSERT INTO events SELECT * FROM saved_events`, `INSERT INTO event_marks SELECT * FROM saved_marks`,
		`DROP TABLE saved_events`, `DROP TABLE saved_marks`,
	}
)

// What nothing in the database can tell, a head tells that was kept elsewhere.
func TestVerify_aKeptHeadFindsAnEndThatWasCutOffWithItsHead(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 5)
		chain(t, r)
		early := head(t, r)
		g.edit(t, `CREATE TABLE old_marks AS SELECT * FROM event_marks`)
		g.write(t, 3)
		chain(t, r)
		late := head(t, r)
		good(t, r, 8, early, late)

		// An earlier head that is put back is a true one: this is the limit that
		// docs/audit.md states.
		g.edit(t, `DELETE FROM events WHERE seq > 5`, `DELETE FROM event_marks`, `INSERT INTO event_marks SELECT * FROM old_marks`)
		good(t, r, 5, early)
		if got := summary(verify(t, r, late)); got != "cut_off 6-8" {
			t.Errorf("with the later head: got %q, want the end missed", got)
		}
		g.write(t, 4) // and it went on, when the server was started again
		r = g.room(t)
		chain(t, r)
		good(t, r, 9, early)
		if got := summary(verify(t, r, early, late)); got != "other_head 8" {
			t.Errorf("with the later head, once the chain is as long: got %q, want that it is another one", got)
		}
	})
}

// What was tampered with is not built on.
func TestRound_chainsNothingBehindAForgedHead(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 5)
		chain(t, r)
		for _, statements := range [][]string{
			{`UPDATE event_marks SET seq = 4 WHERE name = 'head'`},
			{`DELETE FROM event_marks WHERE name = 'head'`},
			{`UPDATE event_marks SET seq = 0, mac = '', at = 0, sign = '', chain_key = '' WHERE name = 'head'`},
			{`UPDATE event_marks SET seq = 2, sign = 'x' WHERE name = 'checkpoint'`, `UPDATE event_marks SET chain_key = (SELECT chain_key FROM events WHERE seq = 1) WHERE name = 'checkpoint'`},
		} {
			g.edit(t, save...)
			g.edit(t, statements...)
			g.write(t, 1)
			if n, err := r.Round(t.Context()); err == nil || n != 0 {
				t.Errorf("%s: got %d chained and error %v, want none and an error", statements[0], n, err)
			}
			g.edit(t, restore...)
		}
		g.write(t, 1)
		chain(t, r)
		good(t, r, 6)
	})
}

// A head that goes back while a server runs is a true one too, and that of a chain
// that has not begun needs nothing to be kept: the server says that it went back.
func TestRound_saysThatTheHeadWentBack(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 5)
		chain(t, r)
		g.edit(t, `CREATE TABLE old_marks AS SELECT * FROM event_marks`)
		g.write(t, 3)
		chain(t, r)
		chain(t, r) // nothing new is no going back
		good(t, r, 8)
		g.edit(t, `DELETE FROM events WHERE seq > 5`, `DELETE FROM event_marks`, `INSERT INTO event_marks SELECT * FROM old_marks`)
		chain(t, r)
		if got := summary(verify(t, r)); got != "continued 6" {
			t.Errorf("the end cut off: got %q, want that it is said", got)
		}
		g.edit(t,
			`UPDATE events SET seq = NULL, mac = '', chain_key = '', actor = 'usr_other'`,
			`UPDATE event_marks SET seq = 0, mac = '', at = 0, sign = '', chain_key = ''`,
		)
		chain(t, r)
		if got := summary(verify(t, r)); !strings.Contains(got, "continued 7") {
			t.Errorf("made anew: got %q, want that it is said", got)
		}
	})
}
