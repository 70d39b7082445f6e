package mount

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// Challenge is the WWW-Authenticate that every 401 owes (RFC 9110 §15.5.2).
// No scheme for cookies is registered; this one says, in the words of
// draft-broyer-http-cookie-auth, which cookie is missed and where it is to be
// had. Browsers pass over schemes that they do not know, so no dialog opens.
func (m *Mount) Challenge() string {
	return `Cookie realm="` + m.Origin() + `", form-action="` + m.Base() + `/signin", cookie-name="` + m.SessionCookie() + `"`
}

// FailProblem answers an error with a problem document, and one that asks for
// somebody with the challenge.
func (m *Mount) FailProblem(w http.ResponseWriter, r *http.Request, err error) {
	if web.Status(err) == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", m.Challenge())
	}
	web.FailProblem(w, r, err)
}
