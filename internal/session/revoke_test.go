package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// household is one user in four browsers at two mounts, and somebody else.
type household struct {
	*roomtest.Rooms
	ann, ben           auth.User
	mine, phone, third session.Checked
	bens               session.Checked
	cookies            map[auth.SessionID]string
}

func newHousehold(t *testing.T) *household {
	t.Helper()
	r := roomtest.New(t)
	h := &household{Rooms: r, ann: r.NewUser(t, "ann"), ben: r.NewUser(t, "ben"), cookies: map[auth.SessionID]string{}}
	for _, s := range []struct {
		to   *session.Checked
		user auth.User
		v5   bool
	}{{&h.mine, h.ann, false}, {&h.phone, h.ann, false}, {&h.third, h.ann, true}, {&h.bens, h.ben, false}} {
		m := r.V4
		if s.v5 {
			m = r.V5
		}
		begun, token := r.Begin(t, m, s.user, nil)
		*s.to, h.cookies[begun.SessionID()] = begun, token.Text
		r.Advance(time.Minute)
	}
	return h
}

// alive are those of the household whose cookies a check accepts.
func (h *household) alive(t *testing.T) (names []string) {
	t.Helper()
	for _, s := range []struct {
		name string
		session.Checked
	}{{"mine", h.mine}, {"phone", h.phone}, {"third", h.third}, {"ben's", h.bens}} {
		m := h.V4
		if s.name == "third" {
			m = h.V5
		}
		got := roomtest.Check(t, m, h.cookies[s.SessionID()])
		if got.Verdict == session.Superseded {
			t.Errorf("%s is superseded", s.name)
		}
		if got.Verdict == session.Live {
			names = append(names, s.name)
		}
	}
	return names
}

func (h *household) wantAlive(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.alive(t)); diff != "" {
		t.Errorf("alive (-want +got):\n%s", diff)
	}
}

// recorded are the details and sessions of the revocations in the audit record.
func (h *household) recorded(t *testing.T, u auth.User) (list []string) {
	t.Helper()
	events, err := h.DB.ListEvents(t.Context(), u.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == auth.EventSessionRevoked || e.Type == auth.EventSignedOut {
			list = append(list, fmt.Sprintf("%s %s by %s: %s", e.Type, e.SessionID, e.Actor, e.Detail))
		}
	}
	slices.Sort(list)
	return list
}

func TestList_hasTheUsersSessionsOfAllMountsAndNobodyElses(t *testing.T) {
	h := newHousehold(t)
	list, err := h.Sessions.List(t.Context(), h.mine.Principal())
	if err != nil {
		t.Fatal(err)
	}
	var got []auth.SessionID
	for _, s := range list {
		got = append(got, s.ID)
	}
	if diff := cmp.Diff([]auth.SessionID{h.third.SessionID(), h.phone.SessionID(), h.mine.SessionID()}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := h.Sessions.List(t.Context(), auth.Principal{}); !errors.Is(err, auth.CodeSignedOut) {
		t.Errorf("nobody's: %v", err)
	}
}

// A use that is not written behind yet is in the list all the same.
func TestList_knowsWhatIsNotWrittenYet(t *testing.T) {
	h := newHousehold(t)
	h.Advance(time.Hour)
	written := h.WatchWrites(t)
	s := roomtest.Check(t, h.V4, h.cookies[h.mine.SessionID()])
	if _, err := h.V4.Sessions.Renew(t.Context(), &s, nil); err != nil {
		t.Fatal(err)
	}
	list, err := h.Sessions.List(t.Context(), h.mine.Principal())
	if err != nil {
		t.Fatal(err)
	}
	if got := list[0]; got.ID != h.mine.SessionID() || !got.LastSeenAt.Equal(h.Clock.Now()) {
		t.Errorf("the first of the list is %s, last seen %s", got.ID, got.LastSeenAt)
	}
	if written() {
		t.Error("listing or renewing wrote")
	}
}

// proves: ASVS 7.4.1
func TestRevoke_endsOneOfOnesOwn(t *testing.T) {
	h := newHousehold(t)
	done, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.third.SessionID(), auth.Device{})
	if err != nil || !slices.Equal(done.Sessions, []auth.SessionID{h.third.SessionID()}) {
		t.Fatalf("%+v, %v", done, err)
	}
	h.wantAlive(t, "mine", "phone", "ben's")
	want := []string{fmt.Sprintf("session.revoked %s by %s: one", h.third.SessionID(), h.ann.ID)}
	if diff := cmp.Diff(want, h.recorded(t, h.ann)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// What is over already is no error, and nothing is written: neither record nor
// feed can be filled by asking again.
func TestRevoke_againWritesNothing(t *testing.T) {
	h := newHousehold(t)
	for range 2 {
		if _, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{}); err != nil {
			t.Fatal(err)
		}
	}
	feed, record := len(h.Feed(t)), len(h.recorded(t, h.ann))
	done, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{})
	if err != nil || len(done.Sessions) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if len(h.Feed(t)) != feed || len(h.recorded(t, h.ann)) != record || feed != 1 || record != 1 {
		t.Errorf("%d rows in the feed, %d in the record", len(h.Feed(t)), len(h.recorded(t, h.ann)))
	}
}

func TestRevoke_knowsNoSessionOfAnybodyElse(t *testing.T) {
	h := newHousehold(t)
	var said []string
	for _, id := range []auth.SessionID{h.bens.SessionID(), auth.NewSessionID(h.Clock.Now()), "ses_", "", "'; DROP TABLE sessions; --"} {
		_, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), id, auth.Device{})
		if !errors.Is(err, auth.CodeNotFound) {
			t.Errorf("%q: %v", id, err)
			continue
		}
		said = append(said, auth.AsError(err).Text())
	}
	if len(slices.Compact(said)) != 1 {
		t.Errorf("the answers differ: %q", said)
	}
	h.wantAlive(t, "mine", "phone", "third", "ben's")
	if n := len(h.Feed(t)); n != 0 {
		t.Errorf("%d rows in the feed", n)
	}
}

func TestRevoke_ofTheOneThatAsksIsASignOut(t *testing.T) {
	h := newHousehold(t)
	if _, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.mine.SessionID(), auth.Device{}); err != nil {
		t.Fatal(err)
	}
	h.wantAlive(t, "phone", "third", "ben's")
	want := []string{fmt.Sprintf("session.signed_out %s by %s: one", h.mine.SessionID(), h.ann.ID)}
	if diff := cmp.Diff(want, h.recorded(t, h.ann)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestRevokeOthers_keepsTheOneThatAsks(t *testing.T) {
	h := newHousehold(t)
	done, err := h.Sessions.RevokeOthers(t.Context(), h.mine.Principal(), auth.Device{})
	if err != nil || len(done.Sessions) != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	h.wantAlive(t, "mine", "ben's")
	if n := len(h.recorded(t, h.ann)); n != 2 {
		t.Errorf("%d records", n)
	}
	if done, err = h.Sessions.RevokeOthers(t.Context(), h.mine.Principal(), auth.Device{}); err != nil || len(done.Sessions) != 0 || done.Effective != revocation.Everywhere {
		t.Errorf("again: %+v, %v", done, err)
	}
}

// One that was superseded a moment ago is a cookie somewhere that still counts.
func TestRevokeOthers_endsWhatIsStillInItsGrace(t *testing.T) {
	h := newHousehold(t)
	next, _ := h.Begin(t, h.V4, h.ann, &h.phone)
	if got := roomtest.Check(t, h.V4, h.cookies[h.phone.SessionID()]); got.Verdict != session.Superseded {
		t.Fatalf("before: verdict %d", got.Verdict)
	}
	if _, err := h.Sessions.RevokeOthers(t.Context(), next.Principal(), auth.Device{}); err != nil {
		t.Fatal(err)
	}
	h.wantAlive(t, "ben's")
}

// A list shows an ID, the session gets another one because its user came to a
// role, and then the button is pressed: that browser is signed out all the same.
func TestRevoke_findsTheSessionUnderItsNextID(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Hour} {
		h := newHousehold(t)
		if _, err := h.Users.SetRoles(t.Context(), "test", h.ann.ID, []string{"admin"}); err != nil {
			t.Fatal(err)
		}
		s := roomtest.Check(t, h.V4, h.cookies[h.phone.SessionID()])
		s.FromBrowser = true
		token, err := h.V4.Sessions.Renew(t.Context(), &s, nil)
		if err != nil || s.SessionID() == h.phone.SessionID() {
			t.Fatalf("it has no other ID: %v", err)
		}
		h.Advance(wait)
		mine := roomtest.Check(t, h.V4, h.cookies[h.mine.SessionID()])
		done, err := h.Sessions.Revoke(t.Context(), mine.Principal(), h.phone.SessionID(), auth.Device{})
		if err != nil || !slices.Equal(done.Sessions, []auth.SessionID{s.SessionID()}) {
			t.Errorf("%+v, %v", done, err)
		}
		for _, cookie := range []string{token.Text, h.cookies[h.phone.SessionID()]} {
			if got := roomtest.Check(t, h.V4, cookie); got.Verdict.SignedIn() {
				t.Errorf("after %s: verdict %d", wait, got.Verdict)
			}
		}
	}
}

func TestRevokeAll_endsTheOneThatAsksToo(t *testing.T) {
	h := newHousehold(t)
	done, err := h.Sessions.RevokeAll(t.Context(), h.mine.Principal(), auth.Device{})
	if err != nil || len(done.Sessions) != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	h.wantAlive(t, "ben's")
	if diff := cmp.Diff([]string{fmt.Sprintf("session.revoked  by %s: all", h.ann.ID)}, h.recorded(t, h.ann)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// A sign-in that read the user before does not outlive it, whenever it gets to
// insert its session (guarantees R3).
func TestRevokeAll_refusesTheSignInUnderWay(t *testing.T) {
	h := newHousehold(t)
	proof := session.Proof{User: h.ann, Methods: []string{"pwd"}}
	begin := func() error {
		return h.Store.InTx(t.Context(), func(tx store.Tx) error {
			_, err := h.V4.Sessions.Begin(t.Context(), tx, proof)
			return err
		})
	}
	if err := begin(); err != nil {
		t.Fatalf("control: %v", err)
	}
	if _, err := h.Sessions.RevokeAll(t.Context(), h.mine.Principal(), auth.Device{}); err != nil {
		t.Fatal(err)
	}
	if err := begin(); !errors.Is(err, auth.CodeChanged) {
		t.Errorf("a sign-in that began before: %v", err)
	}
}

// A request that was under way when its own session ended ends nobody's.
func TestRevocations_ofASessionThatHasEndedDoNothing(t *testing.T) {
	h := newHousehold(t)
	thief := h.phone.Principal()
	if _, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{}); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() (session.Revoked, error){
		"one": func() (session.Revoked, error) {
			return h.Sessions.Revoke(t.Context(), thief, h.mine.SessionID(), auth.Device{})
		},
		"itself": func() (session.Revoked, error) {
			return h.Sessions.Revoke(t.Context(), thief, thief.SessionID, auth.Device{})
		},
		"others": func() (session.Revoked, error) { return h.Sessions.RevokeOthers(t.Context(), thief, auth.Device{}) },
		"all":    func() (session.Revoked, error) { return h.Sessions.RevokeAll(t.Context(), thief, auth.Device{}) },
	} {
		if _, err := do(); !errors.Is(err, auth.CodeSignedOut) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := auth.Principal{UserID: h.ann.ID, SessionID: h.bens.SessionID()}
	if _, err := h.Sessions.RevokeAll(t.Context(), stranger, auth.Device{}); !errors.Is(err, auth.CodeSignedOut) {
		t.Errorf("a session of somebody else: %v", err)
	}
	h.wantAlive(t, "mine", "third", "ben's")
}

// Two that end all others at once leave one, not none and not both.
func TestRevokeOthers_byTwoAtOnceLeavesOne(t *testing.T) {
	for range 5 {
		h := newHousehold(t)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, who := range []auth.Principal{h.mine.Principal(), h.phone.Principal()} {
			wg.Go(func() { _, errs[i] = h.Sessions.RevokeOthers(context.Background(), who, auth.Device{}) })
		}
		wg.Wait()
		alive := h.alive(t)
		if len(alive) != 2 || (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("alive %q, errors %v", alive, errs)
		}
	}
}

// Revocation, record and feed are one: what could not be stored has no effect
// and is not acknowledged.
func TestRevocations_areStoredWholeOrNotAtAll(t *testing.T) {
	h := newHousehold(t)
	for _, method := range []string{"AppendEvent", "AppendChange", "RefuseAdoption"} {
		mend := h.Faults.Break(method)
		for name, do := range map[string]func() (session.Revoked, error){
			"one": func() (session.Revoked, error) {
				return h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{})
			},
			"others": func() (session.Revoked, error) {
				return h.Sessions.RevokeOthers(t.Context(), h.mine.Principal(), auth.Device{})
			},
			"all": func() (session.Revoked, error) {
				return h.Sessions.RevokeAll(t.Context(), h.mine.Principal(), auth.Device{})
			},
			"operator": func() (session.Revoked, error) { return h.Sessions.Operator().RevokeUser(t.Context(), "cli", h.ann.ID) },
		} {
			if _, err := do(); auth.AsError(err).Code != auth.CodeUnavailable {
				t.Errorf("%s fails, %s: %v", method, name, err)
			}
		}
		mend()
		h.wantAlive(t, "mine", "phone", "third", "ben's")
	}
	if n := len(h.Feed(t)); n != 0 {
		t.Errorf("%d rows in the feed", n)
	}
}

func TestEffect_isPendingUntilTheBoundWhenNobodyKnows(t *testing.T) {
	h := newHousehold(t)
	asked := h.Clock.Now()
	done, err := h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{})
	if err != nil || done.Effective != revocation.Pending || !done.Latest.Equal(asked.Add(roomtest.MaxStaleness)) {
		t.Fatalf("%+v, %v", done, err)
	}
	h.Advance(10 * time.Second) // asked again, the bound is that of the revocation
	if done, err = h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{}); err != nil ||
		done.Effective != revocation.Pending || !done.Latest.Equal(asked.Add(roomtest.MaxStaleness)) {
		t.Errorf("again: %+v, %v", done, err)
	}
	h.Advance(roomtest.MaxStaleness)
	if done, err = h.Sessions.Revoke(t.Context(), h.mine.Principal(), h.phone.SessionID(), auth.Device{}); err != nil || done.Effective != revocation.Everywhere {
		t.Errorf("after the bound: %+v, %v", done, err)
	}
}

func TestEffect_isAskedForTheRowsThatWereCommitted(t *testing.T) {
	h := newHousehold(t)
	want := revocation.Effect{Effective: revocation.Pending, Latest: h.Clock.Now().Add(7 * time.Second)}
	o := h.SessionOptions()
	var asked []int64
	o.Effect = func(_ context.Context, noted *revocation.Noted) revocation.Effect {
		asked = noted.Seqs()
		return want
	}
	room, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	done, err := room.RevokeOthers(t.Context(), h.mine.Principal(), auth.Device{})
	if err != nil || done.Effect != want || len(asked) != 2 {
		t.Errorf("%+v, %v, asked for %d", done, err, asked)
	}
	asked = nil
	if done, err = room.RevokeOthers(t.Context(), h.mine.Principal(), auth.Device{}); err != nil || done.Effective != revocation.Everywhere || asked != nil {
		t.Errorf("with nothing to end: %+v, %v, asked for %d", done, err, asked)
	}
}

func TestOperator_endsWhatItNames(t *testing.T) {
	h := newHousehold(t)
	o := h.Sessions.Operator()
	if _, err := o.Revoke(t.Context(), "cli", h.phone.SessionID()); err != nil {
		t.Fatal(err)
	}
	h.wantAlive(t, "mine", "third", "ben's")
	if _, err := o.RevokeUser(t.Context(), "cli", h.ann.ID, h.mine.SessionID()); err != nil {
		t.Fatal(err)
	}
	h.wantAlive(t, "mine", "ben's")
	for name, err := range map[string]error{
		"an unknown session": second(o.Revoke(t.Context(), "cli", auth.NewSessionID(h.Clock.Now()))),
		"an unknown user":    second(o.RevokeUser(t.Context(), "cli", auth.NewUserID(h.Clock.Now()))),
		// A typing error must not end the session that was to be kept.
		"another one's to keep": second(o.RevokeUser(t.Context(), "cli", h.ann.ID, h.bens.SessionID())),
		"an ended one to keep":  second(o.RevokeUser(t.Context(), "cli", h.ann.ID, h.mine.SessionID(), h.phone.SessionID())),
	} {
		if !errors.Is(err, auth.CodeNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.wantAlive(t, "mine", "ben's")
	if _, err := o.RevokeUser(t.Context(), "cli", h.ann.ID); err != nil {
		t.Fatal(err)
	}
	h.wantAlive(t, "ben's")
	want := []string{
		"session.revoked  by cli: all",
		fmt.Sprintf("session.revoked %s by cli: one", h.phone.SessionID()),
		fmt.Sprintf("session.revoked %s by cli: others", h.third.SessionID()),
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, h.recorded(t, h.ann)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func second(_ session.Revoked, err error) error { return err }

// proves: ASVS 7.4.5
func TestOperator_endsEverybody(t *testing.T) {
	h := newHousehold(t)
	for i := range 45 { // more than two batches
		h.NewUser(t, fmt.Sprintf("user%d", i))
	}
	var told []int
	n, _, err := h.Sessions.Operator().RevokeEverybody(t.Context(), "cli", func(users int) { told = append(told, users) })
	if err != nil || n != 4 || !slices.Equal(told, []int{20, 40, 47}) {
		t.Errorf("%d sessions, told %v, %v", n, told, err)
	}
	h.wantAlive(t)
	again, _ := h.Begin(t, h.V4, must(h.DB.User(t.Context(), h.ann.ID)), nil)
	if again.Verdict != session.Live {
		t.Error("nobody can sign in any more")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// However many there are, no transaction is long.
func TestRevokeOthers_ofVeryMany(t *testing.T) {
	r := roomtest.New(t)
	o := r.SessionOptions()
	o.MaxPerUser = 1000
	room, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mount(t, room, roomtest.BaseV4, seal.V4)
	u := r.NewUser(t, "ann")
	mine, cookie := r.Begin(t, m, u, nil)
	for range 120 {
		r.Begin(t, m, u, nil)
	}
	before := r.Commits.Load()
	done, err := room.RevokeOthers(t.Context(), mine.Principal(), auth.Device{})
	if err != nil || len(done.Sessions) != 120 {
		t.Fatalf("%d ended, %v", len(done.Sessions), err)
	}
	if commits := r.Commits.Load() - before; commits != 3 {
		t.Errorf("%d transactions", commits)
	}
	if list, err := room.List(t.Context(), mine.Principal()); err != nil || len(list) != 1 {
		t.Errorf("%d left, %v", len(list), err)
	}
	wantVerdict(t, "the one that asked", m, cookie.Text, session.Live)
}
