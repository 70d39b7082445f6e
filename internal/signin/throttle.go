package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Throttle slows guessing down. Every count it keeps is in the database, raised
// in the transaction of the try and before the try is judged: a crash forgets
// nothing, and whoever guesses in parallel gets no more guesses than whoever
// guesses in a row (guarantees R16).
//
// A try is counted against the account and against its source. From a browser
// in which the owner has signed in before it is counted against that browser
// instead ([Devices]), so that nobody can keep the owner out by guessing wrongly
// on purpose.
type Throttle struct {
	// Free is how many wrong passwords in a row an account takes before each
	// further try must wait: one second first and twice as long each time, up
	// to MaxDelay. A browser that is known to the account has a run of its own.
	Free     int
	MaxDelay time.Duration
	// Key blinds the identifiers of unknown accounts and the addresses in the
	// counters' keys.
	Key []byte
	// Address limits what one address may get wrong; Unknown what everybody
	// may together whose address is not known. A zero Burst limits nothing.
	Address, Unknown Pace
}

// unknownPrefix begins the names of identifiers that nobody has.
const unknownPrefix = "?"

// throttleWindow is how long after its last failure a run is forgotten.
const throttleWindow = 24 * time.Hour

// The most failures in a row, whenever they were, after which an account's
// password opens nothing until it has been set anew or was right from a known
// browser (NIST SP 800-63B-4 §3.2.2 asks for at most 100). The last twenty are
// kept for the owner: neither guesses from unknown browsers nor those of somebody
// with a stolen session use up what is left to a known browser.
const (
	mostFailures      = 100
	mostSignedIn      = 90
	mostUnknownDevice = 80
	ceilingWindow     = 100 * 365 * 24 * time.Hour
)

// signedIn stands for the browser in the tries of somebody who is signed in.
const signedIn = "signed-in"

// Try is what a try is counted against.
type Try struct {
	account, ceiling, device string
	// most failures in a row are judged of tries like this one.
	most   int
	source string
	pace   Pace
}

// Try names the counters of one try at the identifier. The user is the zero
// User when nobody has it: then the counters are those of the identifier, and
// behave alike, so that no delay tells which it was. device is empty unless the
// browser is known to the user.
func (t Throttle) Try(identifier auth.Identifier, user auth.User, device string, from auth.Device) Try {
	name := string(user.ID)
	if name == "" {
		name = t.blind(unknownPrefix, identifier.Value)
	}
	try := t.runs(name)
	if device != "" {
		try.device, try.most = try.account+":"+device, mostFailures
		return try
	}
	try.source, try.pace = t.source(from)
	return try
}

// TryOf names the counters of a try by somebody who is signed in as the user. It
// is a run of its own, so that guessing from outside keeps nobody from changing
// their password.
func (t Throttle) TryOf(id auth.UserID) Try {
	try := t.Try(auth.Identifier{}, auth.User{ID: id}, signedIn, auth.Device{})
	try.most = mostSignedIn
	return try
}

// runs names the counters of an account alone. The count of all failures in a
// row lasts for an account, and not for an identifier that nobody has.
func (t Throttle) runs(name string) Try {
	try := Try{account: "password:" + name, ceiling: "password-row:" + name, most: mostUnknownDevice}
	if !strings.HasPrefix(name, unknownPrefix) {
		try.ceiling = store.Lasting + try.ceiling
	}
	return try
}

// Clear forgets all failures of an account: its password was set anew.
func (t Throttle) Clear(ctx context.Context, tx store.Tx, id auth.UserID) error {
	return t.Forget(ctx, tx, t.runs(string(id)))
}

// blind turns what a stranger typed, or an address, into a key that shows
// neither.
func (t Throttle) blind(kind, text string) string {
	mac := hmac.New(sha256.New, t.Key)
	mac.Write([]byte(kind + text))
	return kind + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// delay is how long after the last of the given failures the next try must
// wait.
func (t Throttle) delay(failures int) time.Duration { return doubled(failures-t.Free, t.MaxDelay) }

// doubled is a second, twice as long for each step; nothing below the first.
func doubled(steps int, most time.Duration) time.Duration {
	switch {
	case steps < 0:
		return 0
	case steps > 30:
		return most
	}
	return min(time.Second<<steps, most)
}

// Count refuses a try that comes too early, and otherwise counts it as a
// failure. A right password takes that back, with Forget.
func (t Throttle) Count(ctx context.Context, tx store.Tx, try Try, now time.Time) error {
	if err := try.pace.check(ctx, tx, try.source, now); err != nil {
		return err
	}
	run := try.account
	if try.device != "" {
		run = try.device
	}
	if err := t.checkRun(ctx, tx, run, now); err != nil {
		return err
	}
	ever, err := tx.Counter(ctx, try.ceiling, ceilingWindow, now)
	if err != nil {
		return fmt.Errorf("read failures: %w", err)
	}
	if ever.Failures >= try.most {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: t.MaxDelay}
	}
	if _, err := tx.RaiseFailure(ctx, run, throttleWindow, now); err != nil {
		return fmt.Errorf("count failure: %w", err)
	}
	if _, err := tx.RaiseFailure(ctx, try.ceiling, ceilingWindow, now); err != nil {
		return fmt.Errorf("count failure: %w", err)
	}
	return try.pace.raise(ctx, tx, try.source, now)
}

func (t Throttle) checkRun(ctx context.Context, tx store.Tx, key string, now time.Time) error {
	c, err := tx.Counter(ctx, key, throttleWindow, now)
	if err != nil {
		return fmt.Errorf("read failures: %w", err)
	}
	if wait := c.LastAt.Add(t.delay(c.Failures)).Sub(now); c.Failures >= t.Free && wait > 0 {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: wait}
	}
	return nil
}

// Forget ends the runs after a right password, and gives the source back what
// the try had cost: an office of people who sign in rightly is never locked out.
func (t Throttle) Forget(ctx context.Context, tx store.Tx, try Try) error {
	for _, key := range []string{try.account, try.ceiling, try.device} {
		if key == "" {
			continue
		}
		if err := tx.ForgetFailures(ctx, key); err != nil {
			return err
		}
	}
	return try.pace.lower(ctx, tx, try.source)
}
