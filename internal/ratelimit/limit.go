package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limit is a named allowance for each key: Burst units at once, and one more
// unit each Period/Burst, so that what was used up is whole again after Period.
// "10 a minute" is Limit{Burst: 10, Period: time.Minute}: ten at once, then one
// each six seconds, and at most twenty in any one minute.
type Limit struct {
	// Name tells limits apart: the same key under two names is two allowances.
	// It is a fixed word of the program, such as "registration-address".
	Name string
	// Burst is how many units may be taken at once; at least 1.
	Burst int
	// Period is the time in which an empty allowance fills up; at least one
	// microsecond for each unit of Burst, and at most a year.
	Period time.Duration
}

const longestPeriod = 366 * 24 * time.Hour

// ErrLimit is returned for a Limit that is none, or for a cost that no moment
// would allow. It is a fault of the program, not of who asks.
var ErrLimit = errors.New("rate limit cannot be applied")

// Validate returns an error, matched by ErrLimit, naming the field that is out
// of bounds.
func (l Limit) Validate() error {
	switch {
	case l.Name == "":
		return fmt.Errorf("%w: Name is empty", ErrLimit)
	case l.Burst < 1:
		return fmt.Errorf("%w: %s: Burst is %d and must be at least 1", ErrLimit, l.Name, l.Burst)
	case l.Period > longestPeriod || l.Burst > int(longestPeriod/time.Microsecond) || l.Period < time.Duration(l.Burst)*time.Microsecond:
		return fmt.Errorf("%w: %s: Period is %v and must be from 1µs for each unit to a year", ErrLimit, l.Name, l.Period)
	}
	return nil
}

// MostAsks is how many allowances can be asked of together.
const MostAsks = 8

// ValidAsks returns an error, matched by ErrLimit, when cost units can never be
// taken from one of asks, or when there are none or too many.
func ValidAsks(asks []Ask, cost int) error {
	if len(asks) == 0 || len(asks) > MostAsks {
		return fmt.Errorf("%w: %d allowances asked of at once, and it must be from 1 to %d", ErrLimit, len(asks), MostAsks)
	}
	for i := range asks {
		if err := asks[i].Limit.validCost(cost); err != nil {
			return err
		}
	}
	return nil
}

// Every returns the time in which one unit comes back.
func (l Limit) Every() time.Duration { return l.Period / time.Duration(l.Burst) }

// validCost returns an error if cost units can never be taken under l.
func (l Limit) validCost(cost int) error {
	if err := l.Validate(); err != nil {
		return err
	}
	if cost < 1 || cost > l.Burst {
		return fmt.Errorf("%w: %s: cost is %d and must be from 1 to %d", ErrLimit, l.Name, cost, l.Burst)
	}
	return nil
}

// Decision is the answer to [Source.Take].
type Decision struct {
	// Allowed says whether the units were taken. If not, none were.
	Allowed bool
	// RetryAfter is the time after which the same Take would be allowed if
	// nobody else took any; 0 if it was allowed.
	RetryAfter time.Duration
	// Remaining is how many whole units are left now.
	Remaining int
	// Whole is the time after which the allowance is whole again if nobody takes
	// any more; 0 when it is whole.
	Whole time.Duration
}

// Ask is one allowance that a request takes from: that of Key under Limit.
type Ask struct {
	// Limit is replaced by what was applied, where that is less.
	Limit Limit
	Key   string
	// Decision is the answer, of this allowance by itself: where another one is
	// short, it says Allowed and yet nothing was taken; Remaining and Whole are as
	// before then.
	Decision Decision
}

// Source remembers what was taken under which limit and key. Every method is
// one indivisible step, and safe for concurrent use. Time is whatever now says;
// a clock that goes backwards never locks a key for longer than the limit's
// Period. Precision is a microsecond or better.
//
// The error is matched by ErrLimit for a limit or cost out of bounds; any other
// means that the Source is out of reach, and the caller decides what then.
type Source interface {
	// Take takes cost units of limit from key, all or none.
	Take(ctx context.Context, key string, limit Limit, cost int, now time.Time) (Decision, error)
	// TakeAll takes cost units from every allowance that is asked of, or from
	// none, and sets the Decision of each. No two are the same. They are
	// remembered together: group is a text that everybody who asks any of them
	// gives with it, such as the widest of their keys; an allowance asked of in
	// two groups is two. There are at most [MostAsks].
	TakeAll(ctx context.Context, group string, asks []Ask, cost int, now time.Time) (taken bool, err error)
	// Refund gives back cost units that were taken, because they turned out
	// not to count (a right password, where wrong ones do). It never fills an
	// allowance beyond its Burst, and does nothing for a key not remembered.
	Refund(ctx context.Context, key string, limit Limit, cost int, now time.Time) error
}
