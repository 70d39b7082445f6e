package keyring_test

import (
	"context"
	"crypto"
	"encoding/base64"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

const (
	issuer   = "https://app.example/api/auth"
	resource = "https://api.example"

	lead   = time.Hour
	every  = 90 * 24 * time.Hour
	linger = 20 * time.Minute

	master      auth.Secret = "a master key that nobody has 0123456789"
	otherMaster auth.Secret = "another master key of nobody 0123456789"
)

// site is one database, and the servers on it.
type site struct {
	t     *testing.T
	clock *roomtest.Clock
	path  string
	db    *sqlstore.DB
	nodes *nodes // nil: every server believes that it is alone
}

func newSite(t *testing.T) *site {
	s := &site{t: t, clock: roomtest.NewClock(), path: filepath.Join(t.TempDir(), "keys.db")}
	s.db = s.store()
	return s
}

// store opens one more handle on the database.
func (s *site) store() *sqlstore.DB {
	s.t.Helper()
	db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: s.path, Migrate: true})
	if err != nil {
		s.t.Fatalf("open store: %v", err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

func (s *site) options() keyring.Options {
	o := keyring.Options{
		Store: s.db, Masters: []auth.Secret{master}, Algorithms: []jwt.Algorithm{jwt.ES256}, Lead: lead, RotateEvery: every, Linger: linger,
		Logger: slog.New(slog.DiscardHandler), Now: s.clock.Now,
	}
	if s.nodes != nil {
		o.Nodes = s.nodes
	}
	return o
}

// ring is one that has read nothing yet.
func (s *site) ring(change ...func(*keyring.Options)) *keyring.Ring {
	s.t.Helper()
	o := s.options()
	for _, c := range change {
		c(&o)
	}
	r, err := keyring.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// prepared is the ring of a server that has started.
func (s *site) prepared(change ...func(*keyring.Options)) *keyring.Ring {
	s.t.Helper()
	r := s.ring(change...)
	s.ok("prepare", r.Prepare(context.Background()))
	return r
}

func (s *site) ok(doing string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", doing, err)
	}
}

// keys are the kids in a state, the oldest first.
func (s *site) keys(state auth.KeyState) (ids []string) {
	s.t.Helper()
	rows, err := s.db.ListKeys(context.Background())
	s.ok("list keys", err)
	for _, k := range rows {
		if k.State == state {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// only is the one key in a state.
func (s *site) only(state auth.KeyState) string {
	s.t.Helper()
	ids := s.keys(state)
	if len(ids) != 1 {
		s.t.Fatalf("%d keys are %s, want one", len(ids), state)
	}
	return ids[0]
}

// token is one that the ring signs, good for ten minutes.
func (s *site) token(r *keyring.Ring) string {
	s.t.Helper()
	token, err := r.Sign("", "at+jwt", s.claims())
	s.ok("sign", err)
	return token
}

func (s *site) claims() []byte {
	return fmt.Appendf(nil, `{"iss":%q,"aud":%q,"exp":%d}`, issuer, resource, s.clock.Now().Add(10*time.Minute).Unix())
}

func (s *site) expected() jwt.Expect {
	return jwt.Expect{Issuer: issuer, Audience: []string{resource}, Types: []string{"at+jwt"}, Now: s.clock.Now()}
}

// verify returns the kid that signed.
func (s *site) verify(r *keyring.Ring, token string) (string, error) {
	c, err := r.Verify(token, s.expected())
	return c.KeyID, err
}

// feed reads what is written to the change feed from here on.
func (s *site) feed() func() []auth.Change {
	var last int64
	read := func() (list []auth.Change) {
		s.t.Helper()
		ctx := context.Background()
		f, err := s.db.OpenFeed(ctx)
		s.ok("open feed", err)
		s.ok("load feed", f.Load(ctx, func(c auth.Change) {
			if c.Seq > last {
				list, last = append(list, c), c.Seq
			}
		}))
		s.ok("close feed", f.Close())
		return list
	}
	read()
	return read
}

// nodes is a cluster whose members are written down by hand.
type nodes struct {
	list []auth.Node
	err  error
}

func (n *nodes) Nodes(context.Context) ([]auth.Node, error) { return slices.Clone(n.list), n.err }

const hashSHA256 = crypto.SHA256

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
