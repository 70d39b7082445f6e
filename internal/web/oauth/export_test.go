package oauth

import "github.com/gatehouse-auth/gatehouse/auth"

// ParseForm and Basic read what comes from outside.
var (
	ParseForm = parseForm
	Basic     = basic
)

// ErrorName is the standard's word for a Code.
func ErrorName(c auth.Code) string { return errorName(auth.NewError(c, nil)) }

// Description is what may stand in error_description.
func Description(text string) string { return description(text) }
