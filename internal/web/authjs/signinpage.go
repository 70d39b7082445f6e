package authjs

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// withQuery appends a query to an address that may have one.
func withQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// signInPage shows the sign-in page, or leads to the application's own
// (authjs.md §4.6).
func (h *Handler) signInPage(x *mount.Exchange) error {
	failure := x.R.URL.Query().Get("error")
	if segment := x.R.PathValue("provider"); segment != "" {
		if h.Mount.IsV5() {
			h.dialect.unsupported(x)
			return nil
		}
		if failure == "" {
			failure = segment
		}
	}
	if healed, err := h.heal(x); healed || err != nil {
		return err
	}
	x.SendCookies()
	if h.Pages.SignIn != "" {
		writeRedirect(x.W, withQuery(h.Pages.SignIn, h.dialect.pageParameters(x.Callback, failure)))
		return nil
	}
	p := h.signInForm(x)
	if failure == "SessionRequired" {
		p.Notice = pages.Say(pages.KeySignInRequired)
	} else {
		p.Problem = signInText(failure, x.R.URL.Query().Get("code"))
	}
	if len(h.Fields) > 0 {
		p.Focus = h.Fields[0].Name
	}
	return h.Hosted.SignIn(x.W, x.R, http.StatusOK, p)
}

// signInForm is the hosted form. Its mark is an input that the library's form
// does not have, so it is there only where the Options ask for it.
func (h *Handler) signInForm(x *mount.Exchange) pages.SignIn {
	p := pages.SignIn{
		Form:     pages.Form{Action: h.base() + "/callback/" + h.Provider, CSRFToken: x.CSRFToken, Fields: h.Fields},
		Register: h.Register,
	}
	if h.Mark {
		p.Hidden = map[string]string{markField: "1"}
	}
	return p
}

// markField is the hidden input by which our own forms are known.
const markField = "hosted"

// marked says whether the request is one of our own forms, sent by a browser
// that waits for a page. Everybody else gets the protocol's answers.
func (h *Handler) marked(x *mount.Exchange) bool {
	mode := x.R.Header.Get("Sec-Fetch-Mode") // older browsers send none
	return h.Mark && x.Field(markField) == "1" && !h.dialect.wantsJSON(x) && (mode == "" || mode == "navigate")
}

// answersHere says whether a sign-in that fails is answered with the hosted
// form. An application with a page of its own gets the protocol's redirect to
// it.
func (h *Handler) answersHere(x *mount.Exchange) bool { return h.marked(x) && h.Pages.SignIn == "" }

// signInAgain answers a refused try with the form it came from: the identifier
// is kept, the problem stands beside it, and the status is that of the refusal.
// Unknown identifiers and wrong passwords get the same answer, byte by byte but
// for what was typed (CS-4).
func (h *Handler) signInAgain(x *mount.Exchange, status int, problem pages.Text) error {
	p := h.signInForm(x)
	p.Problem = problem
	p.Fields = slices.Clone(h.Fields)
	for i, f := range p.Fields {
		if f.Type == "password" {
			p.Focus = f.Name
			if status == http.StatusUnauthorized {
				p.Wrong = f.Name
			}
		} else if !web.ForeignRequest(x.R, x.Origin()) { // another site fills nothing in here
			p.Fields[i].Value = x.Field(f.Name)
		}
	}
	x.SendCookies()
	return h.Hosted.SignIn(x.W, x.R, status, p)
}

// refusedHere answers a refusal on the hosted form where that is the place for
// it; done is false where it is not.
func (h *Handler) refusedHere(x *mount.Exchange, err error) (done bool, failed error) {
	var hook *denied
	var thrown *AuthorizeError
	if !h.answersHere(x) || errors.As(err, &hook) || errors.As(err, &thrown) {
		return false, nil
	}
	switch e := auth.AsError(err); {
	case waitable(e):
		web.SetRetryAfter(x.W.Header(), e)
		return true, h.signInAgain(x, web.Status(e), pages.Refused(e))
	case e.Code.Kind() == auth.KindInternal:
		return false, nil
	}
	return true, h.signInAgain(x, http.StatusUnauthorized, pages.Say(pages.KeySignInFailed))
}

// heal returns somebody whose session lives, and whose cookie only the
// application's own reader no longer takes, to where they came from with a
// fresh cookie (guarantees R12). It does so only where a fresh cookie can
// help: an application that refuses for another reason must not send the
// browser round in circles.
func (h *Handler) heal(x *mount.Exchange) (bool, error) {
	if !x.HasSession() || x.R.URL.Query().Get("callbackUrl") == "" {
		return false, nil
	}
	s, err := x.Session()
	if err != nil || s.Verdict != session.Live || !s.Outdated(x.Now()) {
		return false, nil // a store that cannot be asked is no reason to hide the form
	}
	token, err := x.Sessions.Renew(x.R.Context(), s, nil)
	if err != nil || s.Verdict != session.Live {
		return false, err
	}
	x.KeepSession(token)
	x.SendCookies()
	writeRedirect(x.W, x.Callback)
	return true, nil
}

// waitText is what people are told when waiting helps; nothing for everything
// else.
func waitText(code string) (t pages.Text) {
	switch c := auth.Code(code); c {
	case auth.CodeTooManyAttempts, auth.CodeBusy, auth.CodeUnavailable:
		return pages.Refused(c)
	}
	return t
}

// signInText is what the hosted page says about an error (authjs.md §4.6) and,
// in v5, its code. An unknown one gets the general text; the value itself is
// never shown.
func signInText(failure, code string) pages.Text {
	if text := waitText(code); text.Given() {
		return text
	}
	switch failure {
	case "":
		return pages.Text{}
	case "CredentialsSignin":
		return pages.Say(pages.KeySignInFailed)
	case "MissingCSRF":
		return pages.Say(pages.KeySignInFormExpired)
	case "OAuthAccountNotLinked":
		return pages.Say(pages.KeySignInOtherAccount)
	}
	return pages.Say(pages.KeySignInAgain)
}

// signInStart begins a sign-in with a provider (authjs.md §4.7). Credentials
// sign in through the callback, so this leads to the page.
func (h *Handler) signInStart(x *mount.Exchange) error {
	provider := x.R.PathValue("provider")
	switch {
	case h.Mount.IsV5() && provider != "" && provider != h.Provider:
		h.dialect.unsupported(x)
	case !x.Verified(), !h.Mount.IsV5() && provider != h.Provider:
		h.dialect.badCSRF(x, "signin")
	default:
		h.dialect.redirect(x, h.base()+"/signin")
	}
	return nil
}
