package vectors

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// A Step is one request and its answer. Texts of the request may hold {{name}},
// a variable captured earlier; texts of the answer may hold that too, and
// placeholders ([SequenceFile.Match]).
type Step struct {
	Note        string            `json:"note"`
	Now         int64             `json:"now"` // Unix seconds; the handler's clock stands here during the request
	Request     Request           `json:"request"`
	Response    Response          `json:"response"`
	Mailed      []Mail            `json:"mailed"`      // mail handed to the sender during the request
	UpstreamSaw []UpstreamRequest `json:"upstreamSaw"` // requests at the upstream, in order
	Capture     []Capture         `json:"capture"`     // variables to take from the answer
	MayDiffer   *Difference       `json:"mayDiffer"`   // nil: a server answers as recorded
}

// Request is what the browser sends. Beside Headers it sends Cookie (its jar,
// names in the order they first came, values percent-encoded as
// encodeURIComponent does) and the Content-Type of Form or JSON.
type Request struct {
	Method      string            `json:"method"`
	Path        string            `json:"path"` // path and query, below the origin
	Headers     map[string]string `json:"headers"`
	Form        map[string]string `json:"form"`        // application/x-www-form-urlencoded; nil: no form
	JSON        json.RawMessage   `json:"json"`        // application/json; nil: no JSON body
	SetCookies  []StartCookie     `json:"setCookies"`  // done to the jar before the request
	CookiesSent []string          `json:"cookiesSent"` // names the jar then sends, in order
}

// StartCookie puts a cookie into the browser's jar or takes one out.
type StartCookie struct {
	Name   string `json:"name"`
	Remove bool   `json:"remove"`
	Value  string `json:"value"` // decoded; for a seal the token as the package made it
	Seal   *Seal  `json:"seal"`  // nil: Value is just a text
}

// Seal tells how the token of a StartCookie was made, for a replay that would
// rather make its own: Claims with iat = IssuedAt, exp = IssuedAt + MaxAge
// seconds and a random jti, sealed with Secret and Salt (empty in v4).
type Seal struct {
	Claims   map[string]json.RawMessage `json:"claims"`
	MaxAge   int64                      `json:"maxAge"`
	IssuedAt int64                      `json:"issuedAt"`
	Secret   string                     `json:"secret"`
	Salt     string                     `json:"salt"`
}

// Kinds of an answer's body.
const (
	KindJSON  = "json"  // Response.JSON, which may be null
	KindHTML  = "html"  // Response.HTML
	KindText  = "text"  // Response.Text
	KindEmpty = "empty" // no body
)

// Response is the answer. Headers has every header the package set, names in
// lower case, Set-Cookie apart; a framework would add more. Content-Type is to
// be compared by media type.
type Response struct {
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"` // patterns
	SetCookie []SetCookie       `json:"setCookie"`
	Tokens    []Token           `json:"tokens"` // what is sealed in those cookies
	Kind      string            `json:"kind"`
	JSON      json.RawMessage   `json:"json"` // every text in it is a pattern
	HTML      *HTML             `json:"html"`
	Text      string            `json:"text"` // pattern
}

// SetCookie is one Set-Cookie line, in the order of the answer.
type SetCookie struct {
	Name       string     `json:"name"`
	Value      string     `json:"value"`  // decoded, a pattern; empty: the cookie is deleted
	Length     int        `json:"length"` // of a chunk, in characters; else 0
	Attributes Attributes `json:"attributes"`
	Line       string     `json:"line"` // the line as sent, a pattern
}

// Attributes of a Set-Cookie line. MaxAge is in seconds, Expires in Unix
// seconds; nil means the attribute is not there.
type Attributes struct {
	MaxAge   *int64 `json:"maxAge"`
	Domain   string `json:"domain"`
	Path     string `json:"path"`
	Expires  *int64 `json:"expires"`
	HTTPOnly bool   `json:"httpOnly"`
	Secure   bool   `json:"secure"`
	SameSite string `json:"sameSite"`
}

// Token is a JWE that an answer sets in Cookie, opened. Claims lacks iat, exp and
// jti: iat is IssuedAt, exp is IssuedAt + Lifetime seconds, jti a random UUID.
// Texts in Claims are patterns.
type Token struct {
	Cookie   string                     `json:"cookie"` // without chunk number; empty in a nested token
	Chunks   []int                      `json:"chunks"` // characters in each; nil: one cookie
	Salt     string                     `json:"salt"`
	Claims   map[string]json.RawMessage `json:"claims"`
	IssuedAt int64                      `json:"issuedAt"`
	Lifetime int64                      `json:"lifetime"`
	Nested   *Token                     `json:"nested"` // the token in the claim "value", where v5 seals twice
}

// HTML is what a browser could send from a page.
type HTML struct {
	Forms []Form `json:"forms"`
}

// Form is one form of a page, its action a pattern.
type Form struct {
	Action string  `json:"action"`
	Method string  `json:"method"`
	Inputs []Input `json:"inputs"`
}

// Input is one named input of a form; only hidden ones have a Value, a pattern.
type Input struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Value *string `json:"value"`
}

// Mail is one sign-in mail. URL is a pattern, Expires an ISO time.
type Mail struct {
	Identifier string `json:"identifier"`
	URL        string `json:"url"`
	Expires    string `json:"expires"`
}

// UpstreamRequest is what the upstream saw of one request. Texts are patterns.
type UpstreamRequest struct {
	Method        string            `json:"method"`
	Path          string            `json:"path"`
	Authorization string            `json:"authorization"` // scheme alone, as spelled
	Form          map[string]string `json:"form"`
}

// Capture takes a variable from an answer: the text Member of the JSON body
// (From "json"), of the headers ("header") or of the latest mail ("mail": url),
// and of that text, if Query is not empty, the query parameter of that name.
type Capture struct {
	Variable string `json:"variable"`
	From     string `json:"from"`
	Member   string `json:"member"`
	Query    string `json:"query"`
}

// Take returns the variable's value, given the text that From and Member name.
func (c Capture) Take(text string) (string, error) {
	if c.Query == "" {
		return text, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("capture %s: %w", c.Variable, err)
	}
	if !u.Query().Has(c.Query) {
		return "", fmt.Errorf("capture %s: %s has no parameter %s", c.Variable, text, c.Query)
	}
	return u.Query().Get(c.Query), nil
}

// Difference is what a careful server answers where the package is lax or
// fails. Empty members: as recorded. All empty but Why: the step does not apply.
type Difference struct {
	Status  int               `json:"status"`
	JSON    json.RawMessage   `json:"json"`
	Headers map[string]string `json:"headers"`
	Why     string            `json:"why"`
}
