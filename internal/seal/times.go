package seal

import "time"

// tolerance is how many seconds exp and nbf may be off. Protocol page §6.1.
const tolerance = 15

// CheckTimes judges the registered time claims of a claim set at now, as every
// reader of the protocol does: exp, nbf and iat must be numbers if they are
// there; exp must lie after now less 15 s ([ErrExpired]); nbf must not lie after
// now plus 15 s ([ErrNotYetValid]); iat is compared with nothing, and absent
// claims ask for nothing. now counts in whole seconds. Anything else wrong with
// the text is [ErrClaims]. Of a member named twice the last one counts.
//
// exp is the least a cookie must pass: an absolute end and whether the session
// was revoked are the session room's to ask.
func CheckTimes(claims []byte, now time.Time) error {
	s, err := newScanner(claims)
	if err != nil {
		return err
	}
	var times Times
	for {
		name, raw, err := s.next()
		if err != nil {
			return err
		}
		if name == nil {
			return times.Check(now)
		}
		times.Note(name, raw)
	}
}

// Times gathers the time claims of one claim set for who walks it with [Scan]
// anyway: Note each member, then Check. That is [CheckTimes] without a walk of
// its own. The zero Times is ready for use.
type Times struct {
	exp, nbf       float64
	hasExp, hasNbf bool
	bad            bool
}

// Note takes in one member and passes over those that are no time claims.
func (t *Times) Note(name, raw []byte) {
	if len(name) != 3 {
		return
	}
	ok := true
	switch string(name) {
	case "exp":
		t.exp, ok = Number(raw)
		t.hasExp = true
	case "nbf":
		t.nbf, ok = Number(raw)
		t.hasNbf = true
	case "iat":
		_, ok = Number(raw)
	}
	t.bad = t.bad || !ok
}

// Check judges what was noted, by the rules and with the errors of [CheckTimes].
func (t *Times) Check(now time.Time) error {
	at := float64(now.Unix())
	switch {
	case t.bad:
		return ErrClaims
	case t.hasNbf && t.nbf > at+tolerance:
		return ErrNotYetValid
	case t.hasExp && t.exp <= at-tolerance:
		return ErrExpired
	}
	return nil
}
