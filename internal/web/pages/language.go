package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// languageCookieAge is how long a chosen language is remembered, in seconds.
const languageCookieAge = 365 * 24 * 60 * 60

// maxAcceptLanguage bounds what is read of Accept-Language, in bytes: browsers
// send far less, and matching costs time for each entry.
const maxAcceptLanguage = 512

// speak chooses the language of an answer: what the address asks for (?lang=),
// which is kept in a cookie; else the cookie; else the best that the browser
// accepts (RFC 9110 §12.5.4); else the configured one.
func (s *Set) speak(w http.ResponseWriter, r *http.Request) *locale {
	kept, _ := r.Cookie(s.Cookie)
	if asked := s.locale(r.URL.Query().Get("lang")); asked != nil {
		if kept == nil || kept.Value != asked.tag.String() {
			http.SetCookie(w, &http.Cookie{
				Name: s.Cookie, Value: asked.tag.String(), Path: "/", MaxAge: languageCookieAge,
				HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode,
			})
		}
		return asked
	}
	if kept != nil {
		if l := s.locale(kept.Value); l != nil {
			return l
		}
	}
	accepts := strings.Join(r.Header.Values("Accept-Language"), ",")
	if len(accepts) > maxAcceptLanguage {
		accepts = accepts[:maxAcceptLanguage]
	}
	wanted, _, err := language.ParseAcceptLanguage(accepts)
	if err != nil || len(wanted) == 0 {
		return s.locales[0]
	}
	_, i, confidence := s.matcher.Match(wanted...)
	if confidence == language.No {
		return s.locales[0]
	}
	return s.locales[i]
}

// Speaks says whether there is a language of exactly that tag.
func (s *Set) Speaks(tag string) bool { return s.locale(tag) != nil }

// locale returns the language of exactly that tag, or nil.
func (s *Set) locale(tag string) *locale {
	for _, l := range s.locales {
		if l.tag.String() == tag {
			return l
		}
	}
	return nil
}

func (s *Set) secure() bool { return strings.HasPrefix(s.Base, "https:") }

// choice is one entry of the language picker.
type choice struct {
	Tag, Dir, Name, Address string
	Current                 bool
}

// choices are links to this page in every language. page is the path below the
// base at which a GET shows it: what a POST has rendered cannot be had again.
func (s *Set) choices(r *http.Request, page string, current *locale) []choice {
	address, kept := "", s.keptQuery(r)
	if r.Method != http.MethodGet {
		address, kept = s.Base+page, url.Values{}
	}
	list := make([]choice, 0, len(s.locales))
	for _, l := range s.locales {
		kept.Set("lang", l.tag.String())
		list = append(list, choice{
			Tag: l.tag.String(), Dir: l.dir(), Name: l.text(keyLanguageName), Address: address + "?" + kept.Encode(), Current: l == current,
		})
	}
	slices.SortFunc(list, func(a, b choice) int { return strings.Compare(a.Tag, b.Tag) })
	return list
}

// keptQuery is what of the query belongs to the page, whichever language it
// speaks. A callback URL of another origin would be refused again; it is not
// repeated.
func (s *Set) keptQuery(r *http.Request) url.Values {
	kept, query := url.Values{}, r.URL.Query()
	for _, name := range []string{"error", "code", "done"} {
		if v := query.Get(name); v != "" && len(v) <= 64 {
			kept.Set(name, v)
		}
	}
	back := query.Get("callbackUrl")
	path := strings.TrimPrefix(back, s.origin())
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`) && len(path) <= 2048 &&
		!strings.ContainsFunc(path, unicode.IsControl) {
		kept.Set("callbackUrl", back)
	}
	return kept
}

// origin is the public origin: what the base begins with, up to its path.
func (s *Set) origin() string {
	scheme, rest, _ := strings.Cut(s.Base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}
