package apikey_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// office is a room of API keys with its rooms around it.
type office struct {
	*roomtest.Rooms
	t    testing.TB
	room *apikey.Room
	// reads counts the questions to the database that a check asks.
	reads *counted
}

// counted counts reads of keys, and can hold one back.
type counted struct {
	store.Store
	n    int
	hold func()
}

func (c *counted) APIKeyAndOwner(ctx context.Context, id auth.APIKeyID) (auth.APIKey, store.Owner, error) {
	c.n++
	k, owner, err := c.Store.APIKeyAndOwner(ctx, id)
	if c.hold != nil {
		c.hold()
	}
	return k, owner, err
}

var shop = rbac.Compile([]auth.Role{
	{Name: "clerk", Permissions: []string{"orders:read"}},
	{Name: "boss", Permissions: []string{"orders:*", "billing.*:*"}, Inherits: []string{"clerk"}},
	{Name: "root", Permissions: []string{"*:*"}},
})

func newOffice(t testing.TB, change ...func(o *apikey.Options)) *office {
	t.Helper()
	r := roomtest.New(t)
	reads := &counted{Store: r.Store}
	o := apikey.Options{
		Store: reads, Index: r.Index, Policy: func(context.Context) (*rbac.Policy, error) { return shop, nil }, Environment: "live",
		Lifetime: 30 * 24 * time.Hour, MostLifetime: 60 * 24 * time.Hour, MaxPerUser: 3, CacheEntries: 4096,
		MaxStaleness: roomtest.MaxStaleness, Limits: ratelimit.NewMemory(4096), Logger: slog.New(slog.DiscardHandler), Now: r.Clock.Now,
	}
	for _, c := range change {
		c(&o)
	}
	room, err := apikey.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &office{r, t, room, reads}
}

// cli is an operator.
var cli = apikey.By{Operator: auth.ActorCommandLine}

var (
	nowhere = netip.Addr{}
	inside  = netip.MustParseAddr("10.1.2.3")
	outside = netip.MustParseAddr("192.0.2.1")
)

// made is a key by the command line.
func (o *office) made(d apikey.Draft) apikey.Created {
	o.t.Helper()
	return o.madeBy(cli, d)
}

func (o *office) madeBy(by apikey.By, d apikey.Draft) apikey.Created {
	o.t.Helper()
	if d.Name == "" {
		d.Name = "a key"
	}
	c, err := o.room.Create(context.Background(), by, d)
	if err != nil {
		o.t.Fatalf("create: %v", err)
	}
	return c
}

func (o *office) service(roles ...string) apikey.Created { return o.made(apikey.Draft{Roles: roles}) }

// verify returns who asks with the key, or the Code of the refusal.
func (o *office) verify(text auth.Secret, from netip.Addr) (auth.Principal, auth.Code) {
	p, err := o.room.Verify(context.Background(), text.Reveal(), from)
	return p, codeOf(err)
}

func codeOf(err error) auth.Code {
	if err == nil {
		return ""
	}
	return auth.AsError(err).Code
}

// good demands that the key is good, and refused the Code.
func (o *office) good(what string, text auth.Secret) auth.Principal {
	o.t.Helper()
	p, code := o.verify(text, nowhere)
	if code != "" {
		o.t.Errorf("%s: %s, want it good", what, code)
	}
	return p
}

func (o *office) refused(what string, text auth.Secret, want auth.Code) {
	o.t.Helper()
	if _, code := o.verify(text, nowhere); code != want {
		o.t.Errorf("%s: %q, want %q", what, code, want)
	}
}

// session is what somebody asks with who has just signed in.
func (o *office) session(u auth.User) apikey.By {
	o.t.Helper()
	s, _ := o.Begin(o.t, o.V4, u, nil)
	p := s.Principal()
	p.Roles = u.Roles
	return apikey.By{Principal: p, From: auth.Device{Address: inside}}
}

// with is what somebody asks with who shows the key.
func (o *office) with(text auth.Secret) apikey.By {
	o.t.Helper()
	return apikey.By{Principal: o.good("the key that asks", text)}
}

func wantCode(t testing.TB, what string, err error, want auth.Code) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func ptr[T any](v T) *T { return &v }
