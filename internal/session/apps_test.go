package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// withApps are Ann with a browser and three programs: one of which has a session
// yet, one that outlived its own, and one without offline_access; and Ben's.
type withApps struct {
	*roomtest.Rooms
	tokens                 *token.Issuer
	ann, ben               auth.User
	mine                   session.Checked
	fresh, orphan, online  token.Grant
	bens                   token.Grant
	freshID, orphanID, its auth.FamilyID
}

func newWithApps(t *testing.T) *withApps {
	t.Helper()
	r := roomtest.New(t)
	h := &withApps{Rooms: r, tokens: r.Tokens(t, r.TokenOptions(t)), ann: r.NewUser(t, "ann"), ben: r.NewUser(t, "ben")}
	h.mine, _ = r.Begin(t, r.V4, h.ann, nil)
	offline := token.Demand{Client: token.Client{ID: "app", Audiences: []string{roomtest.API}}, Scope: "read offline_access"}
	h.orphan = r.GrantTo(t, h.tokens, h.ann, offline)
	r.Advance(time.Minute)
	h.fresh = r.GrantTo(t, h.tokens, h.ann, token.Demand{Audience: roomtest.API, Scope: "offline_access"})
	h.online = r.GrantTo(t, h.tokens, h.ann, token.Demand{Audience: roomtest.API})
	h.bens = r.GrantTo(t, h.tokens, h.ben, offline)
	h.orphanID, h.freshID, h.its = familyOf(h.orphan), familyOf(h.fresh), familyOf(h.bens)
	row, err := r.DB.Session(t.Context(), h.orphan.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Sessions.Revoke(t.Context(), auth.Principal{UserID: h.ann.ID, SessionID: row.ID}, row.ID, auth.Device{}); err != nil {
		t.Fatal(err)
	}
	return h
}

func familyOf(g token.Grant) auth.FamilyID {
	return auth.FamilyID(g.Refresh.Reveal()[:len("fam_")+36])
}

// going are the programs that can refresh.
func (h *withApps) going(t *testing.T) (names []string) {
	t.Helper()
	for _, a := range []struct {
		name   string
		grant  *token.Grant
		client token.Client
	}{
		{"fresh", &h.fresh, token.Client{}}, {"orphan", &h.orphan, token.Client{ID: "app"}}, {"online", &h.online, token.Client{}}, {"ben's", &h.bens, token.Client{ID: "app"}},
	} {
		g, err := h.tokens.Refresh(t.Context(), a.grant.Refresh, a.client, auth.Device{})
		switch {
		case err == nil:
			a.grant.Refresh = g.Refresh
			names = append(names, a.name)
		case !errors.Is(err, auth.CodeInvalidGrant):
			t.Fatal(err)
		}
	}
	return names
}

func (h *withApps) wantGoing(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.going(t)); diff != "" {
		t.Errorf("going on (-want +got):\n%s", diff)
	}
}

func TestApps_areListedAlthoughTheirSessionEnded(t *testing.T) {
	h := newWithApps(t)
	h.wantGoing(t, "fresh", "orphan", "online", "ben's")
	ids := func(list []auth.Family, err error) (ids []auth.FamilyID) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			ids = append(ids, f.ID)
		}
		return ids
	}
	want := []auth.FamilyID{h.freshID, h.orphanID}
	if diff := cmp.Diff(want, ids(h.Sessions.Apps(t.Context(), h.mine.Principal()))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, ids(h.Sessions.Operator().Apps(t.Context(), h.ann.ID))); diff != "" {
		t.Errorf("the operator's (-want +got):\n%s", diff)
	}
	if _, err := h.Sessions.Apps(t.Context(), auth.Principal{}); !errors.Is(err, auth.CodeSignedOut) {
		t.Errorf("nobody's: %v", err)
	}
	h.Advance(roomtest.RefreshIdle - time.Minute)
	if got := ids(h.Sessions.Operator().Apps(t.Context(), h.ann.ID)); len(got) == 0 {
		t.Error("control: nothing is listed")
	}
	h.Advance(time.Minute)
	if got := ids(h.Sessions.Operator().Apps(t.Context(), h.ann.ID)); len(got) != 0 {
		t.Errorf("what was not used for so long that it cannot go on is listed: %v", got)
	}
}

func TestRevokeApp_endsOneOfOnesOwn(t *testing.T) {
	h := newWithApps(t)
	_, err := h.Sessions.RevokeApp(t.Context(), h.mine.Principal(), h.its, auth.Device{})
	if !errors.Is(err, auth.CodeNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	_, err = h.Sessions.RevokeApp(t.Context(), h.mine.Principal(), auth.NewFamilyID(h.Clock.Now()), auth.Device{})
	if !errors.Is(err, auth.CodeNotFound) {
		t.Errorf("one that never was: %v", err)
	}
	done, err := h.Sessions.RevokeApp(t.Context(), h.mine.Principal(), h.orphanID, auth.Device{})
	if err != nil || len(done.Sessions) > 0 || !cmp.Equal(done.Apps, []auth.FamilyID{h.orphanID}) {
		t.Errorf("%+v, %v", done, err)
	}
	h.wantGoing(t, "fresh", "online", "ben's")
	if done, err = h.Sessions.RevokeApp(t.Context(), h.mine.Principal(), h.orphanID, auth.Device{}); err != nil || len(done.Apps) > 0 {
		t.Errorf("once more: %+v, %v", done, err)
	}
	if err := h.Sessions.SignOut(t.Context(), h.mine, auth.Device{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Sessions.RevokeApp(t.Context(), h.mine.Principal(), h.freshID, auth.Device{}); !errors.Is(err, auth.CodeSignedOut) {
		t.Errorf("by a session that has ended: %v", err)
	}
	h.wantGoing(t, "fresh", "online", "ben's")
	if done, err = h.Sessions.Operator().RevokeApp(t.Context(), "cli", h.freshID); err != nil || len(done.Apps) != 1 {
		t.Errorf("by an operator: %+v, %v", done, err)
	}
	h.wantGoing(t, "online", "ben's")
}

// Everywhere else is every program too, also one whose session ended long ago;
// and everywhere is everywhere.
func TestRevokeOthers_endsAppsToo(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(h *withApps) (session.Revoked, error)
		apps int
	}{
		"others": {func(h *withApps) (session.Revoked, error) {
			return h.Sessions.RevokeOthers(t.Context(), h.mine.Principal(), auth.Device{})
		}, 2},
		"all": {func(h *withApps) (session.Revoked, error) {
			return h.Sessions.RevokeAll(t.Context(), h.mine.Principal(), auth.Device{})
		}, 2},
		"an operator": {func(h *withApps) (session.Revoked, error) {
			return h.Sessions.Operator().RevokeUser(t.Context(), "cli", h.ann.ID)
		}, 2},
		"an operator, but one": {func(h *withApps) (session.Revoked, error) {
			return h.Sessions.Operator().RevokeUser(t.Context(), "cli", h.ann.ID, h.mine.SessionID())
		}, 2},
	} {
		h := newWithApps(t)
		done, err := c.end(h)
		if err != nil || len(done.Apps) != c.apps {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
		h.wantGoing(t, "ben's")
	}
	h := newWithApps(t)
	done, err := h.Sessions.Operator().RevokeUser(t.Context(), "cli", h.ann.ID, h.fresh.SessionID)
	if err != nil || !cmp.Equal(done.Apps, []auth.FamilyID{h.orphanID}) {
		t.Errorf("all but that of an app: %+v, %v", done, err)
	}
	h.wantGoing(t, "fresh", "ben's")
}
