package revocation_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

var start = time.Date(2026, 3, 9, 13, 37, 59, 0, time.UTC)

func key(t testing.TB, id interface{ UUID() ([16]byte, error) }) [16]byte {
	t.Helper()
	k, err := id.UUID()
	if err != nil {
		t.Fatalf("UUID of %v: %v", id, err)
	}
	return k
}

func ended(id auth.SessionID, superseded int64, at, until time.Time) auth.Change {
	return auth.Change{Kind: auth.ChangeSessionEnded, SessionID: id, Value: superseded, At: at, Until: until}
}

func epoch(id auth.UserID, least int64, at, until time.Time) auth.Change {
	return auth.Change{Kind: auth.ChangeUserEpoch, UserID: id, Value: least, At: at, Until: until}
}

func version(id auth.UserID, least int64, at, until time.Time) auth.Change {
	return auth.Change{Kind: auth.ChangeUserVersion, UserID: id, Value: least, At: at, Until: until}
}

func TestIndex_knowsNothingOfWhatItWasNotTold(t *testing.T) {
	x := revocation.NewIndex()
	x.Apply(ended(auth.NewSessionID(start), 0, start, start.Add(time.Hour)))
	if _, found := x.SessionEnded(key(t, auth.NewSessionID(start))); found {
		t.Error("another session counts as ended")
	}
	if _, found := x.User(key(t, auth.NewUserID(start))); found {
		t.Error("a user of whom nothing was said is known")
	}
}

func TestIndex_keepsAnEndedFamilyUntilNothingOfItCanBeValid(t *testing.T) {
	id, until := auth.NewFamilyID(start), start.Add(time.Hour)
	x := revocation.NewIndex()
	x.Apply(auth.Change{Kind: auth.ChangeFamilyEnded, FamilyID: id, At: start, Until: until})
	if !x.FamilyEnded(key(t, id)) || x.FamilyEnded(key(t, auth.NewFamilyID(start))) || x.Len() != 1 {
		t.Error("the index does not know the one family that ended")
	}
	x.Purge(until)
	if !x.FamilyEnded(key(t, id)) {
		t.Error("forgotten while a token of it may be valid")
	}
	if x.Purge(until.Add(time.Second)); x.FamilyEnded(key(t, id)) || x.Len() != 0 {
		t.Error("kept for ever")
	}
}

func TestIndex_revokedIsStrongerThanSuperseded(t *testing.T) {
	id, until := auth.NewSessionID(start), start.Add(time.Hour)
	superseded, revoked := ended(id, 1, start, until), ended(id, 0, start.Add(time.Second), until)
	for name, order := range map[string][]auth.Change{
		"superseded first": {superseded, revoked}, "revoked first": {revoked, superseded},
	} {
		x := revocation.NewIndex()
		for _, c := range order {
			x.Apply(c)
		}
		end, found := x.SessionEnded(key(t, id))
		if !found || end.Superseded || !end.At.Equal(start.Add(time.Second)) {
			t.Errorf("%s: %+v, %v; want revoked a second after the start", name, end, found)
		}
	}
}

// A user who is enabled again gets a higher version; what the epoch voided
// stays void (R21).
func TestIndex_aVersionDoesNotLowerTheEpoch(t *testing.T) {
	id, until := auth.NewUserID(start), start.Add(time.Hour)
	x := revocation.NewIndex()
	x.Apply(epoch(id, 3, start, until))
	x.Apply(version(id, 9, start.Add(time.Minute), until))
	x.Apply(epoch(id, 2, start.Add(time.Minute), until))
	x.Apply(version(id, 8, start.Add(time.Minute), until))
	want := revocation.Least{Epoch: 3, Version: 9, EpochAt: start}
	got, found := x.User(key(t, id))
	got.EpochAt = got.EpochAt.UTC()
	if diff := cmp.Diff(want, got); !found || diff != "" {
		t.Errorf("found %v (-want +got):\n%s", found, diff)
	}
}

func TestIndex_numbersBeyondTheRecordVoidAllTheSame(t *testing.T) {
	id := auth.NewUserID(start)
	x := revocation.NewIndex()
	x.Apply(epoch(id, math.MaxInt64, start, start.Add(time.Hour)))
	if least, _ := x.User(key(t, id)); least.Epoch < 1<<31 {
		t.Errorf("least epoch is %d after the greatest one", least.Epoch)
	}
	x.Apply(epoch(id, -5, start, time.Time{}))
	if least, _ := x.User(key(t, id)); least.Epoch < 1<<31 {
		t.Errorf("a negative epoch lowered it to %d", least.Epoch)
	}
}

func TestIndex_passesOverChangesThatNameNobody(t *testing.T) {
	x := revocation.NewIndex()
	for _, c := range []auth.Change{
		{Kind: auth.ChangeSessionEnded}, {Kind: auth.ChangeUserEpoch, UserID: "usr_x"}, {Kind: "session_endet", SessionID: auth.NewSessionID(start)},
		{Kind: auth.ChangeUserEpoch, UserID: auth.UserID(auth.NewSessionID(start))}, {},
	} {
		x.Apply(c)
	}
	if n := x.Len(); n != 0 {
		t.Errorf("%d entries came of changes that name nobody", n)
	}
}

// model is the Index as a plain map would keep it.
type model map[string]*entry

// entry is what is said of one session or user; each statement has an end.
type entry struct {
	strongest, version  int64
	at, until, versions time.Time
}

func (m model) apply(c auth.Change) {
	name, strength := string(c.UserID), c.Value
	if c.Kind == auth.ChangeSessionEnded {
		name, strength = string(c.SessionID), 1-c.Value
	}
	e := m[name]
	if e == nil {
		e = &entry{strongest: -1}
		m[name] = e
	}
	if c.Kind == auth.ChangeUserVersion {
		e.version = max(e.version, c.Value)
		if c.Until.After(e.versions) {
			e.versions = c.Until
		}
		return
	}
	if c.Until.After(e.until) {
		e.until = c.Until
	}
	if strength > e.strongest || strength == e.strongest && c.At.Before(e.at) {
		e.strongest, e.at = strength, c.At
	}
}

func (m model) statements() (n int) {
	for _, e := range m {
		if e.strongest >= 0 {
			n++
		}
		if e.version > 0 {
			n++
		}
	}
	return n
}

func (m model) purge(limit time.Time) {
	for _, e := range m {
		if e.until.Before(limit) {
			e.strongest = -1
		}
		if e.versions.Before(limit) {
			e.version = 0
		}
	}
}

// compare asks the Index for everything the model knows.
func (m model) compare(t *testing.T, x *revocation.Index) {
	t.Helper()
	for name, e := range m {
		if name[:4] == "ses_" {
			end, found := x.SessionEnded(key(t, auth.SessionID(name)))
			if found != (e.strongest >= 0) || found && (end.Superseded != (e.strongest == 0) || !end.At.Equal(e.at)) {
				t.Fatalf("%s: got %+v %v, want %+v", name, end, found, *e)
			}
			continue
		}
		least, found := x.User(key(t, auth.UserID(name)))
		if found != (e.strongest >= 0 || e.version > 0) || least.Epoch != max(e.strongest, 0) || least.Version != e.version ||
			e.strongest >= 0 && !least.EpochAt.Equal(e.at) {
			t.Fatalf("%s: got %+v %v, want %+v", name, least, found, *e)
		}
	}
}

// Whatever the order, and however often a row comes, the Index is the same:
// the follower may read rows twice, and its own changes before or after.
func TestIndex_isTheSameInWhateverOrderTheFeedComes(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		feed := randomFeed(rnd)
		m := model{}
		for _, c := range feed {
			m.apply(c)
		}
		x := revocation.NewIndex()
		for round := range 2 {
			rnd.Shuffle(len(feed), func(i, j int) { feed[i], feed[j] = feed[j], feed[i] })
			for i, c := range feed {
				x.Apply(c)
				if round == 0 && rnd.IntN(4) == 0 {
					x.Apply(feed[rnd.IntN(i+1)])
				}
			}
			m.compare(t, x)
		}
		if n := m.statements(); x.Len() != n {
			t.Fatalf("seed %d: %d entries, want %d", seed, x.Len(), n)
		}
		limit := start.Add(time.Duration(rnd.IntN(100)) * time.Second)
		x.Purge(limit)
		m.purge(limit)
		if n := m.statements(); x.Len() != n {
			t.Fatalf("seed %d: %d entries after the purge, want %d", seed, x.Len(), n)
		}
		m.compare(t, x)
	}
}

func randomFeed(rnd *rand.Rand) []auth.Change {
	var users [6]auth.UserID
	var sessions [10]auth.SessionID
	for i := range users {
		users[i] = auth.NewUserID(start)
	}
	for i := range sessions {
		sessions[i] = auth.NewSessionID(start)
	}
	feed := make([]auth.Change, 1+rnd.IntN(120))
	for i := range feed {
		at := start.Add(time.Duration(rnd.IntN(60)) * time.Second)
		until := start.Add(time.Duration(rnd.IntN(100)) * time.Second)
		switch u := users[rnd.IntN(len(users))]; rnd.IntN(3) {
		case 0:
			feed[i] = ended(sessions[rnd.IntN(len(sessions))], int64(rnd.IntN(2)), at, until)
		case 1:
			feed[i] = epoch(u, int64(1+rnd.IntN(5)), at, until)
		default:
			feed[i] = version(u, int64(1+rnd.IntN(9)), at, until)
		}
	}
	return feed
}

// What was ended stays void until Until, to the second, and is dropped after.
func TestPurge_dropsWhatIsPastItsEnd(t *testing.T) {
	id := auth.NewSessionID(start)
	x := revocation.NewIndex()
	x.Apply(ended(id, 0, start, start.Add(time.Hour)))
	for _, c := range []struct {
		after time.Duration
		found bool
	}{{0, true}, {time.Hour - time.Second, true}, {time.Hour, true}, {time.Hour + time.Second, false}} {
		x.Purge(start.Add(c.after))
		if _, found := x.SessionEnded(key(t, id)); found != c.found {
			t.Errorf("%v after the start: found %v, want %v", c.after, found, c.found)
		}
	}
}

func TestIndex_growsToAHundredThousandAndShrinks(t *testing.T) {
	const n = 100_000
	ids := make([]auth.SessionID, n)
	x := revocation.NewIndex()
	for i := range ids {
		ids[i] = auth.NewSessionID(start)
		x.Apply(ended(ids[i], int64(i%2), start, start.Add(time.Duration(i%10)*time.Hour)))
	}
	if x.Len() != n {
		t.Fatalf("%d entries, want %d", x.Len(), n)
	}
	for i, id := range ids {
		if end, found := x.SessionEnded(key(t, id)); !found || end.Superseded != (i%2 == 1) {
			t.Fatalf("entry %d: %+v, %v", i, end, found)
		}
	}
	x.Purge(start.Add(9 * time.Hour))
	if x.Len() != n/10 {
		t.Fatalf("%d entries after the purge, want %d", x.Len(), n/10)
	}
	for i, id := range ids {
		if _, found := x.SessionEnded(key(t, id)); found != (i%10 == 9) {
			t.Fatalf("entry %d after the purge: %v", i, found)
		}
	}
}

// proves: ASVS 15.4.1
func TestIndex_standsManyAtOnce(t *testing.T) {
	x := revocation.NewIndex()
	var all sync.WaitGroup
	const each, writers = 500, 4
	var ids [writers][each]auth.SessionID
	user := auth.NewUserID(start)
	for w := range writers {
		for i := range each {
			ids[w][i] = auth.NewSessionID(start)
		}
	}
	for w := range writers {
		all.Go(func() {
			for i, id := range ids[w] {
				x.Apply(ended(id, 0, start, start.Add(time.Hour)))
				x.Apply(epoch(user, int64(w*each+i), start, start.Add(time.Hour)))
				if _, found := x.SessionEnded(key(t, id)); !found {
					t.Errorf("writer %d does not see its own entry %d", w, i)
				}
			}
		})
		all.Go(func() {
			highest := int64(0)
			for range each {
				x.Purge(start)
				x.MarkFresh(start)
				_ = x.Staleness(start)
				least, _ := x.User(key(t, user))
				if least.Epoch < highest {
					t.Errorf("the least epoch fell from %d to %d", highest, least.Epoch)
				}
				highest = least.Epoch
			}
		})
	}
	all.Wait()
	if x.Len() != writers*each+1 {
		t.Errorf("%d entries, want %d", x.Len(), writers*each+1)
	}
}

func TestStaleness_isEndlessBeforeTheFirstLook(t *testing.T) {
	x := revocation.NewIndex()
	if got := x.Staleness(start); got != math.MaxInt64 {
		t.Errorf("got %v", got)
	}
	x.MarkFresh(start)
	if got := x.Staleness(start.Add(3 * time.Second)); got != 3*time.Second {
		t.Errorf("got %v, want 3s", got)
	}
}

func BenchmarkSessionEnded(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x := revocation.NewIndex()
			for range n {
				x.Apply(ended(auth.NewSessionID(start), 0, start, start.Add(time.Hour)))
			}
			live := key(b, auth.NewSessionID(start))
			for b.Loop() {
				x.SessionEnded(live)
			}
		})
	}
}

func TestIndex_knowsTheLeastVersionOfAStoredSession(t *testing.T) {
	id, until := auth.NewSessionID(start), start.Add(time.Hour)
	changed := func(version int64) auth.Change {
		return auth.Change{Kind: auth.ChangeSessionChanged, SessionID: id, Value: version, At: start, Until: until}
	}
	x := revocation.NewIndex()
	if v := x.SessionVersion(key(t, id)); v != 0 {
		t.Errorf("unheard of: at least version %d", v)
	}
	for _, step := range []struct{ heard, want int64 }{{4, 4}, {3, 4}, {7, 7}} {
		x.Apply(changed(step.heard))
		if v := x.SessionVersion(key(t, id)); v != step.want {
			t.Errorf("after %d: at least version %d, want %d", step.heard, v, step.want)
		}
	}
	if _, found := x.SessionEnded(key(t, id)); found {
		t.Error("a changed session counts as ended")
	}
	for _, c := range []struct {
		value      int64
		superseded bool
	}{{1, true}, {0, false}, {1, false}} {
		x.Apply(auth.Change{Kind: auth.ChangeSessionEnded, SessionID: id, Value: c.value, At: start, Until: until})
		if end, found := x.SessionEnded(key(t, id)); !found || end.Superseded != c.superseded || x.SessionVersion(key(t, id)) != 7 {
			t.Errorf("ended with %d: %+v, %v", c.value, end, found)
		}
	}
	x.Apply(auth.Change{Kind: auth.ChangeSessionChanged, SessionID: "ses_x", Value: 9, Until: until})
	if x.Len() != 2 {
		t.Errorf("%d entries, want that it ended and that it changed", x.Len())
	}
}
