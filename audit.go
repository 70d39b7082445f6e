package gatehouse

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
)

// Audit says how long the audit record is kept.
type Audit struct {
	// Retention is how long events are kept. What was removed can be asked for no
	// more; that nothing else went with it can still be verified. Default: 400
	// days; between 1 day and 3650.
	Retention time.Duration `conf:"retention"`
}

const (
	defaultAuditRetention = 400 * day
	minAuditRetention     = day
	maxAuditRetention     = 3650 * day
)

func (c Config) checkAudit(p *Problems) {
	p.between("audit.retention", c.Audit.Retention, minAuditRetention, maxAuditRetention)
}

// sampledRefusals bounds the rows of refusals that somebody can cause without end.
var sampledRefusals = ratelimit.Limit{Name: "sampled-event", Burst: 5, Period: time.Minute}

// newAudit is the room of the audit record.
func newAudit(cfg Config, r rooms, installation string) (*audit.Room, error) {
	return audit.New(audit.Options{
		Store: r.store, Secrets: cfg.Secrets, Installation: installation, NewerSecrets: r.follower.NewerSecrets, Retention: cfg.Audit.Retention,
		Sample: func(ctx context.Context, kind string, now time.Time) bool {
			d, err := r.addresses.Take(ctx, "refused "+kind, sampledRefusals, 1, now)
			return err == nil && d.Allowed
		},
		Logger: cfg.Logger, Now: cfg.Now,
	})
}

// Audit shows and verifies the record of what happened, for operators. That
// somebody may read it is for the caller to decide.
func (g *Gatehouse) Audit() *audit.Room { return g.rooms.audit }
