package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// window is how long adoption goes on in these tests.
const window = 40 * 24 * time.Hour

// adopting is rooms in which a mount adopts, and Ann, who was "clx7" there, and
// "github-9" by an account of hers.
func adopting(t *testing.T, do func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User)) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		m.Sessions.Adopt = m.Sessions.AdoptOldIDs(r.Clock.Now().Add(window))
		ann := r.NewUser(t, "ann", "editor")
		err := r.DB.AddOldIDs(t.Context(), ann.ID, []auth.OldID{
			{Mount: m.BasePath, Value: "clx7", Main: true}, {Mount: m.BasePath, Value: "github-9"},
		})
		if err != nil {
			t.Fatal(err)
		}
		do(t, r, m, ann)
	})
}

// fromLibrary is a cookie as NextAuth seals it for a subject; it lives for a
// year, so that nothing but what is tested ends it.
func fromLibrary(t *testing.T, r *roomtest.Rooms, m *mount.Mount, sub string) string {
	return roomtest.AppOf(t, m).Seal(map[string]json.RawMessage{
		"name": text("Eve"), "email": text("ann@example.com"), "picture": text("https://evil.example/x.png"), "sub": text(sub),
		"tenant": text("t1"), "roles": raw(`["admin"]`), "sid": text("ses_x"), "iat": raw(fmt.Sprint(r.Clock.Now().Unix())),
		"exp": raw(fmt.Sprint(r.Clock.Now().AddDate(1, 0, 0).Unix())), "jti": text("any"),
	})
}

func TestAdopt_takesTheUserThatWasImportedWithTheID(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		for _, sub := range []string{"clx7", "github-9"} {
			s, token := renew(t, m, fromLibrary(t, r, m, sub))
			if s.UserID() != ann.ID || !slices.Equal(s.Roles, []string{"editor"}) {
				t.Errorf("%s: user %s with roles %q", sub, s.UserID(), s.Roles)
			}
			// What is shown is the row's, what is the application's own stays.
			claims := roomtest.AppOf(t, m).Open(token.Text)
			got := map[string]string{}
			for _, name := range []string{"name", "email", "picture", "sub", "tenant", "roles"} {
				got[name] = string(claims[name])
			}
			want := map[string]string{
				"name": `"ann"`, "email": `"ann@example.com"`, "picture": "", "sub": `"` + sub + `"`, "tenant": `"t1"`, "roles": `["editor"]`,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: claims (-want +got):\n%s", sub, diff)
			}
			if got := roomtest.Check(t, m, token.Text); got.Verdict != session.Live || got.SessionID() != s.SessionID() {
				t.Errorf("%s: sealed anew it is session %s (verdict %d), want %s", sub, got.SessionID(), got.Verdict, s.SessionID())
			}
		}
	})
}

// Many copies of a cookie, sealed again and again by the application, are one
// row a day.
func TestAdopt_makesOneRowADay(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		ids := map[auth.SessionID]bool{}
		for range 3 {
			for range 20 {
				ids[roomtest.Check(t, m, fromLibrary(t, r, m, "clx7")).SessionID()] = true
			}
			r.Advance(24 * time.Hour)
		}
		live, err := r.DB.ListSessions(t.Context(), ann.ID, r.Clock.Now())
		if err != nil || len(ids) != 3 || len(live) != 3 {
			t.Errorf("%d sessions in %d rows (%v), want 3", len(ids), len(live), err)
		}
		adopted := slices.DeleteFunc(r.Events(t, ann.ID), func(e auth.EventType) bool { return e != auth.EventSessionAdopted })
		if len(adopted) != 3 {
			t.Errorf("%d events, want 3", len(adopted))
		}
	})
}

func TestAdopt_makesOneRowForManyAtOnce(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		cookie := fromLibrary(t, r, m, "clx7")
		var wg sync.WaitGroup
		for range 24 {
			wg.Go(func() {
				if s, err := m.Sessions.Check(t.Context(), cookie, auth.Device{}); err != nil || s.Verdict != session.Live {
					t.Errorf("verdict %d, error %v", s.Verdict, err)
				}
			})
		}
		wg.Wait()
		if live, err := r.DB.ListSessions(t.Context(), ann.ID, r.Clock.Now()); err != nil || len(live) != 1 {
			t.Errorf("%d rows (%v), want 1", len(live), err)
		}
	})
}

func TestAdopt_refusesWhatNamesNobodyWhoWasImported(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		app, now := roomtest.AppOf(t, m), r.Clock.Now().Unix()
		seal := func(format string, args ...any) string { return app.SealText(fmt.Sprintf(format, args...)) }
		other := r.V4
		if m == r.V4 {
			other = r.V5
		}
		if err := r.DB.AddOldIDs(t.Context(), ann.ID, []auth.OldID{{Mount: other.BasePath, Value: "elsewhere", Main: true}}); err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, "control", m, seal(`{"sub":"clx7","exp":%d}`, now+60), session.Live)
		for doing, cookie := range map[string]string{
			"no subject":                    seal(`{"exp":%d}`, now+60),
			"a subject that is no text":     seal(`{"sub":["clx7"],"exp":%d}`, now+60),
			"an empty subject":              seal(`{"sub":"","exp":%d}`, now+60),
			"a subject without end":         seal(`{"sub":%q,"exp":%d}`, strings.Repeat("a", 4000), now+60),
			"a subject with a control":      seal(`{"sub":"clx7\u0000","exp":%d}`, now+60),
			"no end":                        seal(`{"sub":"clx7"}`),
			"past its end":                  seal(`{"sub":"clx7","exp":%d}`, now-60),
			"an end that is no number":      seal(`{"sub":"clx7","exp":"%d"}`, now+60),
			"not valid yet":                 seal(`{"sub":"clx7","exp":%d,"nbf":%d}`, now+600, now+60),
			"facts that are not ours":       seal(`{"sub":"clx7","exp":%d,"gh":"AAAA"}`, now+60),
			"facts that are nothing":        seal(`{"sub":"clx7","exp":%d,"gh":null}`, now+60),
			"a subject beside a nested one": seal(`{"user":{"sub":"clx7"},"exp":%d}`, now+60),
		} {
			wantVerdict(t, doing, m, cookie, session.Void)
		}
		// An import may have been forgotten, or the secret copied wrongly: what could
		// still be saved is not deleted.
		for doing, cookie := range map[string]string{
			"nobody's ID, somebody's address":   seal(`{"sub":"x","email":"ann@example.com","exp":%d}`, now+60),
			"an address for an ID":              seal(`{"sub":"ann@example.com","exp":%d}`, now+60),
			"our own ID for an old one":         seal(`{"sub":%q,"exp":%d}`, ann.ID, now+60),
			"the ID of another mount":           seal(`{"sub":"elsewhere","exp":%d}`, now+60),
			"in other letters":                  seal(`{"sub":"CLX7","exp":%d}`, now+60),
			"a subject of Object's own members": seal(`{"sub":"__proto__","exp":%d}`, now+60),
			"another secret's":                  "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
			"junk":                              "junk",
		} {
			wantVerdict(t, doing, m, cookie, session.JustEnded)
		}
		wantVerdict(t, "where nothing is adopted", other, roomtest.AppOf(t, other).SealText(fmt.Sprintf(`{"sub":"elsewhere","exp":%d}`, now+60)), session.Void)
	})
}

func TestAdopt_endsWithItsWindow(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, _ auth.User) {
		cookie := fromLibrary(t, r, m, "clx7")
		r.Advance(window - time.Second)
		_, adopted := renew(t, m, cookie)
		r.Advance(time.Second)
		wantVerdict(t, "a cookie that was never adopted, at the end", m, cookie, session.Void)
		wantVerdict(t, "a session that was adopted before", m, adopted.Text, session.Live)
		wantVerdict(t, "junk", m, "junk", session.Void)
		wantVerdict(t, "of nobody who was imported", m, fromLibrary(t, r, m, "x"), session.Void)
	})
}

// Nobody can tell which of the cookies without facts belong to a session that
// was ended, so that none is taken any more: not today, not on another day.
func TestAdopt_isOverOnceAnySessionOfTheUserEnded(t *testing.T) {
	ways := map[string]func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User){
		"the adopted session signs out": func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, _ auth.User) {
			signOut(t, r, roomtest.Check(t, m, fromLibrary(t, r, m, "clx7")))
		},
		"one that was never adopted signs out": func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
			s, _ := r.Begin(t, m, ann, nil)
			signOut(t, r, s)
		},
		"one at another mount signs out": func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
			other := r.V4
			if m == r.V4 {
				other = r.V5
			}
			s, _ := r.Begin(t, other, ann, nil)
			signOut(t, r, s)
		},
		"a sign-in takes its place": func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
			current := roomtest.Check(t, m, fromLibrary(t, r, m, "clx7"))
			r.Begin(t, m, ann, &current)
		},
		"the operator disables and enables the user": func(t *testing.T, r *roomtest.Rooms, _ *mount.Mount, ann auth.User) {
			if _, err := r.Users.Disable(t.Context(), "test", ann.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Users.Enable(t.Context(), "test", ann.ID); err != nil {
				t.Fatal(err)
			}
		},
		"the operator sets a password": func(t *testing.T, r *roomtest.Rooms, _ *mount.Mount, ann auth.User) {
			if err := r.Users.SetPassword(t.Context(), "test", ann.ID, roomtest.Password, false); err != nil {
				t.Fatal(err)
			}
		},
		"too many sessions": func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
			for range roomtest.MaxPerUser + 1 {
				r.Begin(t, m, ann, nil)
			}
		},
	}
	for doing, end := range ways {
		t.Run(doing, func(t *testing.T) {
			adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
				cookie, before := fromLibrary(t, r, m, "clx7"), fromLibrary(t, r, m, "github-9")
				wantVerdict(t, "before", m, cookie, session.Live)
				end(t, r, m, ann)
				// An answer under way must not wipe the cookie of a new sign-in.
				wantVerdict(t, "at once", m, cookie, session.JustEnded)
				wantVerdict(t, "by another of the user's IDs", m, before, session.JustEnded)
				r.Advance(auth.SupersededGrace)
				wantVerdict(t, "a moment later", m, cookie, session.Void)
				r.Advance(24 * time.Hour)
				wantVerdict(t, "the day after", m, cookie, session.Void)
				wantVerdict(t, "sealed anew by the application", m, fromLibrary(t, r, m, "clx7"), session.Void)
			})
		})
	}
}

// A deleted user's ID may have been given to somebody else.
func TestAdopt_knowsNoDeletedUser(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		cookie := fromLibrary(t, r, m, "clx7")
		wantVerdict(t, "before", m, cookie, session.Live)
		if err := r.Users.Delete(t.Context(), "test", ann.ID); err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, "after", m, cookie, session.JustEnded)
		r.Advance(24 * time.Hour)
		wantVerdict(t, "the day after", m, cookie, session.JustEnded)
	})
}

// Whoever moves with a wrong secret, or without an import, is told.
func TestAdopt_saysOnceAMinuteWhatItLeftAlone(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, _ auth.User) {
		var log strings.Builder
		m.Sessions.Logger = slog.New(slog.NewTextHandler(&log, nil))
		lines := func() int { return strings.Count(log.String(), "\n") }
		wantVerdict(t, "control", m, fromLibrary(t, r, m, "clx7"), session.Live)
		if lines() != 0 {
			t.Fatalf("a good one is told of:\n%s", log.String())
		}
		for range 10 {
			wantVerdict(t, "junk", m, "junk", session.JustEnded)
			wantVerdict(t, "of nobody", m, fromLibrary(t, r, m, "x"), session.JustEnded)
		}
		if lines() != 1 {
			t.Errorf("%d lines in a minute:\n%s", lines(), log.String())
		}
		r.Advance(time.Minute)
		wantVerdict(t, "of nobody", m, fromLibrary(t, r, m, "x"), session.JustEnded)
		if !strings.Contains(log.String(), "unopened=9 not_imported=11") {
			t.Errorf("a minute later:\n%s", log.String())
		}
	})
}

// Importing the old file again brings a deleted user back, and must not bring
// back what a sign-out had ended for good.
func TestAdopt_isNotBroughtBackByDeletingAndImportingAgain(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		cookie := fromLibrary(t, r, m, "github-9")
		signOut(t, r, roomtest.Check(t, m, cookie))
		if err := r.Users.Delete(t.Context(), "test", ann.ID); err != nil {
			t.Fatal(err)
		}
		importOne(t, r, m, transfer.User{Email: "ann@example.com", OldIDs: []auth.OldID{{Value: "clx7", Main: true}, {Value: "github-9"}}})
		importOne(t, r, m, transfer.User{Email: "bob@example.com", OldIDs: []auth.OldID{{Value: "clx8", Main: true}}})
		wantVerdict(t, "somebody else's", m, fromLibrary(t, r, m, "clx8"), session.Live)
		r.Advance(24 * time.Hour)
		wantVerdict(t, "the day after", m, cookie, session.Void)
		wantVerdict(t, "by another of the user's IDs", m, fromLibrary(t, r, m, "clx7"), session.Void)
	})
}

// What another Gatehouse has refused is not in its export, and nobody is adopted
// whom the file bars.
func TestAdopt_takesNobodyWhoCameFromAGatehouseOrBarred(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, _ auth.User) {
		importOne(t, r, m, transfer.User{ID: auth.NewUserID(r.Clock.Now()), Email: "bob@example.com", OldIDs: []auth.OldID{{Value: "1"}}})
		importOne(t, r, m, transfer.User{Email: "eve@example.com", Disabled: true, OldIDs: []auth.OldID{{Value: "2"}}})
		eve, err := r.DB.UserByIdentifier(t.Context(), "eve@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Users.Enable(t.Context(), "test", eve.ID); err != nil {
			t.Fatal(err)
		}
		r.Advance(time.Hour)
		wantVerdict(t, "from a Gatehouse", m, fromLibrary(t, r, m, "1"), session.Void)
		wantVerdict(t, "barred in the file", m, fromLibrary(t, r, m, "2"), session.Void)
	})
}

func importOne(t *testing.T, r *roomtest.Rooms, m *mount.Mount, u transfer.User) {
	t.Helper()
	im := r.Users.NewImport(user.ImportOptions{Actor: "test", Mounts: []string{m.BasePath}, Plain: []string{m.BasePath}})
	if out, err := im.Users(t.Context(), []transfer.User{u}); err != nil || out[0] != (user.Outcome{}) {
		t.Fatalf("import %s: %+v, %v", u.Email, out, err)
	}
}

// What ends between the reads of an adoption is not brought to life by it.
func TestAdopt_losesAgainstARevocationUnderWay(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		m.Sessions.Store = between{m.Sessions.Store, func() {
			if _, err := r.Users.Disable(t.Context(), "test", ann.ID); err != nil {
				t.Error(err)
			}
		}}
		wantVerdict(t, "disabled meanwhile", m, fromLibrary(t, r, m, "clx7"), session.JustEnded)
		if live, err := r.DB.ListSessions(t.Context(), ann.ID, r.Clock.Now()); err != nil || len(live) != 0 {
			t.Errorf("%d rows (%v), want none", len(live), err)
		}
	})
}

// A sign-out raises no epoch and disables nobody: only the refusal tells of it.
func TestAdopt_losesAgainstASignOutUnderWay(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		s, _ := r.Begin(t, m, ann, nil)
		m.Sessions.Store = between{m.Sessions.Store, func() { signOut(t, r, s) }}
		wantVerdict(t, "signed out meanwhile", m, fromLibrary(t, r, m, "clx7"), session.JustEnded)
	})
}

// Two applications behind one Gatehouse may both have a user "1".
func TestAdopt_isAnotherSessionAtEachMount(t *testing.T) {
	r := roomtest.New(t)
	users := map[*mount.Mount]auth.User{r.V4: r.NewUser(t, "ann"), r.V5: r.NewUser(t, "bob")}
	ids := map[auth.SessionID]bool{}
	for m, u := range users {
		m.Sessions.Adopt = m.Sessions.AdoptOldIDs(r.Clock.Now().Add(window))
		if err := r.DB.AddOldIDs(t.Context(), u.ID, []auth.OldID{{Mount: m.BasePath, Value: "1", Main: true}}); err != nil {
			t.Fatal(err)
		}
		s := roomtest.Check(t, m, fromLibrary(t, r, m, "1"))
		row, err := r.DB.Session(t.Context(), s.SessionID())
		if err != nil || s.UserID() != u.ID || row.UserID != u.ID || row.Mount != m.BasePath {
			t.Errorf("%s: session of %s in a row of %s at %s (%v), want %s", m.BasePath, s.UserID(), row.UserID, row.Mount, err, u.ID)
		}
		ids[s.SessionID()] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d sessions, want 2", len(ids))
	}
}

// At a mount an ID of another mount is somebody else's, and that of an account is
// not what the application's tables say.
func TestBegin_saysTheMainOldIDOfItsOwnMount(t *testing.T) {
	r := roomtest.New(t)
	ann := r.NewUser(t, "ann")
	err := r.DB.AddOldIDs(t.Context(), ann.ID, []auth.OldID{
		{Mount: "/", Value: "0", Main: true}, {Mount: r.V4.BasePath, Value: "a"}, {Mount: r.V4.BasePath, Value: "z", Main: true}, {Mount: r.V5.BasePath, Value: "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for m, want := range map[*mount.Mount]string{r.V4: "z", r.V5: string(ann.ID)} {
		if s, _ := r.Begin(t, m, ann, nil); s.Subject() != want {
			t.Errorf("%s: subject %q, want %q", m.BasePath, s.Subject(), want)
		}
	}
}

// between lets something happen after the user was read.
type between struct {
	store.Store
	do func()
}

func (b between) UserByOldID(ctx context.Context, mount, value string) (auth.Adoption, error) {
	defer b.do()
	return b.Store.UserByOldID(ctx, mount, value)
}

// Without the database nothing is said, so that no cookie is deleted.
func TestAdopt_saysNothingWithoutTheDatabase(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, _ auth.User) {
		cookie := fromLibrary(t, r, m, "clx7")
		for _, method := range []string{"UserByOldID", "Session", "InTx", "InsertSession", "AppendEvent"} {
			mend := r.Faults.Break(method)
			if s, err := m.Sessions.Check(t.Context(), cookie, auth.Device{}); !errors.Is(err, auth.CodeUnavailable) || s.Verdict.SignedIn() {
				t.Errorf("without %s: verdict %d, error %v", method, s.Verdict, err)
			}
			mend()
		}
		wantVerdict(t, "with all of them", m, cookie, session.Live)
	})
}

// A sign-out that cannot be kept for adopted copies is no sign-out.
func TestSignOut_isWholeOrNothingForAdoptedCopies(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, _ auth.User) {
		s, token := renew(t, m, fromLibrary(t, r, m, "clx7"))
		defer r.Faults.Break("RefuseAdoption")()
		if err := r.Sessions.SignOut(t.Context(), s, auth.Device{}); err == nil {
			t.Error("acknowledged")
		}
		wantVerdict(t, "after it", m, token.Text, session.Live)
	})
}

// Cookies with facts are checked without the database, adoption or not.
func TestAdopt_isNotAskedAboutOurOwnCookies(t *testing.T) {
	adopting(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, ann auth.User) {
		_, token := r.Begin(t, m, ann, nil)
		if sub := string(roomtest.AppOf(t, m).Open(token.Text)["sub"]); sub != `"clx7"` {
			t.Errorf("sub is %s, want the main old ID", sub)
		}
		r.Faults.Away(true)
		wantVerdict(t, "with the database away", m, token.Text, session.Live)
	})
}
