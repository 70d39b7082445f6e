package session_test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// renew checks a cookie and renews it, and fails the test if either does not
// work.
func renew(t *testing.T, m *mount.Mount, token string) (session.Checked, session.Token) {
	t.Helper()
	s := roomtest.Check(t, m, token)
	next, err := m.Sessions.Renew(context.Background(), &s, nil)
	if err != nil || next.Text == "" {
		t.Fatalf("renew: token %q, error %v, verdict %d", next.Text, err, s.Verdict)
	}
	return s, next
}

func TestRenew_movesTheIdleEndAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "user")
		begun, token := r.Begin(t, m, u, nil)
		r.Advance(time.Hour)
		_, next := renew(t, m, token.Text)
		got := roomtest.Check(t, m, next.Text)
		want := begun.Facts
		want.IdleEnd += 3600
		if diff := cmp.Diff(want, got.Facts); diff != "" {
			t.Errorf("facts (-want +renewed):\n%s", diff)
		}
		if !next.Expires.Equal(token.Expires.Add(time.Hour)) {
			t.Errorf("expires %v, want an hour after %v", next.Expires, token.Expires)
		}
	})
}

// R14: a renewal writes nothing, so bursts of them cost no write and finality
// cannot be lost to one.
//
// proves: CB-5
func TestRenew_writesNothing(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V5, u, nil)
	written := r.WatchWrites(t)
	for range 20 {
		r.Advance(time.Minute)
		_, token = renew(t, r.V5, token.Text)
	}
	if written() {
		t.Error("twenty renewals wrote to the database")
	}
	if err := r.Sessions.FlushSeen(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !written() {
		t.Error("the watch does not notice a write: this test proves nothing")
	}
}

// R15: what was unused for too long is not renewed because the answer was slow.
func TestRenew_notPastTheEnd(t *testing.T) {
	for what, wait := range map[string]time.Duration{"idle": roomtest.Idle, "absolute": roomtest.Absolute} {
		r := roomtest.New(t)
		_, token := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
		s := roomtest.Check(t, r.V4, token.Text)
		r.Advance(wait)
		if next, err := r.V4.Sessions.Renew(context.Background(), &s, nil); err != nil || next.Text != "" || s.Verdict != session.Void {
			t.Errorf("%s end: token %.20q, error %v, verdict %d; want none, none, void", what, next.Text, err, s.Verdict)
		}
	}
}

func TestRenew_carriesWhatTheApplicationWrote(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "user")
		begun, token := r.Begin(t, m, u, nil)
		app := roomtest.AppOf(t, m)
		forged := app.Change(token.Text, func(c map[string]json.RawMessage) {
			c["accessToken"] = raw(`{"deep":[1,2.50,"\u00e9",null],"__proto__":{"x":1}}`)
			c["name"] = text("Changed by the app")
			c["roles"] = raw(`["admin"]`)
			c["sid"] = text("ses_forged")
			c["exp"], c["jti"] = raw("9999999999"), text("mine")
		})
		r.Advance(time.Minute)
		_, next := renew(t, m, forged)
		claims := app.Open(next.Text)
		for name, want := range map[string]string{
			"accessToken": `{"deep":[1,2.50,"é",null],"__proto__":{"x":1}}`,
			"name":        `"ann"`, // what is shown of a user is the row's
			"roles":       `["user"]`,
			"sid":         strconv.Quote(string(begun.SessionID())),
			"sub":         strconv.Quote(string(u.ID)),
			"iat":         strconv.FormatInt(r.Clock.Now().Unix(), 10),
			"exp":         strconv.FormatInt(r.Clock.Now().Add(roomtest.LocalTrust).Unix(), 10),
		} {
			var a, b any
			if err := json.Unmarshal(claims[name], &a); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := json.Unmarshal([]byte(want), &b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b, a); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if string(claims["jti"]) == `"mine"` || string(claims["jti"]) == string(app.Open(token.Text)["jti"]) {
			t.Errorf("jti %s was carried over", claims["jti"])
		}
	})
}

func TestRenew_changeReachesReadableClaimsAlone(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann", "user")
	begun, token := r.Begin(t, r.V4, u, nil)
	s := roomtest.Check(t, r.V4, token.Text)
	next, err := r.V4.Sessions.Renew(context.Background(), &s, func(c *session.Claims) {
		c.SetString("name", `Ann "O'Brien" </script>`)
		c.SetString("tenant", "t1")
		c.Delete("email")
		c.Delete("nothing such")
	})
	if err != nil {
		t.Fatal(err)
	}
	claims := roomtest.AppOf(t, r.V4).Open(next.Text)
	var name string
	if err := json.Unmarshal(claims["name"], &name); err != nil || name != `Ann "O'Brien" </script>` {
		t.Errorf("name is %s (%v)", claims["name"], err)
	}
	if _, there := claims["email"]; there || string(claims["tenant"]) != `"t1"` {
		t.Errorf("email there: %v, tenant %s", there, claims["tenant"])
	}
	got := roomtest.Check(t, r.V4, next.Text)
	begun.Shown = got.Shown // what is shown was changed
	if diff := cmp.Diff(begun.Facts, got.Facts); diff != "" {
		t.Errorf("facts (-begun +got):\n%s", diff)
	}
}

// R12: code that only decodes believes the cookie for local_trust; Gatehouse
// renews past that, up to the idle end.
func TestCheck_goesOnPastTheLocalTrust(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann")
		_, token := r.Begin(t, m, u, nil)
		if s := roomtest.Check(t, m, token.Text); s.Outdated(r.Clock.Now()) {
			t.Error("a fresh cookie counts as outdated")
		}
		r.Advance(roomtest.LocalTrust + time.Second)
		s := roomtest.Check(t, m, token.Text)
		if s.Verdict != session.Live || !s.Outdated(r.Clock.Now()) {
			t.Fatalf("past exp: verdict %d, outdated %v; want live and outdated", s.Verdict, s.Outdated(r.Clock.Now()))
		}
		_, next := renew(t, m, token.Text)
		if s := roomtest.Check(t, m, next.Text); s.Outdated(r.Clock.Now()) {
			t.Error("renewed, and still outdated")
		}
	})
}

// proves: ASVS 7.3.1, CS-12
func TestCheck_endsWhenIdle(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V4, u, nil)
	// Ends are whole seconds; the clock stands at .123457.
	r.Advance(roomtest.Idle - time.Second)
	if got := roomtest.Check(t, r.V4, token.Text); got.Verdict != session.Live {
		t.Fatalf("a second before the idle end: verdict %d", got.Verdict)
	}
	r.Advance(time.Second)
	s := roomtest.Check(t, r.V4, token.Text)
	if s.Verdict != session.Void {
		t.Fatalf("at the idle end: verdict %d, want void", s.Verdict)
	}
	if next, err := r.V4.Sessions.Renew(context.Background(), &s, nil); err != nil || next.Text != "" {
		t.Errorf("an idle session was renewed (%v)", err)
	}
}

// proves: ASVS 7.3.2, CB-5, CB-8, ASVS 10.4.8
func TestRenew_neverPassesTheAbsoluteEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann")
		begun, token := r.Begin(t, m, u, nil)
		end := roomtest.Start.Add(roomtest.Absolute).Unix()
		for r.Clock.Now().Unix() < end-7200 {
			r.Advance(time.Hour)
			var s session.Checked
			s, token = renew(t, m, token.Text)
			if s.AbsoluteEnd != begun.AbsoluteEnd || s.AbsoluteEnd != end || s.Start != begun.Start {
				t.Fatalf("after %v: absolute end %d, want %d", r.Clock.Now().Sub(roomtest.Start), s.AbsoluteEnd, end)
			}
			if token.Expires.Unix() > end {
				t.Fatalf("the cookie lives until %v, beyond the absolute end", token.Expires)
			}
		}
		r.Advance(time.Unix(end-1, 0).Sub(r.Clock.Now()))
		_, token = renew(t, m, token.Text)
		r.Advance(time.Second)
		if got := roomtest.Check(t, m, token.Text); got.Verdict != session.Void {
			t.Errorf("at the absolute end, renewed a second ago: verdict %d, want void", got.Verdict)
		}
	})
}

// The absolute end is asked for by itself, whatever idle end a cookie carries.
func TestCheck_endsAtTheAbsoluteEndWhateverTheIdleEnd(t *testing.T) {
	r := roomtest.New(t)
	begun, token := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
	long := begun.Facts
	long.IdleEnd = long.AbsoluteEnd + 3600
	cookie := roomtest.AppOf(t, r.V4).Change(token.Text, func(c map[string]json.RawMessage) {
		c["gh"] = text(session.SealFacts(r.V4.BasePath, long, roomtest.Secret))
	})
	r.Advance(time.Unix(long.AbsoluteEnd-1, 0).Sub(r.Clock.Now()))
	s := roomtest.Check(t, r.V4, cookie)
	if s.Verdict != session.Live || s.End().Unix() != long.AbsoluteEnd {
		t.Fatalf("a second before: verdict %d, end %v", s.Verdict, s.End())
	}
	if _, err := r.V4.Sessions.Renew(context.Background(), &s, nil); err != nil || s.IdleEnd != long.AbsoluteEnd {
		t.Errorf("renewed to the idle end %d, want %d (%v)", s.IdleEnd, long.AbsoluteEnd, err)
	}
	r.Advance(time.Second)
	if s := roomtest.Check(t, r.V4, cookie); s.Verdict != session.Void {
		t.Errorf("at the absolute end: verdict %d, want void", s.Verdict)
	}
}

// Lowering or raising the setting does not touch sessions already born (R4).
func TestCheck_keepsTheEndASessionWasBornWith(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	begun, token := r.Begin(t, r.V4, u, nil)
	o := r.SessionOptions()
	o.Absolute, o.Idle = 10*roomtest.Absolute, 10*roomtest.Idle
	later, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mount(t, later, roomtest.BaseV4, r.V4.Dialect)
	s, next := renew(t, m, token.Text)
	if s.AbsoluteEnd != begun.AbsoluteEnd || next.Expires.Unix() > begun.AbsoluteEnd {
		t.Errorf("absolute end %d, expires %d; want %d at most", s.AbsoluteEnd, next.Expires.Unix(), begun.AbsoluteEnd)
	}
}

// R20: the first secret seals, every one opens; so secrets rotate in two
// deploys and nobody is signed out.
//
// proves: ASVS 13.3.4
func TestCheck_opensUnderEverySecretAndSealsUnderTheFirst(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V4, u, nil)
	const next auth.Secret = "the next secret of the rooms 0123456789"
	with := func(secrets ...auth.Secret) *mount.Mount {
		o := r.SessionOptions()
		o.Secrets = secrets
		room, err := session.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Mount(t, room, roomtest.BaseV4, r.V4.Dialect)
	}
	added, moved, alone := with(roomtest.Secret, next), with(next, roomtest.Secret), with(next)
	_, byOld := renew(t, added, token.Text)
	if got := roomtest.Check(t, alone, byOld.Text); got.Verdict != session.Void {
		t.Errorf("sealed while the new secret stood last, and the new one alone opens it: verdict %d", got.Verdict)
	}
	_, byNew := renew(t, moved, token.Text)
	for name, c := range map[string]struct {
		m       *mount.Mount
		verdict session.Verdict
	}{"new alone": {alone, session.Live}, "both": {added, session.Live}, "old alone": {r.V4, session.Void}} {
		if got := roomtest.Check(t, c.m, byNew.Text); got.Verdict != c.verdict {
			t.Errorf("sealed under the new secret, read under %s: verdict %d, want %d", name, got.Verdict, c.verdict)
		}
	}
	if got := roomtest.Check(t, alone, token.Text); got.Verdict != session.Void {
		t.Errorf("the old secret is gone, and its cookie opens: verdict %d", got.Verdict)
	}
}

// While another server has newer secrets, a cookie that does not open here is
// left alone; it still signs nobody in (R20).
func TestCheck_leavesAloneWhatAServerWithNewerSecretsMayHaveSealed(t *testing.T) {
	r := roomtest.New(t)
	newer := false
	o := r.SessionOptions()
	o.NewerSecrets = func() bool { return newer }
	here, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Secrets = []auth.Secret{"the next secret of the rooms 0123456789"}
	there, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	sealedHere, sealedThere := r.Mount(t, here, roomtest.BaseV4, r.V4.Dialect), r.Mount(t, there, roomtest.BaseV4, r.V4.Dialect)
	storedHere, storedThere := r.Mount(t, here, "/stored", r.V4.Dialect), r.Mount(t, there, "/stored", r.V4.Dialect)
	for _, m := range []*mount.Mount{storedHere, storedThere} {
		if err := m.Sessions.CarryStored(1000); err != nil {
			t.Fatal(err)
		}
	}
	_, ofGatehouse := r.Begin(t, sealedThere, r.NewUser(t, "ann"), nil)
	_, stored := r.Begin(t, storedThere, r.NewUser(t, "bob"), nil)
	ended, own := r.Begin(t, sealedHere, r.NewUser(t, "cy"), nil)
	if err := r.Sessions.SignOut(t.Context(), ended, auth.Device{}); err != nil {
		t.Fatal(err)
	}
	r.Advance(time.Hour)
	for _, newer = range []bool{false, true} {
		want := map[bool]session.Verdict{false: session.Void, true: session.JustEnded}[newer]
		for name, c := range map[string]struct {
			m    *mount.Mount
			text string
		}{
			"Gatehouse's secret": {sealedHere, ofGatehouse.Text}, "the application's secret": {sealedHere, "junk"}, "a stored session": {storedHere, stored.Text},
		} {
			if got := roomtest.Check(t, c.m, c.text); got.Verdict != want {
				t.Errorf("newer secrets elsewhere: %v; %s: verdict %d, want %d", newer, name, got.Verdict, want)
			}
		}
		if got := roomtest.Check(t, sealedHere, own.Text); got.Verdict != session.Void {
			t.Errorf("newer secrets elsewhere: %v; a session that ended here: verdict %d, want void", newer, got.Verdict)
		}
	}
}

// Surplus sessions end, the oldest first (R19).
//
// proves: ASVS 7.1.2
func TestBegin_endsTheOldestBeyondTheLimit(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	var tokens []session.Token
	for range roomtest.MaxPerUser + 2 {
		_, token := r.Begin(t, r.V4, u, nil)
		tokens = append(tokens, token)
		r.Advance(time.Minute)
	}
	for i, token := range tokens {
		want := i >= 2
		if got := roomtest.Check(t, r.V4, token.Text); got.Verdict.SignedIn() != want {
			t.Errorf("session %d of %d: verdict %d, want signed in %v", i+1, len(tokens), got.Verdict, want)
		}
	}
	live, err := r.Users.Sessions(context.Background(), u.ID)
	if err != nil || len(live) != roomtest.MaxPerUser {
		t.Errorf("%d sessions live (%v), want %d", len(live), err, roomtest.MaxPerUser)
	}
}

// The clock may have gone back since the other sessions began: whoever signs in
// now must still get in.
func TestBegin_neverEndsTheSessionThatBegins(t *testing.T) {
	for name, step := range map[string]time.Duration{"the clock stands": 0, "the clock was set back": -time.Minute} {
		r := roomtest.New(t)
		u := r.NewUser(t, "ann")
		for range 3 * roomtest.MaxPerUser {
			_, token := r.Begin(t, r.V4, u, nil)
			if got := roomtest.Check(t, r.V4, token.Text); got.Verdict != session.Live {
				t.Fatalf("%s: a session is over as it begins: verdict %d", name, got.Verdict)
			}
			r.Advance(step)
		}
	}
}

// proves: CB-9
func TestBegin_keepsTheDevice(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	ctx := context.Background()
	var row session.Begun
	err := r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		row, err = r.V4.Sessions.Begin(ctx, tx, session.Proof{User: u, Methods: []string{"pwd"}, Device: auth.Device{UserAgent: "Firefox"}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.Users.Sessions(ctx, u.ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if got := list[0]; got.ID != row.ID || got.UserAgent != "Firefox" || got.Mount != roomtest.BaseV4 || got.Methods[0] != "pwd" {
		t.Errorf("row %+v", got)
	}
}

// Last-seen times are gathered and written in one go, never backwards.
func TestFlushSeen_writesOnceAndForwardAlone(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann")
	begun, token := r.Begin(t, r.V4, u, nil)
	seen := func() time.Time {
		t.Helper()
		row, err := r.DB.Session(ctx, begun.SessionID())
		if err != nil {
			t.Fatal(err)
		}
		return row.LastSeenAt
	}
	written := r.WatchWrites(t)
	if err := r.Sessions.FlushSeen(ctx); err != nil || written() {
		t.Errorf("nothing was seen, and a flush wrote (%v)", err)
	}
	r.Advance(time.Hour)
	latest := r.Clock.Now()
	_, token = renew(t, r.V4, token.Text)
	if got := seen(); !got.Equal(roomtest.Start) {
		t.Errorf("last seen %v before the flush", got)
	}
	if err := r.Sessions.FlushSeen(ctx); err != nil {
		t.Fatal(err)
	}
	if got := seen(); !got.Equal(latest) {
		t.Errorf("last seen %v, want %v", got, latest)
	}
	mend := r.Faults.Break("TouchSessions")
	if err := r.Sessions.FlushSeen(ctx); err != nil {
		t.Errorf("what was written is written again: %v", err)
	}
	mend()
	r.Advance(-30 * time.Minute) // another node's clock
	renew(t, r.V4, token.Text)
	if err := r.Sessions.FlushSeen(ctx); err != nil {
		t.Fatal(err)
	}
	if got := seen(); !got.Equal(latest) {
		t.Errorf("last seen went back to %v from %v", got, latest)
	}
}

func TestFlushSeen_losesNoSessionToAnOutage(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V4, u, nil)
	_, token = renew(t, r.V4, token.Text)
	r.Faults.Away(true)
	if err := r.Sessions.FlushSeen(ctx); err == nil {
		t.Error("a flush that wrote nothing says that it did")
	}
	if got := roomtest.Check(t, r.V4, token.Text); got.Verdict != session.Live {
		t.Errorf("verdict %d while the store is away, want live: a check asks no database", got.Verdict)
	}
	r.Faults.Away(false)
	if err := r.Sessions.FlushSeen(ctx); err != nil {
		t.Error(err)
	}
}

func TestNew_refusesWhatIsMissing(t *testing.T) {
	r := roomtest.New(t)
	for name, change := range map[string]func(*session.Options){
		"store": func(o *session.Options) { o.Store = nil }, "index": func(o *session.Options) { o.Index = nil },
		"logger": func(o *session.Options) { o.Logger = nil }, "secrets": func(o *session.Options) { o.Secrets = nil },
		"idle": func(o *session.Options) { o.Idle = 0 }, "absolute": func(o *session.Options) { o.Absolute = -1 },
		"local trust": func(o *session.Options) { o.LocalTrust = 0 }, "limit": func(o *session.Options) { o.MaxPerUser = 0 },
		"staleness": func(o *session.Options) { o.MaxStaleness = 0 },
	} {
		o := r.SessionOptions()
		change(&o)
		if _, err := session.New(o); err == nil {
			t.Errorf("a room without %s was made", name)
		}
	}
}
