package password

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	defaultMinLength                 = 15
	defaultMinLengthWithSecondFactor = 8
	defaultMaxLength                 = 256

	leastMinLength    = 8   // ASVS 6.2.1
	leastMaxLength    = 64  // ASVS 6.2.9
	greatestMaxLength = 256 // CB-25
)

// Policy says which new passwords are accepted. Lengths are code points of the
// stable form (see [Normalize]); zero means the default. There is no rule about
// which kinds of characters a password has (ASVS 6.2.5), and nothing is ever
// cut. It is safe for concurrent use as long as nobody changes it.
type Policy struct {
	// MinLength is for a user whose password is the only factor; 0 means 15.
	MinLength int
	// MinLengthWithSecondFactor is for a user of whom a second factor is
	// demanded; 0 means 8.
	MinLengthWithSecondFactor int
	// MaxLength is between 64 and 256; 0 means 256.
	MaxLength int
	// ContextWords are the names of product, site and organisation, which no
	// password may be made of.
	ContextWords []string
	// Common is the list of common passwords, from [LoadCommon]. Nil checks
	// against none and is meant for tests.
	Common *CommonList
	// Breached is the list of passwords known from breaches, from
	// [OpenBreached]. Nil checks against none.
	Breached *BreachedList
}

// Context is what is known of the user whose password is set.
type Context struct {
	// Identifiers are what the user signs in with: e-mail address, user name.
	Identifiers []string
	// Names are what the user is called.
	Names []string
	// SecondFactor says that every sign-in of this user demands a second
	// factor.
	SecondFactor bool
}

// Validate reports every limit outside what the standards allow, each by its
// field: a minimum below 8 or above the maximum, a maximum outside 64 to 256.
func (p Policy) Validate() error {
	p = p.withDefaults()
	var errs []error
	for _, f := range []struct {
		name         string
		value, least int
		most         int
	}{
		{"MinLength", p.MinLength, leastMinLength, p.MaxLength},
		{"MinLengthWithSecondFactor", p.MinLengthWithSecondFactor, leastMinLength, p.MaxLength},
		{"MaxLength", p.MaxLength, leastMaxLength, greatestMaxLength},
	} {
		if f.value < f.least || f.value > f.most {
			errs = append(errs, fmt.Errorf("password policy: %s is %d and must be from %d to %d", f.name, f.value, f.least, f.most))
		}
	}
	return errors.Join(errs...)
}

// TooLong reports whether pw is longer than MaxLength. It is exact and never
// reads more than a few kilobytes, so it is asked first, at sign-in as well,
// and a megabyte is refused in no time (CS-2, CB-25).
func (p Policy) TooLong(pw string) bool {
	most := p.withDefaults().MaxLength
	if len(pw) <= most { // code points never outnumber bytes, composed or not
		return false
	}
	if len(pw) > most*maxBytesPerCodePoint {
		return true
	}
	stable, err := Normalize(pw)
	return errors.Is(err, ErrTooLong) || utf8.RuneCountInString(stable) > most
}

// Check returns nil if pw is a good new password for who, and otherwise a
// [*PolicyError] with all that is wrong with it; or an error matched by
// ErrBreachedList when that list could not be asked: then pw was not judged.
func (p Policy) Check(pw string, who Context) error {
	p = p.withDefaults()
	if len(pw) > p.MaxLength*maxBytesPerCodePoint {
		return &PolicyError{Problems: []Problem{{Reason: ReasonTooLong, Limit: p.MaxLength}}}
	}
	stable, err := Normalize(pw)
	switch {
	case errors.Is(err, ErrTooLong): // a MaxLength that Validate would refuse
		return &PolicyError{Problems: []Problem{{Reason: ReasonTooLong, Limit: greatestMaxLength}}}
	case err != nil:
		return &PolicyError{Problems: []Problem{{Reason: ReasonNotUTF8}}}
	}

	var problems []Problem
	found := func(bad bool, reason Reason) {
		if bad {
			problems = append(problems, Problem{Reason: reason})
		}
	}
	length := utf8.RuneCountInString(stable)
	least := p.MinLength
	if who.SecondFactor {
		least = p.MinLengthWithSecondFactor
	}
	if length < least {
		problems = append(problems, Problem{Reason: ReasonTooShort, Length: length, Limit: least})
	}
	if length > p.MaxLength {
		problems = append(problems, Problem{Reason: ReasonTooLong, Length: length, Limit: p.MaxLength})
	}
	breached, err := p.Breached.contains(pw, stable)
	if err != nil {
		return err
	}
	text := newGuess(stable)
	found(p.Common.refuses(text), ReasonCommon)
	found(breached, ReasonBreached)
	found(text.predictable(), ReasonPredictable)
	found(text.madeOf(ownWords(who)), ReasonOwnName)
	found(text.madeOf(contextWords(p.ContextWords)), ReasonContextWord)
	if len(problems) == 0 {
		return nil
	}
	return &PolicyError{Problems: problems}
}

func (p Policy) withDefaults() Policy {
	if p.MinLength == 0 {
		p.MinLength = defaultMinLength
	}
	if p.MinLengthWithSecondFactor == 0 {
		p.MinLengthWithSecondFactor = defaultMinLengthWithSecondFactor
	}
	if p.MaxLength == 0 {
		p.MaxLength = defaultMaxLength
	}
	return p
}
