package management

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// cursorMark begins what a cursor holds, so that an older form could be told.
const cursorMark = "1:"

// cursor is the text of a place in the list of an operation: where the next page
// begins. It is opaque and no secret; whoever makes one up begins elsewhere in a
// list that they may read anyway.
func cursor(op, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorMark + op + ":" + after))
}

// cursorAfter is the inverse; empty for the empty cursor. What the place may look
// like, valid says. Code: invalid_request.
func cursorAfter(op, text string, valid func(string) bool) (after string, err error) {
	if text == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil {
		var ok bool
		if after, ok = strings.CutPrefix(string(b), cursorMark+op+":"); ok && valid(after) {
			return after, nil
		}
	}
	return "", &auth.Error{Code: auth.CodeInvalidRequest, Field: "cursor", Message: "Give a cursor as it was answered, to the same list.", Cause: err}
}

// nextLink names the next page by the same address with another cursor (RFC
// 8288).
func nextLink(r *http.Request, next string) string {
	q := url.Values{}
	for name, values := range r.URL.Query() {
		q[name] = values
	}
	q.Set("cursor", next)
	return "<" + r.URL.EscapedPath() + "?" + q.Encode() + `>; rel="next"`
}
