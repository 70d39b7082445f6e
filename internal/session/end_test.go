package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

func signOut(t *testing.T, r *roomtest.Rooms, s session.Checked) {
	t.Helper()
	if err := r.Sessions.SignOut(context.Background(), s, auth.Device{}); err != nil {
		t.Fatalf("sign out: %v", err)
	}
}

func wantVerdict(t *testing.T, doing string, m *mount.Mount, token string, want session.Verdict) {
	t.Helper()
	if got := roomtest.Check(t, m, token); got.Verdict != want {
		t.Errorf("%s: verdict %d, want %d", doing, got.Verdict, want)
	}
}

// Sign-out is final: whatever was sealed before, by us or by the application,
// whenever it arrives.
//
// proves: ASVS 7.4.1, NEXT-19, NEXT-16, NIST-11
func TestSignOut_isFinal(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann")
		_, token := r.Begin(t, m, u, nil)
		r.Advance(time.Minute)
		// A slow answer to GET /session: renewed before, delivered after.
		s, late := renew(t, m, token.Text)
		resealed := roomtest.AppOf(t, m).Change(late.Text, func(c map[string]json.RawMessage) { c["exp"] = raw("9999999999") })
		signOut(t, r, s)
		cookies := map[string]string{"the first": token.Text, "the renewed": late.Text, "the application's own copy": resealed}
		for name, cookie := range cookies {
			wantVerdict(t, name+" at once", m, cookie, session.JustEnded)
		}
		r.Advance(auth.SupersededGrace + time.Second)
		for name, cookie := range cookies {
			wantVerdict(t, name+" later", m, cookie, session.Void)
		}
		// As long as it could live, and over purges.
		for r.Clock.Now().Unix() < s.AbsoluteEnd {
			r.Index.Purge(r.Clock.Now())
			resealed = roomtest.AppOf(t, m).Change(resealed, func(c map[string]json.RawMessage) { c["exp"] = raw("9999999999") })
			wantVerdict(t, "after "+r.Clock.Now().Sub(roomtest.Start).String(), m, resealed, session.Void)
			r.Advance(12 * time.Hour)
		}
	})
}

func TestSignOut_endsThatSessionAlone(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	first, token := r.Begin(t, r.V4, u, nil)
	_, elsewhere := r.Begin(t, r.V4, u, nil)
	signOut(t, r, first)
	wantVerdict(t, "signed out", r.V4, token.Text, session.JustEnded)
	wantVerdict(t, "another browser", r.V4, elsewhere.Text, session.Live)
}

// proves: CS-15, ASVS 16.3.1
func TestSignOut_isRecordedAndWrittenToTheFeedTogether(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	s, token := r.Begin(t, r.V4, u, nil)
	for _, method := range []string{"AppendEvent", "AppendChange"} {
		mend := r.Faults.Break(method)
		if err := r.Sessions.SignOut(context.Background(), s, auth.Device{}); !errors.Is(err, roomtest.ErrBroken) {
			t.Fatalf("%s fails: sign-out says %v", method, err)
		}
		mend()
		wantVerdict(t, "a sign-out that was not stored", r.V4, token.Text, session.Live)
		row, err := r.DB.Session(context.Background(), s.SessionID())
		if err != nil || !row.EndedAt.IsZero() {
			t.Errorf("%s fails: the row has ended at %v (%v)", method, row.EndedAt, err)
		}
	}
	if n := len(r.Feed(t)); n != 0 {
		t.Errorf("%d rows in the feed of sign-outs that failed", n)
	}
	signOut(t, r, s)
	want := []auth.Change{{
		Kind: auth.ChangeSessionEnded, SessionID: s.SessionID(), At: roomtest.Start,
		Until: time.Unix(s.AbsoluteEnd, 0).UTC().Add(5 * time.Minute),
	}}
	if diff := cmp.Diff(want, r.Feed(t)); diff != "" {
		t.Errorf("feed (-want +got):\n%s", diff)
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventSignedOut) {
		t.Errorf("events %v, want session.signed_out among them", got)
	}
}

// The row may be purged, or ended elsewhere; the cookie is alive where nobody
// heard of it.
func TestSignOut_ofASessionWithoutARowIsNoError(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann")
	s, token := r.Begin(t, r.V4, u, nil)
	if err := r.DB.EndSession(ctx, s.SessionID(), auth.EndRevoked, r.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	signOut(t, r, s)
	signOut(t, r, s)
	wantVerdict(t, "signed out twice", r.V4, token.Text, session.JustEnded)
}

// R14: an answer on its way when the session ends must not bring it back.
func TestRenew_asksAgainBeforeItSeals(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V4, u, nil)
	slow := roomtest.Check(t, r.V4, token.Text)
	signOut(t, r, roomtest.Check(t, r.V4, token.Text))
	next, err := r.V4.Sessions.Renew(context.Background(), &slow, nil)
	if err != nil || next.Text != "" || slow.Verdict != session.JustEnded {
		t.Errorf("token %q, error %v, verdict %d; want none, none, just ended", next.Text, err, slow.Verdict)
	}
}

// proves: ASVS 7.2.4, CB-4, CS-13
func TestBegin_supersedesTheSessionOfTheSameBrowser(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "admin", "user")
		_, old := r.Begin(t, m, u, nil)
		before := roomtest.Check(t, m, old.Text)
		_, fresh := r.Begin(t, m, u, &before)
		if old.Text == fresh.Text {
			t.Fatal("the same token again")
		}
		wantVerdict(t, "the new one", m, fresh.Text, session.Live)
		s := roomtest.Check(t, m, old.Text)
		if s.Verdict != session.Superseded || !s.Verdict.SignedIn() {
			t.Fatalf("the old one, at once: verdict %d, want superseded", s.Verdict)
		}
		if next, err := m.Sessions.Renew(context.Background(), &s, nil); err != nil || next.Text != "" {
			t.Errorf("a superseded session was renewed (%v)", err)
		}
		// The lesser privileges: what was taken away meanwhile is gone, what was
		// given goes to the successor alone.
		if _, err := r.Users.SetRoles(context.Background(), "cli", u.ID, []string{"root", "user"}); err != nil {
			t.Fatal(err)
		}
		if s := roomtest.Check(t, m, old.Text); s.Verdict != session.Superseded || !slices.Equal(s.Roles, []string{"user"}) {
			t.Errorf("the old one after a change of roles: verdict %d, roles %v; want superseded and user", s.Verdict, s.Roles)
		}
		if s := roomtest.Check(t, m, fresh.Text); !slices.Equal(s.Roles, []string{"root", "user"}) {
			t.Errorf("the new one after a change of roles: %v", s.Roles)
		}
		// Ends are kept in whole seconds, so the grace may be short of one.
		r.Advance(auth.SupersededGrace - time.Second)
		wantVerdict(t, "the old one at the end of the grace", m, old.Text, session.Superseded)
		r.Advance(time.Second)
		wantVerdict(t, "the old one after the grace", m, old.Text, session.Void)
		wantVerdict(t, "the new one after the grace", m, fresh.Text, session.Live)
	})
}

// The grace that a sign-out takes is the user's own.
func TestSignOut_leavesOtherUsersTheirGrace(t *testing.T) {
	r := roomtest.New(t)
	ann, bob := r.NewUser(t, "ann"), r.NewUser(t, "bob")
	before, old := r.Begin(t, r.V4, bob, nil)
	r.Begin(t, r.V4, bob, &before)
	s, _ := r.Begin(t, r.V4, ann, nil)
	signOut(t, r, s)
	wantVerdict(t, "another user's superseded one", r.V4, old.Text, session.Superseded)
}

// Somebody else's session in this browser is no rotation: it ends at once.
func TestBegin_revokesTheSessionOfAnotherUserInTheBrowser(t *testing.T) {
	r := roomtest.New(t)
	_, old := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
	before := roomtest.Check(t, r.V4, old.Text)
	r.Begin(t, r.V4, r.NewUser(t, "bob"), &before)
	wantVerdict(t, "the other user's", r.V4, old.Text, session.JustEnded)
}

// At another mount the same person may stay; somebody else's session ends.
func TestBegin_revokesTheSessionsOfOtherUsersElsewhereInTheBrowser(t *testing.T) {
	r := roomtest.New(t)
	ann, bob := r.NewUser(t, "ann"), r.NewUser(t, "bob")
	for _, c := range []struct {
		who  auth.User
		want session.Verdict
	}{{ann, session.Live}, {bob, session.JustEnded}} {
		_, there := r.Begin(t, r.V5, c.who, nil)
		proof := session.Proof{User: ann, Methods: []string{"pwd"}, Elsewhere: []session.Checked{roomtest.Check(t, r.V5, there.Text)}}
		err := r.Store.InTx(context.Background(), func(tx store.Tx) error {
			_, err := r.V4.Sessions.Begin(context.Background(), tx, proof)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, c.who.Name, r.V5, there.Text, c.want)
	}
}

func TestBegin_revokedIsNotMadeSupersededAgain(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, old := r.Begin(t, r.V4, u, nil)
	before := roomtest.Check(t, r.V4, old.Text)
	signOut(t, r, before)
	r.Begin(t, r.V4, u, &before) // a request under way that still believes in it
	wantVerdict(t, "signed out, then superseded", r.V4, old.Text, session.JustEnded)
}

// R3: the row is inserted only while the proof's epoch holds.
func TestBegin_refusesAProofThatWasVoided(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(r *roomtest.Rooms, id auth.UserID) error{
		"disabled": func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Disable(ctx, "cli", id); return err },
		"disabled and enabled": func(r *roomtest.Rooms, id auth.UserID) error {
			_, err := r.Users.Disable(ctx, "cli", id)
			_, err2 := r.Users.Enable(ctx, "cli", id)
			return errors.Join(err, err2)
		},
		"password changed": func(r *roomtest.Rooms, id auth.UserID) error {
			return r.Users.SetPassword(ctx, "cli", id, roomtest.Password, false)
		},
		"deleted": func(r *roomtest.Rooms, id auth.UserID) error { return r.Users.Delete(ctx, "cli", id) },
	} {
		r := roomtest.New(t)
		proof := r.NewUser(t, "ann") // as it was read with the credential
		if err := change(r, proof.ID); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err := r.Store.InTx(ctx, func(tx store.Tx) error {
			_, err := r.V4.Sessions.Begin(ctx, tx, session.Proof{User: proof})
			return err
		})
		if !errors.Is(err, auth.CodeChanged) {
			t.Errorf("%s since the proof: got %v, want changed_meanwhile", name, err)
		}
	}
}

// proves: ASVS 7.4.2, ASVS 7.4.5, ASVS 8.3.2
func TestCheck_endsWithTheUser(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(r *roomtest.Rooms, id auth.UserID) error{
		"disabled": func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Disable(ctx, "cli", id); return err },
		"deleted":  func(r *roomtest.Rooms, id auth.UserID) error { return r.Users.Delete(ctx, "cli", id) },
		"new password": func(r *roomtest.Rooms, id auth.UserID) error {
			return r.Users.SetPassword(ctx, "cli", id, roomtest.Password, false)
		},
	} {
		r := roomtest.New(t)
		u, other := r.NewUser(t, "ann"), r.NewUser(t, "bob")
		_, token := r.Begin(t, r.V4, u, nil)
		_, beside := r.Begin(t, r.V5, u, nil)
		_, others := r.Begin(t, r.V4, other, nil)
		if err := end(r, u.ID); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range []struct {
			m     *mount.Mount
			token string
		}{{r.V4, token.Text}, {r.V5, beside.Text}} {
			wantVerdict(t, name+", at once", c.m, c.token, session.JustEnded)
		}
		wantVerdict(t, name+", another user", r.V4, others.Text, session.Live)
		r.Advance(auth.SupersededGrace)
		wantVerdict(t, name+", later", r.V4, token.Text, session.Void)
	}
}

// R21: enabling raises the version and resurrects nothing.
func TestCheck_enablingBringsNoSessionBack(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V4, u, nil)
	if _, err := r.Users.Disable(ctx, "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	enabled, err := r.Users.Enable(ctx, "cli", u.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Advance(time.Minute)
	wantVerdict(t, "the session of before", r.V4, token.Text, session.Void)
	_, fresh := r.Begin(t, r.V4, enabled, nil)
	wantVerdict(t, "a new one", r.V4, fresh.Text, session.Live)
}

// A change of roles reaches the next check; nobody is signed out.
//
// proves: ASVS 8.3.2, NEXT-21
func TestCheck_readsChangedRolesOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		ctx := context.Background()
		u := r.NewUser(t, "ann", "admin", "user")
		_, token := r.Begin(t, m, u, nil)
		if _, err := r.Users.SetRoles(ctx, "cli", u.ID, []string{"user"}); err != nil {
			t.Fatal(err)
		}
		s := roomtest.Check(t, m, token.Text)
		if s.Verdict != session.Live || !slices.Equal(s.Roles, []string{"user"}) || !s.Outdated(r.Clock.Now()) {
			t.Fatalf("verdict %d, roles %v, outdated %v; want live with user alone, to be renewed", s.Verdict, s.Roles, s.Outdated(r.Clock.Now()))
		}
		next, err := m.Sessions.Renew(context.Background(), &s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(roomtest.AppOf(t, m).Open(next.Text)["roles"]); got != `["user"]` {
			t.Errorf("readable roles are %s", got)
		}
		// The new cookie is as old as the row: no database is asked for it. The
		// old one still has to be, and is never believed.
		r.Faults.Away(true)
		if got := roomtest.Check(t, m, next.Text); got.Verdict != session.Live || !slices.Equal(got.Roles, []string{"user"}) {
			t.Errorf("renewed: verdict %d, roles %v", got.Verdict, got.Roles)
		}
		if got, err := m.Sessions.Check(ctx, token.Text, auth.Device{}); !errors.Is(err, auth.CodeUnavailable) || got.Verdict.SignedIn() || len(got.Roles) != 0 {
			t.Errorf("a cookie of before, and no database: %+v, %v; want unavailable", got, err)
		}
	})
}

// The row's name and address are what the next cookie shows.
func TestRenew_takesOverTheChangedRow(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann")
	s, token := r.Begin(t, r.V4, u, nil)
	name, image := "Ann Other", "https://img.example/a.png"
	who := s.Principal()
	if _, err := r.Users.UpdateProfile(ctx, who, profile(name, image)); err != nil {
		t.Fatal(err)
	}
	_, next := renew(t, r.V4, token.Text)
	claims := roomtest.AppOf(t, r.V4).Open(next.Text)
	if string(claims["name"]) != `"Ann Other"` || string(claims["picture"]) != `"https://img.example/a.png"` || string(claims["email"]) != `"ann@example.com"` {
		t.Errorf("claims %v", claims)
	}
	if _, err := r.Users.UpdateProfile(ctx, who, profile("", "")); err != nil {
		t.Fatal(err)
	}
	_, next = renew(t, r.V4, next.Text)
	claims = roomtest.AppOf(t, r.V4).Open(next.Text)
	if _, there := claims["picture"]; there {
		t.Errorf("the picture is gone from the row and not from the cookie: %v", claims)
	}
}

// R8: a row that is older than what the feed says is not the truth.
//
// proves: ASVS 16.5.2, ASVS 16.5.3
func TestCheck_isUnavailableRatherThanWrong(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann", "admin")
	_, token := r.Begin(t, r.V4, u, nil)
	unavailable := func(doing string) {
		t.Helper()
		s, err := r.V4.Sessions.Check(ctx, token.Text, auth.Device{})
		var refused *auth.Error
		if !errors.As(err, &refused) || refused.Code != auth.CodeUnavailable || refused.RetryAfter <= 0 {
			t.Errorf("%s: %v; want unavailable with a time to come back", doing, err)
		}
		if s.Verdict.SignedIn() || s.User != [16]byte{} || len(s.Roles) != 0 {
			t.Errorf("%s: something was said all the same: %+v", doing, s)
		}
	}

	r.Clock.Advance(roomtest.MaxStaleness)
	wantVerdict(t, "as stale as may be", r.V4, token.Text, session.Live)
	r.Clock.Advance(time.Nanosecond)
	unavailable("the feed was not read for longer than that")
	if s, err := r.V4.Sessions.Check(ctx, "rubbish", auth.Device{}); err == nil {
		t.Errorf("rubbish while stale: verdict %d, want unavailable: no cookie may be deleted", s.Verdict)
	}
	r.Index.MarkFresh(r.Clock.Now())
	wantVerdict(t, "the feed is read again", r.V4, token.Text, session.Live)
	r.Clock.Advance(time.Hour)
	unavailable("the wall clock jumped by an hour")
	r.Index.MarkFresh(r.Clock.Now())

	r.Index.Apply(auth.Change{Kind: auth.ChangeUserVersion, UserID: u.ID, Value: u.Version + 7, Until: r.Clock.Now().Add(time.Hour)})
	unavailable("the feed knows of a newer row than the store has")
	r.Faults.Away(true)
	unavailable("the row is to be read again and the store is away")
	r.Faults.Away(false)
	for range 7 {
		if _, err := r.Users.SetRoles(ctx, "cli", u.ID, []string{"user"}); err != nil {
			t.Fatal(err)
		}
	}
	if s := roomtest.Check(t, r.V4, token.Text); !slices.Equal(s.Roles, []string{"user"}) {
		t.Errorf("the row is as new as the feed says: roles %v", s.Roles)
	}
}

func TestCheck_ofAnIndexThatNeverHeardIsUnavailable(t *testing.T) {
	r := roomtest.New(t)
	_, token := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
	o := r.SessionOptions()
	o.Index = revocation.NewIndex()
	deaf, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mount(t, deaf, roomtest.BaseV4, r.V4.Dialect)
	_, err = m.Sessions.Check(context.Background(), token.Text, auth.Device{})
	if !errors.Is(err, auth.CodeUnavailable) || !strings.Contains(err.Error(), "change feed never read") {
		t.Errorf("got %v, want unavailable because the feed was never read", err)
	}
}

// A row deleted by somebody whose feed row has not come yet, or was purged.
func TestCheck_aUserWhoseRowIsGoneIsNobody(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	u := r.NewUser(t, "ann")
	_, token := r.Begin(t, r.V4, u, nil)
	r.Index.Apply(auth.Change{Kind: auth.ChangeUserVersion, UserID: u.ID, Value: u.Version + 1, Until: r.Clock.Now().Add(time.Hour)})
	if err := r.DB.DeleteUser(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, "no row", r.V4, token.Text, session.Void)
}

// The feed alone carries it to other nodes: a room with an index of its own,
// filled from the feed, gives the same verdicts.
func TestCheck_onAnotherNodeHearsThroughTheFeed(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	ann, bob, eve := r.NewUser(t, "ann", "admin"), r.NewUser(t, "bob"), r.NewUser(t, "eve", "admin", "user")
	annOut, annToken := r.Begin(t, r.V4, ann, nil)
	_, bobToken := r.Begin(t, r.V4, bob, nil)
	_, eveToken := r.Begin(t, r.V4, eve, nil)
	signOut(t, r, annOut)
	if _, err := r.Users.Disable(ctx, "cli", bob.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Users.SetRoles(ctx, "cli", eve.ID, nil); err != nil {
		t.Fatal(err)
	}
	o := r.SessionOptions()
	o.Index = revocation.NewIndex()
	for _, c := range r.Feed(t) {
		o.Index.Apply(c)
	}
	o.Index.MarkFresh(r.Clock.Now())
	room, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mount(t, room, roomtest.BaseV4, r.V4.Dialect)
	wantVerdict(t, "signed out", m, annToken.Text, session.JustEnded)
	wantVerdict(t, "disabled", m, bobToken.Text, session.JustEnded)
	if s := roomtest.Check(t, m, eveToken.Text); s.Verdict != session.Live || len(s.Roles) != 0 {
		t.Errorf("roles taken away: verdict %d, roles %v", s.Verdict, s.Roles)
	}
}

// Many at once check, renew and end the same sessions: no check passes that
// began after the sign-out was acknowledged.
//
// proves: ASVS 15.4.1
func TestSignOut_holdsAgainstManyRenewals(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	begun, token := r.Begin(t, r.V5, u, nil)
	acknowledged := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			current := token.Text
			for range 50 {
				over := false
				select {
				case <-acknowledged:
					over = true
				default:
				}
				s, err := r.V5.Sessions.Check(context.Background(), current, auth.Device{})
				if err != nil || over && s.Verdict.SignedIn() {
					t.Errorf("over %v, verdict %d, error %v", over, s.Verdict, err)
					return
				}
				if next, err := r.V5.Sessions.Renew(context.Background(), &s, nil); err == nil && next.Text != "" {
					current = next.Text
				}
			}
			<-acknowledged
			if s, err := r.V5.Sessions.Check(context.Background(), current, auth.Device{}); err != nil || s.Verdict.SignedIn() {
				t.Errorf("the last renewed copy: verdict %d, error %v", s.Verdict, err)
			}
		})
	}
	all.Go(func() {
		if err := r.Sessions.SignOut(context.Background(), begun, auth.Device{}); err != nil {
			t.Errorf("sign out: %v", err)
		}
		close(acknowledged)
	})
	all.Wait()
}

func TestClaims_ofAHostileCookieStayJSON(t *testing.T) {
	r := roomtest.New(t)
	_, token := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
	app := roomtest.AppOf(t, r.V4)
	hostile := app.Change(token.Text, func(c map[string]json.RawMessage) {
		c["\"},{\"gh\":\""] = text("x")
		c["a\nb\u2028</script>"] = raw(`"\ud800\u0000"`)
		c[strings.Repeat("n", 300)] = raw(`[[[[1]]]]`)
	})
	_, next := renew(t, r.V4, hostile)
	claims := app.Open(next.Text)
	if string(claims["\"},{\"gh\":\""]) != `"x"` || string(claims[strings.Repeat("n", 300)]) != `[[[[1]]]]` {
		t.Errorf("claims were altered: %v", claims)
	}
	if got := roomtest.Check(t, r.V4, next.Text); got.Verdict != session.Live {
		t.Errorf("verdict %d", got.Verdict)
	}
}

func profile(name, image string) user.Profile { return user.Profile{Name: &name, Image: &image} }
