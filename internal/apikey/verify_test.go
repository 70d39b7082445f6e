package apikey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// forged is a key of that ID with a secret of another key, to the letter right.
func (o *office) forged(c apikey.Created) auth.Secret {
	o.t.Helper()
	other := o.service("clerk").Text.Reveal()
	body := apikey.Shown(c.Key) + other[len(apikey.Shown(c.Key)):84]
	return auth.Secret(body + apikey.Checksum(body))
}

// proves: NEXT-18
func TestVerify_saysWhoAsks(t *testing.T) {
	o := newOffice(t)
	ann := o.NewUser(t, "ann", "boss", "clerk")
	for name, c := range map[string]struct {
		draft apikey.Draft
		want  auth.Principal
	}{
		"a service":                      {apikey.Draft{Roles: []string{"clerk"}}, auth.Principal{Roles: []string{"clerk"}}},
		"a service, narrowed":            {apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"orders:read"}}, auth.Principal{NarrowedRoles: []string{"boss"}, Scopes: []string{"orders:read"}}},
		"a user's":                       {apikey.Draft{UserID: ann.ID}, auth.Principal{UserID: ann.ID, Roles: []string{"boss", "clerk"}}},
		"a user's with one of the roles": {apikey.Draft{UserID: ann.ID, Roles: []string{"clerk"}}, auth.Principal{UserID: ann.ID, Roles: []string{"clerk"}}},
		"a user's, narrowed":             {apikey.Draft{UserID: ann.ID, Scopes: []string{"orders:*"}}, auth.Principal{UserID: ann.ID, NarrowedRoles: []string{"boss", "clerk"}, Scopes: []string{"orders:*"}}},
	} {
		o := newOffice(t)
		ann := ann
		if c.draft.UserID != "" {
			ann = o.NewUser(t, "ann", "boss", "clerk")
			c.draft.UserID, c.want.UserID = ann.ID, ann.ID
		}
		key := o.made(c.draft)
		c.want.APIKeyID = key.Key.ID
		for _, again := range []string{"cold", "warm"} {
			if diff := cmp.Diff(c.want, o.good(name, key.Text)); diff != "" {
				t.Errorf("%s, %s: %s", name, again, diff)
			}
		}
		if o.reads.n != 1 {
			t.Errorf("%s: %d questions to the database for two checks, want 1", name, o.reads.n)
		}
	}
	o.refused("none", "", auth.CodeInvalidAPIKey)
	o.refused("a wrong one", o.forged(o.service("clerk")), auth.CodeInvalidAPIKey)
}

// A key that was revoked is refused at once, warm and cold, also when the row
// says it and the feed not yet.
//
// proves: CS-36
func TestRevoke_isInForceAtOnce(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	warm, cold := o.service("clerk"), o.service("clerk")
	o.good("before", warm.Text)
	for _, c := range []apikey.Created{warm, cold} {
		done, err := o.room.Revoke(ctx, cli, c.Key.ID)
		if err != nil || done.Key.RevokedAt.IsZero() || done.Effective == "" {
			t.Fatalf("revoke: %+v, %v", done, err)
		}
		o.refused("a revoked key", c.Text, auth.CodeInvalidAPIKey)
		again, err := o.room.Revoke(ctx, cli, c.Key.ID)
		if err != nil || !again.Key.RevokedAt.Equal(done.Key.RevokedAt) {
			t.Errorf("once more: %+v, %v", again, err)
		}
	}
	byRow := o.service("clerk")
	if err := o.DB.RevokeAPIKey(ctx, byRow.Key.ID, o.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	o.refused("a row that was revoked", byRow.Text, auth.CodeInvalidAPIKey)
	if _, err := o.room.Revoke(ctx, cli, auth.NewAPIKeyID(o.Clock.Now())); auth.AsError(err).Code != auth.CodeNotFound {
		t.Errorf("no such key: %v", err)
	}
	if feed := o.Feed(t); len(feed) != 2 || feed[0].Kind != auth.ChangeAPIKeyEnded || !feed[0].Until.Equal(warm.Key.ExpiresAt.Add(5*time.Minute)) {
		t.Errorf("the feed: %+v", feed)
	}
}

// Past its end, and in another environment, a key is refused; the end is that of
// its birth.
//
// proves: NEXT-34
func TestVerify_refusesWhatExpiredAndWhatIsOfElsewhere(t *testing.T) {
	o := newOffice(t)
	c := o.made(apikey.Draft{Roles: []string{"clerk"}, Lifetime: time.Hour})
	o.good("before", c.Text)
	o.Advance(time.Hour - time.Microsecond)
	o.good("a moment before the end", c.Text)
	o.Advance(time.Microsecond)
	o.refused("at the end, warm", c.Text, auth.CodeInvalidAPIKey)
	elsewhere := newOffice(t, func(p *apikey.Options) { p.Store, p.Environment = o.Store, "test" })
	elsewhere.refused("in another environment", o.service("clerk").Text, auth.CodeInvalidAPIKey)
	cold := o.made(apikey.Draft{Roles: []string{"clerk"}, Lifetime: time.Minute})
	o.Advance(time.Minute)
	o.refused("at the end, cold", cold.Text, auth.CodeInvalidAPIKey)
}

// What ends or changes the user ends or changes the user's keys.
func TestVerify_followsTheUser(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		do   func(o *office, u auth.User) error
		want auth.Code
		role string
	}{
		"nothing": {func(*office, auth.User) error { return nil }, "", "clerk"},
		"another role": {func(o *office, u auth.User) error {
			_, err := o.Users.SetRoles(ctx, "cli", u.ID, []string{"boss"})
			return err
		}, "", "boss"},
		"no role":  {func(o *office, u auth.User) error { _, err := o.Users.SetRoles(ctx, "cli", u.ID, nil); return err }, "", ""},
		"disabled": {func(o *office, u auth.User) error { _, err := o.Users.Disable(ctx, "cli", u.ID); return err }, auth.CodeInvalidAPIKey, ""},
		"deleted":  {func(o *office, u auth.User) error { return o.Users.Delete(ctx, "cli", u.ID) }, auth.CodeInvalidAPIKey, ""},
		"signed out anywhere": {func(o *office, u auth.User) error {
			_, err := o.Sessions.Operator().RevokeUser(ctx, "cli", u.ID)
			return err
		}, auth.CodeInvalidAPIKey, ""},
	} {
		o := newOffice(t)
		ann := o.NewUser(t, "ann", "clerk")
		warm, cold, service := o.made(apikey.Draft{UserID: ann.ID}), o.made(apikey.Draft{UserID: ann.ID}), o.service("clerk")
		o.good("before", warm.Text)
		if err := c.do(o, ann); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for which, text := range map[string]auth.Secret{"warm": warm.Text, "cold": cold.Text} {
			p, code := o.verify(text, nowhere)
			if code != c.want || strings.Join(p.Roles, " ") != c.role {
				t.Errorf("%s, %s: %q with the roles %q, want %q with %q", name, which, code, p.Roles, c.want, c.role)
			}
		}
		o.good(name+": the key of a service", service.Text)
		if rows, err := o.room.List(ctx, store.APIKeyFilter{User: ann.ID}, "", 10); err == nil {
			for _, k := range rows {
				if k.RevokedAt.IsZero() != (c.want == "") {
					t.Errorf("%s: a list shows the key as revoked at %v", name, k.RevokedAt)
				}
			}
		}
	}
}

// Filling the cache races with the feed (guarantees R8): what was read before a
// change is kept after it, and is not believed.
func TestVerify_neverBelievesWhatWasReadBeforeAChange(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		do   func(o *office, id auth.APIKeyID) error
		want auth.Code
		role string
	}{
		"revoked": {func(o *office, id auth.APIKeyID) error { _, err := o.room.Revoke(ctx, cli, id); return err }, auth.CodeInvalidAPIKey, ""},
		"changed": {func(o *office, id auth.APIKeyID) error {
			_, err := o.room.Update(ctx, cli, id, 0, apikey.Change{Roles: &[]string{"clerk"}})
			return err
		}, "", "clerk"},
	} {
		o := newOffice(t)
		key := o.service("boss")
		o.reads.hold = func() {
			o.reads.hold = nil
			if err := c.do(o, key.Key.ID); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			p, code := o.verify(key.Text, nowhere)
			if code != c.want || strings.Join(p.Roles, " ") != c.role {
				t.Errorf("%s while it was read: %q with %q", name, code, p.Roles)
			}
		}
	}
	// A row that stays older than the feed says is no truth at all.
	o := newOffice(t)
	key := o.service("boss")
	o.Index.Apply(auth.Change{Kind: auth.ChangeAPIKeyChanged, KeyID: string(key.Key.ID), Value: 2, Until: key.Key.ExpiresAt})
	o.refused("a row that is behind", key.Text, auth.CodeUnavailable)
}

// Revocations while many check: no check that begins after one has returned
// finds the key good.
func TestVerify_whileKeysAreRevoked(t *testing.T) {
	o := newOffice(t)
	o.reads.hold = nil
	var keys []apikey.Created
	for range 12 {
		keys = append(keys, o.service("clerk"))
	}
	room, err := apikey.New(func() apikey.Options { p := o.room.Options; p.Store = o.Store; return p }())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, c := range keys {
		ended := make(chan struct{})
		all.Go(func() {
			defer close(ended)
			if _, err := room.Revoke(context.Background(), cli, c.Key.ID); err != nil {
				t.Error(err)
			}
		})
		for range 3 {
			all.Go(func() {
				for over := false; ; {
					select {
					case <-ended:
						over = true
					default:
					}
					_, err := room.Verify(context.Background(), c.Text.Reveal(), nowhere)
					if over {
						wantCode(t, "after it was revoked", err, auth.CodeInvalidAPIKey)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

// Without the feed nothing can be said, and with an index that is full the rows
// are asked each time.
func TestVerify_restsOnTheIndex(t *testing.T) {
	o := newOffice(t)
	c := o.service("clerk")
	o.good("before", c.Text)
	o.Clock.Advance(roomtest.MaxStaleness + time.Second)
	o.refused("a feed that is not read", c.Text, auth.CodeUnavailable)
	o.Index.MarkFresh(o.Clock.Now())
	o.good("read again", c.Text)
	o.Faults.Away(true)
	o.good("without a database, warm", c.Text)
	o.Faults.Away(false)

	full := newOffice(t)
	index := revocation.NewIndexOf(1)
	index.MarkFresh(full.Clock.Now())
	room, err := apikey.New(func() apikey.Options {
		p := full.room.Options
		p.Index, p.Store = index, full.reads
		return p
	}())
	if err != nil {
		t.Fatal(err)
	}
	full.room = room
	c, other := full.service("clerk"), full.service("clerk")
	full.good("before", c.Text)
	for _, k := range []apikey.Created{other, c} {
		if err := full.DB.RevokeAPIKey(t.Context(), k.Key.ID, full.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		index.Apply(auth.Change{Kind: auth.ChangeAPIKeyEnded, KeyID: string(k.Key.ID), Until: k.Key.ExpiresAt})
	}
	if _, ended := index.APIKey(mustUUID(t, c.Key.ID)); ended {
		t.Fatal("the index is not full")
	}
	full.refused("a key of which a full index keeps but a trace", c.Text, auth.CodeInvalidAPIKey)
}

func mustUUID(t *testing.T, id auth.APIKeyID) [16]byte {
	t.Helper()
	u, err := id.UUID()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestVerify_whereItMayBeUsedFrom(t *testing.T) {
	o := newOffice(t)
	bound := o.made(apikey.Draft{Roles: []string{"clerk"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.1.9.9/16"), netip.MustParsePrefix("2001:db8::/32")}})
	free := o.service("clerk")
	for from, want := range map[netip.Addr]auth.Code{
		inside: "", netip.MustParseAddr("::ffff:10.1.2.3"): "", netip.MustParseAddr("2001:db8::1"): "", netip.MustParseAddr("10.2.0.1"): auth.CodeForbidden,
		outside: auth.CodeForbidden, nowhere: auth.CodeForbidden, netip.MustParseAddr("2001:db9::1"): auth.CodeForbidden,
	} {
		for range 2 {
			if _, code := o.verify(bound.Text, from); code != want {
				t.Errorf("from %v: %q, want %q", from, code, want)
			}
			if _, code := o.verify(free.Text, from); code != "" {
				t.Errorf("a key for everywhere from %v: %q", from, code)
			}
		}
	}
}

// A key is limited, from however many addresses it is used, and no other one with
// it.
//
// proves: NEXT-38
func TestVerify_limitsEachKey(t *testing.T) {
	o := newOffice(t, func(p *apikey.Options) { p.RateLimit = auth.RateLimit{Requests: 5, Period: time.Minute} })
	own, usual, other := o.made(apikey.Draft{Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: 2, Period: time.Minute}}), o.service("clerk"), o.service("clerk")
	for name, c := range map[string]struct {
		text auth.Secret
		want int
	}{"its own": {own.Text, 2}, "that of the settings": {usual.Text, 5}} {
		good := 0
		for i := range 10 {
			_, err := o.room.Verify(t.Context(), c.text.Reveal(), netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
			if err == nil {
				good++
			} else if e := auth.AsError(err); e.Code != auth.CodeTooManyAttempts || e.RetryAfter <= 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if good != c.want {
			t.Errorf("%s: %d of 10 passed, want %d", name, good, c.want)
		}
	}
	o.good("another key", other.Text)
	o.Advance(time.Minute)
	o.good("after a minute", own.Text)
}

// An ID that nobody has, and a wrong secret, look and cost the same: one question
// to the database, one hash, one answer. How long they take is measured by
// bench/timing.
//
// proves: NEXT-35
func TestVerify_tellsNobodyWhichKeysThereAre(t *testing.T) {
	o := newOffice(t)
	known := o.service("clerk")
	unknown := o.service("clerk")
	if err := o.DB.InTx(t.Context(), func(tx store.Tx) error {
		_, err := tx.PurgeAPIKeys(t.Context(), unknown.Key.ExpiresAt.Add(time.Second), 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	o.Exec(t, `DELETE FROM api_keys WHERE id = '`+string(unknown.Key.ID)+`'`)
	for name, text := range map[string]auth.Secret{"an unknown ID": unknown.Text, "a wrong secret": o.forged(known)} {
		o.reads.n = 0
		_, err := o.room.Verify(t.Context(), text.Reveal(), outside)
		if e := auth.AsError(err); e.Code != auth.CodeInvalidAPIKey || e.Text() != auth.CodeInvalidAPIKey.Message() || e.RetryAfter != 0 || o.reads.n != 1 {
			t.Errorf("%s: %v, %d questions", name, err, o.reads.n)
		}
	}
	// Whoever guesses is held up by address, and good keys of that address are not
	// counted.
	refused := 0
	for range 300 {
		if _, err := o.room.Verify(t.Context(), unknown.Text.Reveal(), outside); auth.AsError(err).Code == auth.CodeTooManyAttempts {
			refused++
		}
	}
	if refused < 50 {
		t.Errorf("%d of 300 guesses of one address were held up", refused)
	}
	if _, code := o.verify(known.Text, inside); code != "" {
		t.Errorf("another address: %s", code)
	}
	// That nobody knows where they come from opens no flood of the database.
	o.reads.n = 0
	for range 5000 {
		o.verify(unknown.Text, nowhere)
	}
	if o.reads.n == 5000 {
		t.Error("guesses from nowhere are not held up")
	}
}

// Neither rows, nor lists, nor errors, nor the log have the secret.
//
// proves: NEXT-17, NEXT-37, ASVS 14.2.4, ASVS 14.2.6
func TestCreate_showsTheSecretOnce(t *testing.T) {
	var log bytes.Buffer
	o := newOffice(t, func(p *apikey.Options) { p.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	ann := o.NewUser(t, "ann", "boss")
	c := o.made(apikey.Draft{UserID: ann.ID, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	secret := c.Text.Reveal()[41:]
	var said []string
	_, err := o.room.Verify(t.Context(), c.Text.Reveal(), outside)
	said = append(said, fmt.Sprint(err))
	_, err = o.room.Verify(t.Context(), o.forged(c).Reveal(), inside)
	said = append(said, fmt.Sprint(err))
	list, err := o.room.List(t.Context(), store.APIKeyFilter{}, "", 10)
	text, _ := json.Marshal(list)
	said = append(said, string(text), log.String(), fmt.Sprint(err))
	events, err := o.DB.ListEvents(t.Context(), "", 100)
	said = append(said, fmt.Sprintf("%+v %v", events, err))
	for _, path := range []string{o.Path, o.Path + "-wal"} {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, string(file))
	}
	control := false
	for i, s := range said {
		if strings.Contains(s, secret[:20]) || strings.Contains(s, secret[20:43]) {
			t.Errorf("text %d has the secret", i)
		}
		control = control || strings.Contains(s, c.Key.SecretHash)
	}
	if !control {
		t.Error("the database does not have the hash: the search finds nothing at all")
	}
}

// A refusal of a key that there is, is recorded, once an hour.
func TestVerify_recordsRefusalsWithoutAFlood(t *testing.T) {
	o := newOffice(t)
	c := o.made(apikey.Draft{Roles: []string{"clerk"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	told := func() (list []string) {
		events, err := o.DB.ListEvents(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Type == auth.EventAPIKeyRefused {
				if e.Subject != "api_key:"+string(c.Key.ID) || e.Address != outside {
					t.Errorf("recorded: %+v", e)
				}
				list = append(list, e.Detail)
			}
		}
		return list
	}
	for range 20 {
		_, _ = o.verify(c.Text, outside)
	}
	if diff := cmp.Diff([]string{"wrong_network"}, told()); diff != "" {
		t.Error(diff)
	}
	o.Advance(time.Hour)
	if _, err := o.room.Revoke(t.Context(), cli, c.Key.ID); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_, _ = o.verify(c.Text, outside)
	}
	o.Advance(time.Hour)
	_, _ = o.verify(o.forged(c), outside)
	if diff := cmp.Diff([]string{"wrong_secret", "revoked", "wrong_network"}, told()); diff != "" {
		t.Error(diff)
	}
}

func TestFlushUsed_writesBehind(t *testing.T) {
	o := newOffice(t)
	c, never := o.service("clerk"), o.service("clerk")
	written := o.WatchWrites(t)
	o.good("used", c.Text)
	used := o.Clock.Now()
	o.good("used again", c.Text)
	if written() {
		t.Error("a check wrote to the database")
	}
	k, err := o.room.Find(t.Context(), c.Key.ID)
	if err != nil || !k.LastUsedAt.Equal(used) {
		t.Errorf("not written yet: %v, %v", k.LastUsedAt, err)
	}
	if err := o.room.FlushUsed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !written() {
		t.Error("nothing was written")
	}
	for id, want := range map[auth.APIKeyID]time.Time{c.Key.ID: used, never.Key.ID: {}} {
		if row, err := o.DB.APIKey(t.Context(), id); err != nil || !row.LastUsedAt.Equal(want) {
			t.Errorf("written: %v, %v", row.LastUsedAt, err)
		}
	}
	if err := o.room.FlushUsed(t.Context()); err != nil || written() {
		t.Errorf("with nothing to write: %v", err)
	}
	o.Advance(time.Minute)
	o.good("a minute later", c.Text)
	if k, _ := o.room.Find(t.Context(), c.Key.ID); !k.LastUsedAt.Equal(o.Clock.Now()) {
		t.Errorf("a minute later: %v", k.LastUsedAt)
	}
}
