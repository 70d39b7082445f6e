package revocation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// Beyond its limit the Index keeps a trace of each entry: whatever it was told
// of is known or doubted, and little else is.
func TestIndex_dropsNothingBeyondItsLimit(t *testing.T) {
	const limit, told = 1000, 2000
	x, until := revocation.NewIndexOf(limit), start.Add(time.Hour)
	nobody := auth.NewUserID(start)
	var sessions []auth.SessionID
	for range told {
		id := auth.NewSessionID(start)
		sessions = append(sessions, id)
		x.Apply(ended(id, 0, start, until))
	}
	user, family := auth.NewUserID(start), auth.NewFamilyID(start)
	x.Apply(epoch(user, 4, start, until))
	x.Apply(auth.Change{Kind: auth.ChangeFamilyEnded, FamilyID: family, At: start, Until: until})
	whole := 0
	for _, id := range sessions {
		_, known := x.SessionEnded(key(t, id))
		if !known && !x.Doubts(key(t, id), key(t, nobody)) {
			t.Fatalf("%s was told and is neither known nor doubted", id)
		}
		if known {
			whole++
		}
	}
	entries, most, beyond := x.Fill()
	if whole != limit || entries != limit || most != limit || beyond != told-limit+2 {
		t.Errorf("%d kept whole; %d of %d entries, %d beyond", whole, entries, most, beyond)
	}
	if !x.Doubts(key(t, auth.NewSessionID(start)), key(t, user)) || !x.DoubtsFamily(key(t, family)) {
		t.Error("a user or a family that was told is not doubted")
	}
	doubts := 0
	for range 10_000 {
		if x.Doubts(key(t, auth.NewSessionID(start)), key(t, nobody)) {
			doubts++
		}
	}
	if doubts > 300 {
		t.Errorf("%d of 10,000 sessions of which nothing was told are doubted, want about one in a hundred", doubts)
	}
	// What is known already lasts longer without room; what is said beside it is
	// doubted.
	x.Apply(ended(sessions[0], 0, start, until.Add(time.Minute)))
	if _, _, now := x.Fill(); now != beyond {
		t.Error("an entry that is kept whole learns nothing more when the index is full")
	}
	x.Apply(auth.Change{Kind: auth.ChangeSessionChanged, SessionID: sessions[0], Value: 9, Until: until})
	if x.SessionVersion(key(t, sessions[0])) != 9 && !x.Doubts(key(t, sessions[0]), key(t, nobody)) {
		t.Error("a session's version is neither known nor doubted")
	}
	x.Purge(until.Add(time.Second))
	if _, known := x.SessionEnded(key(t, sessions[0])); !known {
		t.Error("forgotten before its until")
	}
	until = until.Add(time.Minute)
	x.Purge(until.Add(time.Second))
	if entries, _, beyond := x.Fill(); entries != 0 || beyond != 0 || x.Doubts(key(t, sessions[told-1]), key(t, user)) {
		t.Errorf("past their until: %d entries, %d beyond", entries, beyond)
	}
	x.Apply(ended(sessions[0], 0, start, until))
	if _, known := x.SessionEnded(key(t, sessions[0])); !known {
		t.Error("there is room again, and nothing is kept whole")
	}
}

func TestIndex_hasNoDoubtsBelowItsLimit(t *testing.T) {
	x := revocation.NewIndexOf(1000)
	for range 1000 {
		x.Apply(ended(auth.NewSessionID(start), 0, start, start.Add(time.Hour)))
	}
	if _, _, beyond := x.Fill(); beyond != 0 {
		t.Errorf("%d entries beyond the limit", beyond)
	}
	for range 1000 {
		if x.Doubts(key(t, auth.NewSessionID(start)), key(t, auth.NewUserID(start))) {
			t.Fatal("an index that is not full doubts")
		}
	}
}

func TestFollower_warnsBeforeTheIndexIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{}, func(f *revocation.Follower) { f.Index = revocation.NewIndexOf(100) })
		defer r.stop()
		for _, c := range []struct{ more, warnings, errors int }{{79, 0, 0}, {1, 1, 0}, {19, 1, 0}, {2, 1, 1}, {50, 1, 1}} {
			now := time.Now()
			r.s.set(func() {
				for range c.more {
					r.s.rows = append(r.s.rows, ended(auth.NewSessionID(now), 0, now, now.Add(time.Hour)))
				}
			})
			after(2 * time.Second)
			text := r.log.String()
			if w, e := strings.Count(text, "four fifths full"), strings.Count(text, "void is full"); w != c.warnings || e != c.errors {
				t.Errorf("after %d more: %d warnings, %d errors, want %d and %d", c.more, w, e, c.warnings, c.errors)
			}
		}
	})
}
