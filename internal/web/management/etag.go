package management

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// etag is a row's version as an entity tag (RFC 9110 §8.8.3).
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// ifMatch reads which version the caller has seen; zero is whichever, which they
// say with "*". A weak tag, or one that we never give, matches nothing (RFC 9110
// §13.1.1). Codes: version_needed (428), version_changed (412), invalid_request.
func ifMatch(r *http.Request) (int64, error) {
	lines := r.Header.Values("If-Match")
	switch {
	case len(lines) == 0:
		return 0, auth.NewError(auth.CodeVersionNeeded, nil)
	case len(lines) > 1:
		return 0, &auth.Error{Code: auth.CodeInvalidRequest, Field: "If-Match", Message: "Send one If-Match with one entity tag."}
	}
	text := strings.TrimSpace(lines[0])
	if text == "*" {
		return 0, nil
	}
	digits, quoted := strings.CutPrefix(text, `"`)
	digits, closed := strings.CutSuffix(digits, `"`)
	seen, err := strconv.ParseInt(digits, 10, 64)
	if !quoted || !closed || err != nil || seen < 1 || etag(seen) != text {
		return 0, auth.NewError(auth.CodeVersionChanged, errors.New("an entity tag that is none of ours"))
	}
	return seen, nil
}

// statuses are those that a Code alone does not give: RFC 6585 §3, RFC 9110
// §15.5.13 and §15.5.21.
var statuses = map[auth.Code]int{
	auth.CodeVersionNeeded:  http.StatusPreconditionRequired,
	auth.CodeVersionChanged: http.StatusPreconditionFailed,
	auth.CodeKeyReused:      http.StatusUnprocessableEntity,
}

// fail answers an error with a problem document (RFC 9457).
func fail(w http.ResponseWriter, r *http.Request, err error) {
	e := *auth.AsError(err)
	if status, ok := statuses[e.Code]; ok {
		e.Cause = web.WithStatus(status, e.Cause)
	}
	web.FailProblem(w, r, &e)
}
