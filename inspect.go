package gatehouse

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// DatabaseState is what is known of a database without opening it for work.
type DatabaseState struct {
	sqlstore.Inspection
	// Served: a server holds the lock on it, the process ServedBy as far as
	// that could be read.
	Served   bool
	ServedBy string
	// LockErr says why that could not be found out.
	LockErr error
	// Postgres is nil for a file.
	Postgres *sqlstore.PostgresState
}

// InspectDatabase looks at the database file and changes nothing. It may be
// called beside a running server. Damage is part of the answer; the error means
// that nothing could be read, fs.ErrNotExist that there is no file.
func InspectDatabase(ctx context.Context, path string) (state DatabaseState, err error) {
	state.Served, state.ServedBy, state.LockErr = sqlstore.ServerHolds(path)
	state.Inspection, err = sqlstore.Inspect(ctx, path)
	return state, err
}

// ServedBy says whether a server holds the lock on the database at path, and
// its process, as far as that can be found out. It changes nothing.
func ServedBy(path string) (pid string, served bool) {
	served, pid, _ = sqlstore.ServerHolds(path)
	return pid, served
}

// Probed returns what the server saw of the probes of "gatehouse doctor" that
// carry the nonce.
func (g *Gatehouse) Probed(nonce string) []ops.Seen { return g.probes.Find(nonce) }
