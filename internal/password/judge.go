package password

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Judge is [Policy.Check] in the words of the rooms: what is known of the user
// is taken from the row, and a refusal is an *auth.Error whose Code is that of
// the first problem and whose Message tells all of them. Of a password that is
// too short only that is told: the longer one will be another.
func (p Policy) Judge(pw auth.Secret, u auth.User) error {
	err := p.Check(pw.Reveal(), Context{Identifiers: u.Identifiers(), Names: strings.Fields(u.Name)})
	var refused *PolicyError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		return auth.Unavailable(fmt.Errorf("judge password: %w", err))
	}
	first, message := refused.Problems[0], refused.Error()
	if first.Reason == ReasonTooShort {
		message = first.Message()
	}
	return &auth.Error{Code: codeOf(first.Reason), Message: message, Details: details(refused.Problems), Field: "password"}
}

// details are the problems by their reasons, as far as Message tells them.
func details(problems []Problem) (list []auth.Detail) {
	for _, p := range problems {
		d := auth.Detail{Name: string(p.Reason)}
		if p.Limit > 0 {
			d.Values = map[string]int{"length": p.Length, "limit": p.Limit}
		}
		list = append(list, d)
		if p.Reason == ReasonTooShort {
			break
		}
	}
	return list
}

// Refusal is an error of Hasher or Ticket in the words of the rooms: a full gate
// is CodeBusy with its waiting time, anything else CodeUnavailable.
func Refusal(err error) error {
	var full *BusyError
	if errors.As(err, &full) {
		return &auth.Error{Code: auth.CodeBusy, RetryAfter: max(full.RetryAfter, time.Second), Cause: err}
	}
	return auth.Unavailable(err)
}

func codeOf(r Reason) auth.Code {
	switch r {
	case ReasonTooShort:
		return auth.CodePasswordTooShort
	case ReasonTooLong:
		return auth.CodePasswordTooLong
	case ReasonCommon, ReasonBreached, ReasonPredictable:
		return auth.CodePasswordCommon
	case ReasonOwnName, ReasonContextWord:
		return auth.CodePasswordContainsName
	default:
		return auth.CodePasswordInvalid
	}
}

// Least is the least number of characters for a user whose password is the only
// factor, for forms to say.
func (p Policy) Least() int { return p.withDefaults().MinLength }
