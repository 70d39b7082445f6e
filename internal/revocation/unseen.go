package revocation

import "time"

// heard is by when a node that reaches the primary has looked at the feed again,
// and that look is over: a poll, its deadline, and some time to get a core.
const heard = ServerPollInterval + pollDeadline + 200*time.Millisecond

// Hears says whether the node has looked at the feed as lately as one does that
// reaches the primary.
func (x *Index) Hears(now time.Time) bool { return x.Staleness(now) <= heard }

// MayBeUnseen says whether a row with this ID, a UUIDv7, may be there although the
// store does not find it: if it was made after the last look, clocks considered.
// Then what answers may be a primary that was deposed, and knows nothing that was
// made since (guarantees R7). What is older was to be seen by then, and does not
// exist.
func (x *Index) MayBeUnseen(id [16]byte, now time.Time) bool {
	age := x.Staleness(now)
	if age == Never {
		return true
	}
	var ms int64
	for _, b := range id[:6] { // RFC 9562 §5.7
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).After(now.Add(-age - clockWarning))
}
