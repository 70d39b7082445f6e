package gatehouse

import (
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Keys says how the keys are kept that tokens are signed with. They are made by
// the server and stand in the database, sealed.
type Keys struct {
	// Master are the secrets under which the private keys are sealed: the first
	// seals, all open. Each has at least 32 characters and serves nothing else.
	// One is taken out once "gatehouse key reseal" has sealed everything anew
	// under the first. Default: those of Secrets.
	Master []auth.Secret `conf:"master"`
	// RotateEvery is how long a key signs before the next one takes its place.
	// Default: 90 days; 400 at most.
	RotateEvery time.Duration `conf:"rotate_every"`
	// Lead is how long a key is published before it signs, so that everybody who
	// verifies tokens with a copy of the published keys has fetched it. Default: 1
	// hour; 7 days at most.
	Lead time.Duration `conf:"lead"`
}

const (
	defaultRotateEvery = 90 * day
	maxRotateEvery     = 400 * day
	defaultKeyLead     = time.Hour
	// minKeyLead is as long as others may keep the published keys at least.
	minKeyLead = time.Minute
	maxKeyLead = 7 * day

	// keyLinger is how long a key is published after it has signed last: the
	// longest life that an access token can be given, and what clocks may differ
	// by (guarantees R20).
	keyLinger = maxAccessLifetime + 5*time.Minute
	// keepKeys is how long the rows of retired keys are kept, which hold no
	// private part.
	keepKeys = 400 * day
)

// masterField names the one list of master keys, which need not be given.
const masterField = "keys.master"

// withDefaults fills what is zero.
func (k *Keys) withDefaults() {
	k.RotateEvery = or(k.RotateEvery, defaultRotateEvery)
	k.Lead = or(k.Lead, defaultKeyLead)
}

func (c Config) checkKeys(p *Problems) {
	k := c.Keys
	p.between("keys.rotate_every", k.RotateEvery, time.Hour, maxRotateEvery)
	p.between("keys.lead", k.Lead, minKeyLead, maxKeyLead)
	if k.Lead > k.RotateEvery && k.RotateEvery > 0 {
		longest := setting("keys.rotate_every")
		p.note("keys.lead", say("shorten it, or lengthen %s", longest),
			say("%s is longer than %s, %s", plain(k.Lead), longest, plain(k.RotateEvery)))
	}
}

// newKeyring is the keys of this server, which hears of changes through the
// index, and keeps the schedule by the clock of the database.
func newKeyring(cfg Config, s store.Store, index *revocation.Index, ahead func() time.Duration) (*keyring.Ring, error) {
	o := cfg.keyring()
	o.Store, o.Nodes, o.Ahead = s, s, ahead
	ring, err := keyring.New(o)
	if err != nil {
		return nil, err
	}
	index.OnKeyChange(ring.Changed)
	return ring, nil
}

// keyring is what the settings say of the keys.
func (c Config) keyring() keyring.Options {
	return keyring.Options{
		Masters: c.masters(), Algorithms: c.signingAlgorithms(), Lead: c.Keys.Lead, RotateEvery: c.Keys.RotateEvery, Linger: keyLinger,
		Logger: c.Logger, Now: c.Now,
	}
}

// JudgeKeys says of rows that [Database.Inspect] has read whether the settings
// open them and when their next steps are due. It asks no database.
func JudgeKeys(cfg Config, rows []auth.Key) ([]keyring.Status, error) {
	ring, err := keyring.New(cfg.WithDefaults().keyring())
	if err != nil {
		return nil, err
	}
	return ring.Judge(rows), nil
}

// masters are the secrets under which signing keys are sealed.
func (c Config) masters() []auth.Secret {
	if len(c.Keys.Master) > 0 {
		return c.Keys.Master
	}
	return c.Secrets
}

// signingAlgorithms are those of which keys are kept: the one for Gatehouse
// itself first, and what the audiences ask for.
func (c Config) signingAlgorithms() []jwt.Algorithm {
	list := []jwt.Algorithm{jwt.ES256}
	for _, a := range c.Tokens.Audiences {
		if one := jwt.Algorithm(a.Algorithm); one.IsOwn() && !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// Keys shows, rotates and retires the keys that tokens are signed with, for
// operators.
func (g *Gatehouse) Keys() *keyring.Ring { return g.rooms.keys }
