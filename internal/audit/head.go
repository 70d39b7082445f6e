package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Head is a place of the chain, and what stands there. Kept elsewhere, it is what
// a later look at the chain can be compared with: everything up to it must still
// be there as it was.
type Head struct {
	Seq int64  `json:"seq"`
	MAC string `json:"mac"`
}

// String is the form that [ParseHead] reads: SEQ:MAC.
func (h Head) String() string { return strconv.FormatInt(h.Seq, 10) + ":" + h.MAC }

// ParseHead reads SEQ:MAC.
func ParseHead(s string) (Head, error) {
	number, mac, _ := strings.Cut(strings.TrimSpace(s), ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 1 || len(mac) != 43 {
		return Head{}, fmt.Errorf("%q is no head: it is a number, a colon and 43 characters, as gatehouse audit head shows it", s)
	}
	return Head{seq, mac}, nil
}

// Head returns the last place; zero when the chain has not begun. It is what the
// database says: [Room.Verify] says whether that is true. Code: unavailable.
func (r *Room) Head(ctx context.Context) (Head, error) {
	m, _, err := r.marks(ctx)
	if err != nil {
		return Head{}, auth.Unavailable(fmt.Errorf("read the head of the audit chain: %w", err))
	}
	return Head{m.head.Seq, m.head.MAC}, nil
}
