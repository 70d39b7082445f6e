package password

import (
	"fmt"
	"strings"
)

// Reason says what is wrong with a new password. Its text is stable: clients
// and translations rely on it.
type Reason string

// The reasons of [Policy.Check].
const (
	ReasonTooShort    Reason = "too_short"
	ReasonTooLong     Reason = "too_long"
	ReasonNotUTF8     Reason = "not_utf8"
	ReasonCommon      Reason = "common"                // on the list of common passwords, or little more than an entry
	ReasonBreached    Reason = "breached"              // on the list of passwords known from breaches
	ReasonPredictable Reason = "predictable"           // a repetition, or keys in a row
	ReasonOwnName     Reason = "contains_own_name"     // made of the user's names or identifiers
	ReasonContextWord Reason = "contains_context_word" // made of names of product or site
)

// Problem is one thing wrong with a new password.
type Problem struct {
	Reason Reason
	// Length and Limit are code points and are set for too_short and too_long.
	// Length is 0 if the input was too long to be counted.
	Length, Limit int
}

// Message is a sentence for the user: what is wrong and what to do (NIST
// SP 800-63B-4 §3.1.1.2 asks for the reason). It never quotes the password.
func (p Problem) Message() string {
	switch p.Reason {
	case ReasonTooShort:
		return fmt.Sprintf("This password has %d characters; use at least %d.", p.Length, p.Limit)
	case ReasonTooLong:
		return fmt.Sprintf("This password is too long; use at most %d characters.", p.Limit)
	case ReasonNotUTF8:
		return "This password contains bytes that are not text; type it again."
	case ReasonCommon:
		return "This password is too common: it is, or is built on, one that attackers try first. Use several unrelated words."
	case ReasonBreached:
		return "This password is known from a data breach, so attackers try it. Use one that was never used anywhere."
	case ReasonPredictable:
		return "This password repeats itself or follows the keys in a row. Use several unrelated words."
	case ReasonOwnName:
		return "This password is made of your own name or address. Use words that have nothing to do with you."
	case ReasonContextWord:
		return "This password is made of the name of this site. Use words that have nothing to do with it."
	default:
		return "This password cannot be used."
	}
}

// PolicyError is the refusal of a new password. It holds at least one problem
// and is safe to show.
type PolicyError struct {
	Problems []Problem // in the order of the constants, each reason at most once
}

// Error implements error with the message of every problem.
func (e *PolicyError) Error() string {
	messages := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		messages[i] = p.Message()
	}
	return strings.Join(messages, " ")
}

// Has reports whether reason is among the problems.
func (e *PolicyError) Has(reason Reason) bool {
	for _, p := range e.Problems {
		if p.Reason == reason {
			return true
		}
	}
	return false
}
