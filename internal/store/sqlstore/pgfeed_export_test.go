package sqlstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// OpenPGFeed opens a feed on a database without a store around it.
func OpenPGFeed(ctx context.Context, url string) (store.Feed, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	f, err := openPGFeed(ctx, config, "")
	if err != nil {
		return nil, err
	}
	return f, nil
}

// FeedFloor is the oldest transaction that the feed still waits for.
func FeedFloor(f store.Feed) uint64 { return f.(*pgFeed).floor }

// SetFeedConn gives a feed another one's connection, as a pooler would under
// its hands.
func SetFeedConn(f, of store.Feed) { f.(*pgFeed).conn = of.(*pgFeed).conn }

// AwaitBeat waits until what a look of SQLite's feed had to tell is written.
func AwaitBeat(f store.Feed) { f.(*feed).tellers.Wait() }
