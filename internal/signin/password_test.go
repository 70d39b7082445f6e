package signin_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

const wrong auth.Secret = "certainly not the password"

// from is a browser on the mount of v4, at an address (empty: unknown).
func from(r *roomtest.Rooms, address string) signin.Browser {
	b := signin.Browser{Mount: r.V4.Sessions}
	if address != "" {
		b.Device.Address = netip.MustParseAddr(address)
	}
	return b
}

func try(r *roomtest.Rooms, identifier string, pw auth.Secret, b signin.Browser) (signin.Outcome, error) {
	return r.SignIn.Password(context.Background(), identifier, pw, b)
}

func signsIn(t *testing.T, r *roomtest.Rooms, identifier string, pw auth.Secret) signin.Outcome {
	t.Helper()
	got, err := try(r, identifier, pw, from(r, ""))
	if err != nil || !got.Done() {
		t.Fatalf("sign in as %q: missing %q, error %v", identifier, got.Missing, err)
	}
	return got
}

// failures is what the counter of a known user says.
func failures(t *testing.T, r *roomtest.Rooms, id auth.UserID) int {
	t.Helper()
	c, err := r.DB.Counter(context.Background(), r.Throttle.UserKey(id), 24*time.Hour, r.Clock.Now())
	if err != nil {
		t.Fatalf("read counter: %v", err)
	}
	return c.Failures
}

// rowsOf counts the rows that a refused sign-in must not leave.
func wantNoSession(t *testing.T, r *roomtest.Rooms, id auth.UserID) {
	t.Helper()
	live, err := r.DB.ListSessions(context.Background(), id, r.Clock.Now())
	if err != nil || len(live) != 0 {
		t.Errorf("%d sessions after a refusal (%v)", len(live), err)
	}
}

func TestPassword_beginsASession(t *testing.T) {
	r := roomtest.New(t)
	u, err := r.Users.Create(context.Background(), "test", user.New{Email: "ann@example.com", Username: "ann_a", Roles: []string{"user"}, Password: roomtest.Password})
	if err != nil {
		t.Fatal(err)
	}
	for _, identifier := range []string{"ann@example.com", "ANN@Example.com ", "ann_a", "ａｎｎ_a"} {
		got := signsIn(t, r, identifier, roomtest.Password)
		if got.User.ID != u.ID {
			t.Errorf("%q signs %s in, want %s", identifier, got.User.ID, u.ID)
		}
		s := roomtest.Check(t, r.V4, got.Token.Text)
		if diff := cmp.Diff(got.Session.Facts, s.Facts); s.Verdict != session.Live || diff != "" {
			t.Errorf("%q: verdict %d (-begun +checked):\n%s", identifier, s.Verdict, diff)
		}
		row, err := r.DB.Session(context.Background(), s.SessionID())
		if err != nil || !slices.Equal(row.Methods, []string{"pwd"}) {
			t.Errorf("row %+v, %v", row, err)
		}
	}
	if got := r.Events(t, u.ID); !slices.Contains(got, auth.EventSignInSucceeded) {
		t.Errorf("events %v", got)
	}
}

// proves: ASVS 6.2.8, NIST-2
func TestPassword_isTakenAsTyped(t *testing.T) {
	r := roomtest.New(t)
	const long auth.Secret = "a passphrase whose seventy-third byte and whose last one count as much as the first X"
	if _, err := r.Users.Create(context.Background(), "test", user.New{Username: "ann", Password: long}); err != nil {
		t.Fatal(err)
	}
	for name, pw := range map[string]auth.Secret{
		"other case": auth.Secret(strings.ToUpper(long.Reveal())), "blank behind": long + " ", "blank before": " " + long,
		"cut at 72 bytes": long[:72], "another 73rd byte": long[:72] + "#" + long[73:], "last byte cut": long[:len(long)-1], "empty": "",
		"not UTF-8": "\xff\xfe", "null byte behind": long + "\x00",
	} {
		r.Advance(time.Hour) // past any delay
		if _, err := try(r, "ann", pw, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Errorf("%s: %v, want invalid_credentials", name, err)
		}
	}
	r.Advance(time.Hour)
	signsIn(t, r, "ann", long)
}

// proves: CS-2
func TestPassword_refusesAnEndlessOneBeforeAnyWork(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	leave := fillGate(t, r) // no hash could run
	defer leave()
	if _, err := try(r, "ann@example.com", auth.Secret(strings.Repeat("x", 1<<20)), from(r, "")); !errors.Is(err, auth.CodePasswordTooLong) {
		t.Errorf("a megabyte: %v, want password_too_long", err)
	}
	if n := failures(t, r, u.ID); n != 0 {
		t.Errorf("%d failures counted", n)
	}
}

// Whoever asks learns nothing of whether somebody is registered: the same
// answer, the same delays, the same counters.
//
// proves: CS-5, ASVS 6.3.8
func TestPassword_answersAlikeForKnownUnknownAndDisabled(t *testing.T) {
	ctx := context.Background()
	type turn struct {
		Code    auth.Code
		Text    string
		Field   string
		Retry   time.Duration
		Counted int
	}
	play := func(t *testing.T, prepare func(r *roomtest.Rooms), identifier string, pw auth.Secret) []turn {
		r := roomtest.New(t)
		prepare(r)
		var turns []turn
		for range r.Throttle.Free + 3 {
			got, err := try(r, identifier, pw, from(r, ""))
			refused := auth.AsError(err)
			if err == nil || got.Token.Text != "" || got.User.ID != "" {
				t.Fatalf("a session for %q", identifier)
			}
			turns = append(turns, turn{refused.Code, refused.Text(), refused.Field, refused.RetryAfter, counters(t, r)})
			r.Advance(100 * time.Millisecond)
		}
		return turns
	}
	known := func(r *roomtest.Rooms) { r.NewUserWithPassword(t, "ann") }
	want := play(t, known, "ann@example.com", wrong)
	if want[0].Code != auth.CodeInvalidCredentials || want[len(want)-1].Code != auth.CodeTooManyAttempts {
		t.Fatalf("turns of a known user: %+v", want)
	}
	for name, c := range map[string]struct {
		prepare    func(r *roomtest.Rooms)
		identifier string
		pw         auth.Secret
	}{
		"unknown address":                       {known, "nobody@example.com", wrong},
		"unknown user name":                     {known, "nobody", wrong},
		"no password":                           {func(r *roomtest.Rooms) { r.NewUser(t, "ann") }, "ann@example.com", wrong},
		"disabled, wrong password":              {func(r *roomtest.Rooms) { disable(t, r, r.NewUserWithPassword(t, "ann")) }, "ann@example.com", wrong},
		"disabled, right password":              {func(r *roomtest.Rooms) { disable(t, r, r.NewUserWithPassword(t, "ann")) }, "ann@example.com", roomtest.Password},
		"disabled, must change, right password": {func(r *roomtest.Rooms) { disable(t, r, mustChange(t, r)) }, "ann@example.com", roomtest.Password},
		"must change, wrong password":           {func(r *roomtest.Rooms) { mustChange(t, r) }, "ann@example.com", wrong},
		"deleted, and the password right": {func(r *roomtest.Rooms) {
			if err := r.Users.Delete(ctx, "cli", r.NewUserWithPassword(t, "ann").ID); err != nil {
				t.Fatal(err)
			}
		}, "ann@example.com", roomtest.Password},
	} {
		if diff := cmp.Diff(want, play(t, c.prepare, c.identifier, c.pw)); diff != "" {
			t.Errorf("%s (-known +this):\n%s", name, diff)
		}
	}
}

// counters sums up what all counters say.
func counters(t *testing.T, r *roomtest.Rooms) (sum int) {
	t.Helper()
	r.Query(t, `SELECT coalesce(sum(failures), 0) FROM counters`, &sum)
	return sum
}

func disable(t *testing.T, r *roomtest.Rooms, u auth.User) {
	t.Helper()
	if _, err := r.Users.Disable(context.Background(), "cli", u.ID); err != nil {
		t.Fatal(err)
	}
}

func mustChange(t *testing.T, r *roomtest.Rooms) auth.User {
	t.Helper()
	u, err := r.Users.Create(context.Background(), "test", user.New{Email: "ann@example.com", Password: roomtest.Password, MustChange: true, Roles: []string{"user"}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The same work: an unknown identifier takes its place behind the gate too.
//
// proves: CS-4
func TestPassword_hashesForUnknownIdentifiersToo(t *testing.T) {
	r := roomtest.New(t)
	leave := fillGate(t, r)
	defer leave()
	if _, err := try(r, "nobody@example.com", wrong, from(r, "")); !errors.Is(err, auth.CodeBusy) {
		t.Errorf("with the gate full: %v, want busy: nothing was hashed", err)
	}
}

// A commit takes as long as the disk does: one more for users alone would tell
// them from nobody, also when guesses at nobody have long ceased to be events.
//
// proves: CS-4
func TestPassword_waitsForTheDiskAsOftenForUnknownIdentifiers(t *testing.T) {
	r := roomtest.New(t)
	r.NewUser(t, "none")
	disable(t, r, r.NewUserWithPassword(t, "disabled"))
	r.NewUserWithPassword(t, "ann")
	commits := func(identifier, address string) int64 {
		before := r.Commits.Load()
		if _, err := try(r, identifier, wrong, from(r, address)); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Fatalf("%s: %v, want invalid_credentials", identifier, err)
		}
		return r.Commits.Load() - before
	}
	want := commits("ann@example.com", "192.0.2.1")
	if want == 0 {
		t.Fatal("a wrong password reached no disk: nothing was counted")
	}
	for i := range 9 { // more than are recorded as events
		if got := commits(fmt.Sprintf("nobody-%d@example.com", i), fmt.Sprintf("192.0.2.%d", 10+i)); got != want {
			t.Errorf("guess %d at nobody: %d commits, want %d as for a user", i+1, got, want)
		}
	}
	for _, name := range []string{"none", "disabled"} {
		if got := commits(name+"@example.com", "192.0.2.100"); got != want {
			t.Errorf("%s: %d commits, want %d", name, got, want)
		}
	}
}

// What cannot be an identifier is nobody's, and costs nothing.
func TestPassword_textThatIsNoIdentifierIsWrong(t *testing.T) {
	r := roomtest.New(t)
	for _, typed := range []string{"", " ", "a", "' OR 1=1 --", "\xff", "ann\x00@example.com", strings.Repeat("x", 1<<20)} {
		if _, err := try(r, typed, roomtest.Password, from(r, "")); !errors.Is(err, auth.CodeInvalidCredentials) {
			t.Errorf("%.20q: %v, want invalid_credentials", typed, err)
		}
	}
	if n := counters(t, r); n != 0 {
		t.Errorf("%d failures counted against nobody", n)
	}
}

// fillGate takes every place behind a gate of one and returns how to free them.
func fillGate(t *testing.T, r *roomtest.Rooms) (leave func()) {
	t.Helper()
	narrow, err := password.New(password.Options{Gate: password.NewGate(1, -1)})
	if err != nil {
		t.Fatal(err)
	}
	r.SignIn.Passwords, r.Users.Passwords, r.Registration.Passwords = narrow, narrow, narrow
	ticket, err := narrow.Admit()
	if err != nil {
		t.Fatal(err)
	}
	return ticket.Release
}

// A try that cannot be judged is not counted, neither against the account nor
// against the address.
//
// proves: ASVS 15.2.2
func TestPassword_busyCountsNothing(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	leave := fillGate(t, r)
	for range 4 * r.SignIn.Throttle.Address.Burst {
		_, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7"))
		var refused *auth.Error
		if !errors.As(err, &refused) || refused.Code != auth.CodeBusy || refused.RetryAfter < time.Second {
			t.Fatalf("got %v, want busy with a second to wait at least", err)
		}
	}
	if n := failures(t, r, u.ID); n != 0 {
		t.Errorf("%d failures counted while busy", n)
	}
	leave()
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); err != nil {
		t.Errorf("the gate is free: %v", err)
	}
}

// An outage is nobody's failure either.
func TestPassword_outageIsUnavailableAndCountsNothing(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	r.Faults.Away(true)
	for range 4 * r.SignIn.Throttle.Address.Burst {
		if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); !errors.Is(err, auth.CodeUnavailable) {
			t.Fatalf("got %v, want unavailable", err)
		}
	}
	r.Faults.Away(false)
	if n := failures(t, r, u.ID); n != 0 {
		t.Errorf("%d failures counted while the store was away", n)
	}
	if _, err := try(r, "ann@example.com", roomtest.Password, from(r, "192.0.2.7")); err != nil {
		t.Errorf("the store is back: %v", err)
	}
}

// proves: CS-28, ASVS 11.2.2, CB-24
func TestPassword_upgradesAHashOfAnotherCost(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	old := fmt.Sprintf("$argon2id$v=19$m=8192,t=3,p=1$%s$%s", b64(salt), b64(argon2.IDKey([]byte(roomtest.Password.Reveal()), salt, 3, 8192, 1, 32)))
	u, err := r.Users.Import(ctx, "cli", user.New{Username: "ann", PasswordHash: old})
	if err != nil {
		t.Fatal(err)
	}
	stored := func() string {
		t.Helper()
		p, err := r.DB.Password(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash
	}
	if _, err := try(r, "ann", wrong, from(r, "")); err == nil || stored() != old {
		t.Fatalf("a wrong password: %v, and the hash changed: %v", err, stored() != old)
	}
	signsIn(t, r, "ann", roomtest.Password)
	if got := stored(); got == old || !strings.Contains(got, "m=19456,t=2,p=1") {
		t.Fatalf("stored after the sign-in: %s", got)
	}
	upgraded := stored()
	signsIn(t, r, "ann", roomtest.Password)
	if stored() != upgraded {
		t.Error("a current hash was made anew")
	}
}

// R3: the password was right, and was changed before the session began.
func TestPassword_provesNothingOnceItWasChanged(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(r *roomtest.Rooms, id auth.UserID) error{
		"password changed": func(r *roomtest.Rooms, id auth.UserID) error {
			return r.Users.SetPassword(ctx, "cli", id, roomtest.OtherPassword, false)
		},
		"disabled": func(r *roomtest.Rooms, id auth.UserID) error { _, err := r.Users.Disable(ctx, "cli", id); return err },
		"deleted":  func(r *roomtest.Rooms, id auth.UserID) error { return r.Users.Delete(ctx, "cli", id) },
	} {
		r := roomtest.New(t)
		u := r.NewUserWithPassword(t, "ann")
		b := from(r, "")
		b.Approve = func(_ context.Context, got auth.User) error {
			if got.ID != u.ID {
				t.Errorf("asked about %s", got.ID)
			}
			return change(r, u.ID)
		}
		got, err := try(r, "ann@example.com", roomtest.Password, b)
		if !errors.Is(err, auth.CodeInvalidCredentials) || got.Token.Text != "" {
			t.Errorf("%s between proof and session: %v, want invalid_credentials", name, err)
		}
		if text := auth.AsError(err).Text(); text != auth.CodeInvalidCredentials.Message() {
			t.Errorf("%s: it says %q", name, text)
		}
		wantNoSession(t, r, u.ID)
		if slices.Contains(r.Events(t, u.ID), auth.EventSignInSucceeded) {
			t.Errorf("%s: recorded as a success", name)
		}
	}
}

func TestPassword_returnsTheRefusalOfApproveAsItIs(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	b := from(r, "")
	no := errors.New("not today")
	b.Approve = func(context.Context, auth.User) error { return no }
	if _, err := try(r, "ann@example.com", roomtest.Password, b); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	wantNoSession(t, r, u.ID)
	asked := false
	b.Approve = func(context.Context, auth.User) error { asked = true; return nil }
	if _, err := try(r, "ann@example.com", wrong, b); err == nil || asked {
		t.Errorf("asked %v after a wrong password (%v)", asked, err)
	}
}

// Where nothing can be said of a session elsewhere in the browser, none begins:
// it may be somebody else's, and would go on beside this one.
func TestPassword_beginsNothingBesideAnUnknownSession(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	b := from(r, "")
	b.Elsewhere = func() ([]session.Checked, error) { return nil, auth.Unavailable(errors.New("stale")) }
	if _, err := try(r, "ann@example.com", roomtest.Password, b); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("%v, want unavailable", err)
	}
	wantNoSession(t, r, u.ID)
}

// Somebody else's session elsewhere in the browser ends with the sign-in.
func TestPassword_endsSomebodyElsesSessionElsewhere(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	bobs, token := r.Begin(t, r.V5, r.NewUser(t, "bob"), nil)
	b := from(r, "")
	b.Elsewhere = func() ([]session.Checked, error) { return []session.Checked{bobs}, nil }
	if _, err := try(r, "ann@example.com", roomtest.Password, b); err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, r.V5, token.Text); s.Verdict.SignedIn() {
		t.Errorf("verdict %d, want nobody", s.Verdict)
	}
}

func TestPassword_bringsTheOldIDOfTheMountAndClaimsOfTheBrowser(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann")
	if err := r.DB.AddOldIDs(t.Context(), u.ID, []auth.OldID{
		{Mount: r.V4.BasePath, Value: "account-7"}, {Mount: r.V4.BasePath, Value: "legacy-7", Main: true}, {Mount: r.V5.BasePath, Value: "legacy-5", Main: true},
	}); err != nil {
		t.Fatal(err)
	}
	b := from(r, "")
	b.Claims = func(c *session.Claims) { c.SetString("tenant", "t1") }
	got, err := try(r, "ann@example.com", roomtest.Password, b)
	if err != nil {
		t.Fatal(err)
	}
	claims := roomtest.AppOf(t, r.V4).Open(got.Token.Text)
	if string(claims["sub"]) != `"legacy-7"` || string(claims["tenant"]) != `"t1"` {
		t.Errorf("claims %v", claims)
	}
	if s := roomtest.Check(t, r.V4, got.Token.Text); s.UserID() != u.ID {
		t.Errorf("the subject decides who it is: %s", s.UserID())
	}
}

// proves: ASVS 7.2.4
func TestPassword_endsTheSessionThatTheBrowserBrings(t *testing.T) {
	r := roomtest.New(t)
	r.NewUserWithPassword(t, "ann")
	first := signsIn(t, r, "ann@example.com", roomtest.Password)
	b := from(r, "")
	current := roomtest.Check(t, r.V4, first.Token.Text)
	b.Current = &current
	if _, err := try(r, "ann@example.com", roomtest.Password, b); err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, r.V4, first.Token.Text); s.Verdict != session.Superseded {
		t.Errorf("the session before: verdict %d, want superseded", s.Verdict)
	}
}
