package apikey_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

func nets(list ...string) (out []netip.Prefix) {
	for _, n := range list {
		out = append(out, netip.MustParsePrefix(n))
	}
	return out
}

// No key can do more than whoever makes it: by roles, scopes, networks, rate or
// life.
//
// proves: NEXT-34
func TestCreate_isNeverWiderThanWhoMakesIt(t *testing.T) {
	o := newOffice(t, func(p *apikey.Options) {
		p.MaxPerUser, p.RateLimit = 100, auth.RateLimit{Requests: 100, Period: time.Minute}
	})
	clerk, boss, root := o.NewUser(t, "clerk", "clerk"), o.NewUser(t, "boss", "boss"), o.NewUser(t, "root", "root")
	asClerk, asBoss, asRoot := o.session(clerk), o.session(boss), o.session(root)
	bossKey := o.with(o.madeBy(asBoss, apikey.Draft{UserID: boss.ID}).Text)
	readKey := o.with(o.made(apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"orders:*"}}).Text)
	selfRead := o.with(o.madeBy(asBoss, apikey.Draft{UserID: boss.ID, Scopes: []string{"orders:read"}}).Text)
	short := o.with(o.made(apikey.Draft{Roles: []string{"boss"}, Lifetime: time.Hour}).Text)
	boundText := o.made(apikey.Draft{Roles: []string{"boss"}, Networks: nets("10.0.0.0/8")}).Text
	boundPrincipal, _ := o.verify(boundText, inside)
	bound := apikey.By{Principal: boundPrincipal}
	hour := time.Hour
	for name, c := range map[string]struct {
		by    apikey.By
		draft apikey.Draft
		want  auth.Code
	}{
		"an operator, anything": {cli, apikey.Draft{Roles: []string{"root"}, RateLimit: auth.RateLimit{Requests: 1000, Period: time.Second}}, ""},
		"oneself":               {asClerk, apikey.Draft{UserID: clerk.ID}, ""},
		"oneself, with scopes beyond one's rights":   {asClerk, apikey.Draft{UserID: clerk.ID, Scopes: []string{"*:*"}}, ""},
		"oneself, with a role one has not":           {asClerk, apikey.Draft{UserID: clerk.ID, Roles: []string{"boss"}}, auth.CodeInvalidRequest},
		"a service with one's role":                  {asClerk, apikey.Draft{Roles: []string{"clerk"}}, ""},
		"a service with a greater role":              {asClerk, apikey.Draft{Roles: []string{"boss"}}, auth.CodeForbidden},
		"a service with a greater role, narrowed":    {asClerk, apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"orders:read"}}, ""},
		"a service with a greater role, too wide":    {asClerk, apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"orders:*"}}, auth.CodeForbidden},
		"an inherited role":                          {asBoss, apikey.Draft{Roles: []string{"clerk"}}, ""},
		"the greatest role":                          {asBoss, apikey.Draft{Roles: []string{"root"}}, auth.CodeForbidden},
		"a greater user":                             {asClerk, apikey.Draft{UserID: root.ID}, auth.CodeForbidden},
		"a greater user, narrowed":                   {asClerk, apikey.Draft{UserID: root.ID, Scopes: []string{"orders:read"}}, auth.CodeForbidden},
		"a lesser user":                              {asBoss, apikey.Draft{UserID: clerk.ID}, ""},
		"anybody":                                    {asRoot, apikey.Draft{UserID: boss.ID}, ""},
		"a key of the user's":                        {bossKey, apikey.Draft{Roles: []string{"boss"}, Lifetime: hour}, ""},
		"a key of the user's, for the user":          {bossKey, apikey.Draft{UserID: boss.ID, Lifetime: hour}, ""},
		"a narrowed key":                             {readKey, apikey.Draft{Roles: []string{"boss"}, Lifetime: hour}, auth.CodeForbidden},
		"a narrowed key, as narrow":                  {readKey, apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"orders:read"}, Lifetime: hour}, ""},
		"a narrowed key, wider":                      {readKey, apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"*:read"}, Lifetime: hour}, auth.CodeForbidden},
		"a narrowed key of the user's, for the user": {selfRead, apikey.Draft{UserID: boss.ID, Lifetime: hour}, auth.CodeForbidden},
		"a narrowed key of the user's, as narrow":    {selfRead, apikey.Draft{UserID: boss.ID, Scopes: []string{"orders:read"}, Lifetime: hour}, ""},
		"a key that ends before":                     {short, apikey.Draft{Roles: []string{"clerk"}, Lifetime: hour + time.Second}, auth.CodeForbidden},
		"a key bound to networks, for everywhere":    {bound, apikey.Draft{Roles: []string{"clerk"}, Lifetime: hour}, auth.CodeForbidden},
		"a key bound to networks, for others":        {bound, apikey.Draft{Roles: []string{"clerk"}, Lifetime: hour, Networks: nets("10.0.0.0/7")}, auth.CodeForbidden},
		"a key bound to networks, within":            {bound, apikey.Draft{Roles: []string{"clerk"}, Lifetime: hour, Networks: nets("10.1.0.0/16")}, ""},
		"more often than the settings say":           {asBoss, apikey.Draft{Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: 101, Period: time.Minute}}, auth.CodeForbidden},
		"as often in less time":                      {asBoss, apikey.Draft{Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: 100, Period: time.Second}}, auth.CodeForbidden},
		"less often":                                 {asBoss, apikey.Draft{Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: 10, Period: time.Minute}}, ""},
		"nobody":                                     {apikey.By{}, apikey.Draft{Roles: []string{"clerk"}}, auth.CodeSignedOut},
		"nobody who says to be an operator":          {apikey.By{Operator: "cli", Principal: auth.Principal{UserID: clerk.ID}}, apikey.Draft{Roles: []string{"root"}}, auth.CodeSignedOut},
	} {
		c.draft.Name = name
		made, err := o.room.Create(context.Background(), c.by, c.draft)
		if codeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && made.Key.CreatedBy == "" {
			t.Errorf("%s: nobody made it", name)
		}
	}
}

// What is good no more makes no key: not a session that was ended while the
// request was under way, not one of before a new password (guarantees R3).
func TestCreate_restsOnAProofThatIsStillGood(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	ann := o.NewUser(t, "ann", "boss")
	ended, voided := o.session(ann), o.session(ann)
	key := o.madeBy(ended, apikey.Draft{UserID: ann.ID})
	asKey := o.with(key.Text)
	if _, err := o.Sessions.Operator().Revoke(ctx, "cli", ended.Principal.SessionID); err != nil {
		t.Fatal(err)
	}
	_, err := o.room.Create(ctx, ended, apikey.Draft{Name: "x", UserID: ann.ID})
	wantCode(t, "an ended session", err, auth.CodeSignedOut)
	o.good("a key outlives the session that made it", key.Text)
	if _, err := o.room.Revoke(ctx, cli, key.Key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = o.room.Create(ctx, asKey, apikey.Draft{Name: "x", Roles: []string{"clerk"}, Lifetime: time.Hour})
	wantCode(t, "a revoked key", err, auth.CodeInvalidAPIKey)
	if _, err := o.Sessions.Operator().RevokeUser(ctx, "cli", ann.ID); err != nil {
		t.Fatal(err)
	}
	_, err = o.room.Create(ctx, voided, apikey.Draft{Name: "x", UserID: ann.ID})
	wantCode(t, "a session of before", err, auth.CodeSignedOut)
	again := o.session(o.row(ann.ID))
	o.good("a key of a session of after", o.madeBy(again, apikey.Draft{UserID: ann.ID}).Text)
	// In the moment between: the session's row says that it lives, and the epoch is
	// higher.
	o.Exec(t, `UPDATE users SET epoch = epoch + 1 WHERE id = '`+string(ann.ID)+`'`)
	_, err = o.room.Create(ctx, again, apikey.Draft{Name: "x", UserID: ann.ID})
	wantCode(t, "a proof of an earlier epoch", err, auth.CodeSignedOut)
}

func (o *office) row(id auth.UserID) auth.User {
	o.t.Helper()
	u, err := o.DB.User(context.Background(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return u
}

func TestCreate_namesTheFieldThatIsWrong(t *testing.T) {
	o := newOffice(t)
	ann := o.NewUser(t, "ann", "clerk")
	disabled := o.NewUser(t, "bob", "clerk")
	if _, err := o.Users.Disable(t.Context(), "cli", disabled.ID); err != nil {
		t.Fatal(err)
	}
	many := make([]string, 65)
	for i := range many {
		many[i] = strings.Repeat("a", i+1) + ":read"
	}
	for name, c := range map[string]struct {
		draft apikey.Draft
		field string
	}{
		"no name":                {apikey.Draft{Name: " ", Roles: []string{"clerk"}}, "name"},
		"a name of two lines":    {apikey.Draft{Name: "a\nb", Roles: []string{"clerk"}}, "name"},
		"no role":                {apikey.Draft{Name: "x"}, "roles"},
		"an unknown role":        {apikey.Draft{Name: "x", Roles: []string{"king"}}, "roles"},
		"a role that is none":    {apikey.Draft{Name: "x", Roles: []string{"a b"}}, "roles"},
		"a scope that is none":   {apikey.Draft{Name: "x", Roles: []string{"clerk"}, Scopes: []string{"orders"}}, "scopes"},
		"many scopes":            {apikey.Draft{Name: "x", Roles: []string{"clerk"}, Scopes: many}, "scopes"},
		"a network that is none": {apikey.Draft{Name: "x", Roles: []string{"clerk"}, Networks: make([]netip.Prefix, 1)}, "networks"},
		"many networks":          {apikey.Draft{Name: "x", Roles: []string{"clerk"}, Networks: make([]netip.Prefix, 33)}, "networks"},
		"half a rate":            {apikey.Draft{Name: "x", Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: 1}}, "rate_limit"},
		"a rate below none":      {apikey.Draft{Name: "x", Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: -1, Period: time.Second}}, "rate_limit"},
		"a long life":            {apikey.Draft{Name: "x", Roles: []string{"clerk"}, Lifetime: 61 * 24 * time.Hour}, "lifetime"},
		"a life below none":      {apikey.Draft{Name: "x", Roles: []string{"clerk"}, Lifetime: -1}, "lifetime"},
		"no such user":           {apikey.Draft{Name: "x", UserID: auth.NewUserID(o.Clock.Now())}, "user_id"},
		"a disabled user":        {apikey.Draft{Name: "x", UserID: disabled.ID}, "user_id"},
	} {
		_, err := o.room.Create(t.Context(), cli, c.draft)
		if e := auth.AsError(err); err == nil || e.Field != c.field || e.Code == auth.CodeInternal {
			t.Errorf("%s: %v, field %q, want %q", name, err, e.Field, c.field)
		}
	}
	for range 3 {
		o.made(apikey.Draft{UserID: ann.ID})
	}
	_, err := o.room.Create(t.Context(), cli, apikey.Draft{Name: "x", UserID: ann.ID})
	wantCode(t, "a fourth key of three", err, auth.CodeInvalidRequest)
	o.Advance(31 * 24 * time.Hour)
	o.made(apikey.Draft{UserID: ann.ID}) // those that ended do not count
}

// A change is in force at the next check, warm or not.
func TestUpdate_isInForceAtOnce(t *testing.T) {
	o := newOffice(t)
	c := o.made(apikey.Draft{Roles: []string{"boss"}})
	o.good("before", c.Text)
	done, err := o.room.Update(t.Context(), cli, c.Key.ID, 1, apikey.Change{
		Name: ptr("another"), Scopes: &[]string{"orders:read", "orders:read"}, Networks: ptr(nets("10.1.2.3/8")), RateLimit: &auth.RateLimit{Requests: 1, Period: time.Second},
	})
	if err != nil || done.Key.Version != 2 || done.Effective == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	if diff := cmp.Diff([]string{"10.0.0.0/8"}, []string{done.Key.Networks[0].String()}); diff != "" || len(done.Key.Scopes) != 1 {
		t.Errorf("kept as %v %v", done.Key.Networks, done.Key.Scopes)
	}
	p, code := o.verify(c.Text, inside)
	if code != "" || len(p.Roles) != 0 || len(p.NarrowedRoles) != 1 {
		t.Errorf("%q, %+v", code, p)
	}
	if _, code := o.verify(c.Text, inside); code != auth.CodeTooManyAttempts {
		t.Errorf("the limit: %q", code)
	}
	if _, code := o.verify(c.Text, outside); code != auth.CodeForbidden {
		t.Errorf("the network: %q", code)
	}
	_, err = o.room.Update(t.Context(), cli, c.Key.ID, 1, apikey.Change{Name: ptr("third")})
	wantCode(t, "an old version", err, auth.CodeChanged)
	_, err = o.room.Update(t.Context(), cli, c.Key.ID, 2, apikey.Change{Roles: &[]string{}})
	wantCode(t, "no role", err, auth.CodeInvalidRequest)
	_, err = o.room.Update(t.Context(), cli, auth.NewAPIKeyID(o.Clock.Now()), 0, apikey.Change{Name: ptr("x")})
	wantCode(t, "no such key", err, auth.CodeNotFound)
	clerk := o.NewUser(t, "clerk", "clerk")
	_, err = o.room.Update(t.Context(), o.session(clerk), c.Key.ID, 0, apikey.Change{Scopes: &[]string{}})
	wantCode(t, "a key of more than oneself", err, auth.CodeForbidden)
	if _, err := o.room.Revoke(t.Context(), cli, c.Key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = o.room.Update(t.Context(), cli, c.Key.ID, 0, apikey.Change{Name: ptr("x")})
	wantCode(t, "an ended key", err, auth.CodeChanged)
}

// The old key goes on for the overlap, and the new one can do the same.
func TestRotate_overlaps(t *testing.T) {
	for name, c := range map[string]struct {
		overlap *time.Duration
		want    time.Duration
	}{
		"as nothing is said": {nil, apikey.DefaultOverlap}, "an hour": {ptr(time.Hour), time.Hour}, "not at all": {ptr(time.Duration(0)), 0},
		"longer than it would live": {ptr(apikey.MaxOverlap), 20 * 24 * time.Hour},
	} {
		o := newOffice(t)
		ann := o.NewUser(t, "ann", "boss", "clerk")
		draft := apikey.Draft{UserID: ann.ID, Roles: []string{"clerk"}, Scopes: []string{"orders:read"}, Networks: nets("10.0.0.0/8"), Lifetime: 20 * 24 * time.Hour}
		old := o.made(draft)
		want, _ := o.verify(old.Text, inside)
		done, err := o.room.Rotate(t.Context(), cli, old.Key.ID, 1, apikey.Rotation{Overlap: c.overlap})
		if err != nil || done.Old.ReplacedBy != done.Key.ID || done.Key.Name != old.Key.Name || done.Effective == "" || done.Text == old.Text {
			t.Fatalf("%s: %+v, %v", name, done, err)
		}
		got, code := o.verify(done.Text, inside)
		want.APIKeyID = done.Key.ID
		if diff := cmp.Diff(want, got); code != "" || diff != "" {
			t.Errorf("%s: the new key: %q %s", name, code, diff)
		}
		_, code = o.verify(old.Text, inside)
		if wantOld := map[bool]auth.Code{true: auth.CodeInvalidAPIKey}[c.want == 0]; code != wantOld {
			t.Errorf("%s: the old key at once: %q", name, code)
		}
		if c.want > 0 {
			o.Advance(c.want - time.Microsecond)
			if _, code := o.verify(old.Text, inside); code != "" {
				t.Errorf("%s: the old key a moment before the end: %q", name, code)
			}
			o.Advance(time.Microsecond)
			if _, code := o.verify(old.Text, inside); code != auth.CodeInvalidAPIKey {
				t.Errorf("%s: the old key at the end: %q", name, code)
			}
		}
		if _, code := o.verify(done.Text, inside); code != "" {
			t.Errorf("%s: the new key later: %q", name, code)
		}
	}
}

func TestRotate_refusals(t *testing.T) {
	o := newOffice(t)
	c := o.service("boss")
	clerk := o.NewUser(t, "clerk", "clerk")
	for name, r := range map[string]apikey.Rotation{
		"a long overlap": {Overlap: ptr(31 * 24 * time.Hour)}, "an overlap below none": {Overlap: ptr(-time.Second)}, "a long life": {Lifetime: 61 * 24 * time.Hour},
	} {
		_, err := o.room.Rotate(t.Context(), cli, c.Key.ID, 0, r)
		wantCode(t, name, err, auth.CodeInvalidRequest)
	}
	_, err := o.room.Rotate(t.Context(), o.session(clerk), c.Key.ID, 0, apikey.Rotation{})
	wantCode(t, "a key of more than oneself", err, auth.CodeForbidden)
	self := o.with(o.made(apikey.Draft{Roles: []string{"boss"}, Scopes: []string{"orders:read"}}).Text)
	if _, err := o.room.Rotate(t.Context(), self, self.Principal.APIKeyID, 0, apikey.Rotation{}); err != nil {
		t.Errorf("a key does not renew itself: %v", err)
	}
	first, err := o.room.Rotate(t.Context(), cli, c.Key.ID, 0, apikey.Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.room.Rotate(t.Context(), cli, c.Key.ID, 0, apikey.Rotation{})
	wantCode(t, "a second successor", err, auth.CodeChanged)
	if _, err := o.room.Rotate(t.Context(), cli, first.Key.ID, 0, apikey.Rotation{}); err != nil {
		t.Errorf("the successor: %v", err)
	}
	// However often they are rotated, a user's keys are bounded.
	k := o.made(apikey.Draft{UserID: clerk.ID})
	rotated := 0
	for id := k.Key.ID; ; rotated++ {
		done, err := o.room.Rotate(t.Context(), cli, id, 0, apikey.Rotation{Overlap: ptr(apikey.MaxOverlap)})
		if err != nil {
			wantCode(t, "too many", err, auth.CodeInvalidRequest)
			break
		}
		id = done.Key.ID
	}
	if rotated != 5 {
		t.Errorf("rotated %d times at once, want 5", rotated)
	}
}

// Every change is in the feed and in the record, with who did it.
func TestRoom_recordsWhatItDoes(t *testing.T) {
	o := newOffice(t)
	ann := o.NewUser(t, "ann", "boss")
	by := o.session(ann)
	c := o.madeBy(by, apikey.Draft{UserID: ann.ID})
	if _, err := o.room.Update(t.Context(), by, c.Key.ID, 0, apikey.Change{Name: ptr("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.room.Rotate(t.Context(), by, c.Key.ID, 0, apikey.Rotation{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.room.Revoke(t.Context(), by, c.Key.ID); err != nil {
		t.Fatal(err)
	}
	var got []auth.EventType
	events, err := o.DB.ListEvents(t.Context(), ann.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if !strings.HasPrefix(e.Subject, "api_key:") {
			continue
		}
		if got = append(got, e.Type); e.Actor != string(ann.ID) || e.Address != inside || e.Detail != "" {
			t.Errorf("recorded: %+v", e)
		}
	}
	slices.Sort(got) // they are of one moment
	if diff := cmp.Diff([]auth.EventType{
		auth.EventAPIKeyChanged, auth.EventAPIKeyCreated, auth.EventAPIKeyCreated, auth.EventAPIKeyRevoked, auth.EventAPIKeyRotated,
	}, got); diff != "" {
		t.Error(diff)
	}
	var kinds []auth.ChangeKind
	for _, f := range o.Feed(t) {
		kinds = append(kinds, f.Kind)
	}
	if diff := cmp.Diff([]auth.ChangeKind{auth.ChangeAPIKeyChanged, auth.ChangeAPIKeyChanged, auth.ChangeAPIKeyEnded}, kinds); diff != "" {
		t.Error(diff)
	}
	if o.room.Stats().Good != 0 || (revocation.Effect{}) == (o.effectOf(c.Key.ID)) {
		t.Error("a revocation that was asked for again says nothing of its effect")
	}
}

func (o *office) effectOf(id auth.APIKeyID) revocation.Effect {
	done, err := o.room.Revoke(context.Background(), cli, id)
	if err != nil {
		o.t.Fatal(err)
	}
	return done.Effect
}

// A key that is limited to some of its user's roles makes none that is not, and
// does not become one: what the user is given later is not for it.
func TestCreate_aKeyLimitedToRolesStaysLimited(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	ann := o.NewUser(t, "ann", "clerk")
	limited := o.madeBy(o.session(ann), apikey.Draft{UserID: ann.ID, Roles: []string{"clerk"}})
	by := o.with(limited.Text)
	_, err := o.room.Create(ctx, by, apikey.Draft{Name: "child", UserID: ann.ID, Lifetime: time.Hour})
	wantCode(t, "a key of all roles by a key of some", err, auth.CodeForbidden)
	_, err = o.room.Update(ctx, by, limited.Key.ID, 0, apikey.Change{Roles: ptr([]string(nil))})
	wantCode(t, "the key makes itself one of all roles", err, auth.CodeForbidden)
	o.madeBy(by, apikey.Draft{UserID: ann.ID, Roles: []string{"clerk"}, Lifetime: time.Hour})
}

// A key that ends soon gets no other by rotating one.
func TestRotate_aKeyGetsNoneThatOutlivesIt(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	short := o.with(o.made(apikey.Draft{Roles: []string{"boss"}, Lifetime: time.Hour}).Text)
	other := o.made(apikey.Draft{Roles: []string{"clerk"}, Lifetime: 2 * time.Hour})
	_, err := o.room.Rotate(ctx, short, other.Key.ID, 0, apikey.Rotation{Lifetime: 90 * time.Minute})
	wantCode(t, "a key that outlives the one that asks", err, auth.CodeForbidden)
	done, err := o.room.Rotate(ctx, short, other.Key.ID, 0, apikey.Rotation{})
	if want := o.Clock.Now().Add(time.Hour); err != nil || !done.Key.ExpiresAt.Equal(want) {
		t.Errorf("without a word of it: %v until %v, want %v", err, done.Key.ExpiresAt, want)
	}
	made := o.madeBy(short, apikey.Draft{Roles: []string{"clerk"}})
	if want := o.Clock.Now().Add(time.Hour); !made.Key.ExpiresAt.Equal(want) {
		t.Errorf("a new one without a word of it ends at %v, want %v", made.Key.ExpiresAt, want)
	}
}

// Nor does one that its scopes narrow make one that nothing narrows, though the
// user has no role today that it could use.
func TestCreate_aNarrowedCredentialStaysNarrow(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	bob := o.NewUser(t, "bob")
	narrow := o.madeBy(o.session(bob), apikey.Draft{UserID: bob.ID, Scopes: []string{"orders:read"}})
	token := o.session(bob)
	token.Principal.Roles, token.Principal.Scopes = nil, []string{"profile", "orders:read"}
	for name, by := range map[string]apikey.By{"a key": o.with(narrow.Text), "an access token": token} {
		for _, scopes := range [][]string{nil, {"*:*"}, {"orders:read", "billing.x:read"}} {
			_, err := o.room.Create(ctx, by, apikey.Draft{Name: "child", UserID: bob.ID, Scopes: scopes, Lifetime: time.Hour})
			wantCode(t, name+" that makes a wider one", err, auth.CodeForbidden)
		}
	}
	_, err := o.room.Update(ctx, o.with(narrow.Text), narrow.Key.ID, 0, apikey.Change{Scopes: ptr([]string(nil))})
	wantCode(t, "the key widens itself", err, auth.CodeForbidden)
	plain := o.session(bob)
	plain.Principal.Scopes = []string{"profile"} // of a token that nothing narrows
	if _, err := o.room.Create(ctx, plain, apikey.Draft{Name: "child", UserID: bob.ID}); err != nil {
		t.Errorf("a credential that nothing narrows: %v", err)
	}
}
