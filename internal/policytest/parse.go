package policytest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// Bounds of a table: more is a mistake, or an attack on whoever runs it.
const (
	// MaxSize is in bytes.
	MaxSize = 1 << 20
	// MaxProblems is how many are gathered before the rest is left unread.
	MaxProblems = 100
)

// Parse reads a table; name is for messages. The error is an *[Error] with all
// that is wrong, in the order of the lines.
func Parse(name string, text []byte) (*Table, error) {
	p := &parser{
		table:   &Table{mux: http.NewServeMux()},
		callers: map[string]int{string(Nobody): -1},
	}
	switch {
	case len(text) > MaxSize:
		p.note(0, "the table is larger than %d bytes", MaxSize)
	case !utf8.Valid(text) || strings.ContainsRune(string(text), 0):
		p.note(0, "the table is not text in UTF-8")
	default:
		p.read(strings.Split(string(text), "\n"))
	}
	if len(p.problems) > 0 {
		slices.SortStableFunc(p.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &Error{Name: name, Problems: p.problems}
	}
	return p.table, nil
}

// parser gathers a table and what is wrong with it.
type parser struct {
	table    *Table
	problems []Problem
	// callers are the indexes of Table.Callers by name.
	callers map[string]int
	// line is the one being read.
	line int
}

// routeHandler is what the mux finds: the index of a Route.
type routeHandler int

// ServeHTTP is never called: the mux is only asked what it would call.
func (routeHandler) ServeHTTP(http.ResponseWriter, *http.Request) {}

func (p *parser) note(line int, format string, args ...any) {
	if len(p.problems) < MaxProblems {
		p.problems = append(p.problems, Problem{line, fmt.Sprintf(format, args...)})
	}
}

func (p *parser) wrong(format string, args ...any) { p.note(p.line, format, args...) }

// read takes the declarations first, so that cases may stand before them.
func (p *parser) read(lines []string) {
	var cases []int
	for i, line := range lines {
		p.line = i + 1
		words := wordsOf(line)
		switch {
		case len(words) == 0:
		case words[0] == "route":
			p.route(words[1:])
		case words[0] == "caller":
			p.caller(words[1:])
		default:
			cases = append(cases, i)
		}
	}
	for _, i := range cases {
		p.line = i + 1
		p.expect(wordsOf(lines[i]))
	}
	if len(cases) == 0 && len(p.problems) == 0 {
		p.note(0, "the table expects nothing: add lines as \"nobody GET /orders 401\"")
	}
}

// wordsOf are the words of a line without its comment.
func wordsOf(line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		if strings.HasPrefix(w, "#") {
			return words[:i]
		}
	}
	return words
}

// route reads "[METHOD] PATTERN NEED…".
func (p *parser) route(words []string) {
	at := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "/") && !strings.Contains(w, "=") })
	if at < 0 || at > 1 {
		p.wrong(`a route is a method and a pattern, as "route GET /orders/{id} permission=orders:read"`)
		return
	}
	r := Route{Line: p.line, Pattern: strings.Join(words[:at+1], " ")}
	if len(words) == at+1 {
		p.wrong("the route does not say what it needs: write public, signed-in, session, api-key, role=…, permission=… or scope=…")
		return
	}
	for _, w := range words[at+1:] {
		if !p.need(&r, w, len(words) == at+2) {
			return
		}
	}
	if err := register(p.table.mux, r.Pattern, routeHandler(len(p.table.Routes))); err != nil {
		p.wrong("%v", err)
		return
	}
	p.table.Routes = append(p.table.Routes, r)
}

// need adds what a word of a route says; alone: it is the only one.
func (p *parser) need(r *Route, word string, alone bool) bool {
	if word == "public" || word == "signed-in" {
		if !alone {
			p.wrong("%s stands alone: the route cannot need more", word)
			return false
		}
		r.Public = word == "public"
		return true
	}
	n := Need{Text: word}
	for text := range strings.SplitSeq(word, "|") {
		part, ok := p.part(text)
		if !ok {
			return false
		}
		n.AnyOf = append(n.AnyOf, part)
	}
	r.Needs = append(r.Needs, n)
	return true
}

// part reads one way to meet a need.
func (p *parser) part(text string) (part Part, ok bool) {
	key, value, given := strings.Cut(text, "=")
	part.Kind = PartKind(key)
	switch {
	case !given && (part.Kind == PartAPIKey || part.Kind == PartSession):
		return part, true
	case given && (part.Kind == PartRole || part.Kind == PartPermission || part.Kind == PartScope):
		if part.Names = p.list(key, value); part.Names == nil {
			return part, false
		}
	default:
		p.wrong("%q is not a need: write public, signed-in, session, api-key, role=…, permission=… or scope=…", text)
		return part, false
	}
	if part.Kind == PartRole {
		return part, p.roles(part.Names)
	}
	if part.Kind == PartPermission {
		for _, name := range part.Names {
			permission, err := rbac.ParsePermission(name)
			if err != nil {
				p.wrong("permission=%s: %s", name, auth.AsError(err).Text())
				return part, false
			}
			part.permissions = append(part.permissions, permission)
		}
	}
	return part, true
}

// register adds a pattern; the mux panics about one that is wrong, or that
// stands in the way of another.
func register(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("%s", firstLine(fmt.Sprint(why)))
		}
	}()
	mux.Handle(pattern, h)
	return nil
}

// registered is where a pattern was given to the mux: a line of this program.
var registered = regexp.MustCompile(` \(registered at [^)]*\)`)

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(registered.ReplaceAllString(text, ""), ":")
}

// caller reads "NAME KIND [roles=…] [scopes=…]".
func (p *parser) caller(words []string) {
	if len(words) < 2 || strings.Contains(words[1], "=") {
		p.wrong(`a caller is a name and what they show, as "caller ada session roles=editor"`)
		return
	}
	c := Caller{Line: p.line, Name: words[0], Kind: Kind(words[1])}
	if at, taken := p.callers[c.Name]; taken {
		if at < 0 {
			p.wrong("nobody is always there, and shows nothing")
		} else {
			p.wrong("the caller %s stands in line %d already", c.Name, p.table.Callers[at].Line)
		}
		return
	}
	if c.Kind != Session && c.Kind != APIKey && c.Kind != Token {
		p.wrong("%s shows %q: write session, api-key or token", c.Name, words[1])
		return
	}
	if !p.holds(&c, words[2:]) {
		return
	}
	p.callers[c.Name] = len(p.table.Callers)
	p.table.Callers = append(p.table.Callers, c)
}

// holds reads what a caller has.
func (p *parser) holds(c *Caller, words []string) bool {
	for _, w := range words {
		key, value, given := strings.Cut(w, "=")
		list := &c.Roles
		switch {
		case given && key == "scopes" && c.Kind == Session:
			p.wrong("a session has no scopes; write api-key or token")
			return false
		case given && key == "scopes":
			list = &c.Scopes
		case !given || key != "roles":
			p.wrong("%q is not understood: write roles=…, or scopes=…", w)
			return false
		}
		if *list != nil {
			p.wrong("%s= stands twice", key)
			return false
		}
		if *list = p.list(key, value); *list == nil {
			return false
		}
	}
	return p.roles(c.Roles)
}

// list reads texts with commas between them.
func (p *parser) list(key, value string) []string {
	items := strings.Split(value, ",")
	if slices.Contains(items, "") {
		p.wrong("%s=%s: write one, or several with commas between them and no blanks", key, value)
		return nil
	}
	return items
}

func (p *parser) roles(names []string) bool {
	if _, err := auth.CleanRoles(names); err != nil {
		p.wrong("%s: %s", strings.Join(names, ","), auth.AsError(err).Text())
		return false
	}
	return true
}

// expect reads "CALLER REQUEST ANSWER".
func (p *parser) expect(words []string) {
	if len(words) != 3 && len(words) != 4 {
		p.wrong(`a line begins with route or caller, or expects something, as "ada GET /orders 200"`)
		return
	}
	c := Case{Line: p.line, Caller: Caller{Name: string(Nobody), Kind: Nobody}, route: -1}
	at, known := p.callers[words[0]]
	if !known {
		p.wrong("nobody told who %s is: add \"caller %s session roles=…\"", words[0], words[0])
		return
	}
	if at >= 0 {
		c.Caller = p.table.Callers[at]
	}
	request, answer := words[1:len(words)-1], words[len(words)-1]
	switch n, err := strconv.Atoi(answer); {
	case err != nil || n != http.StatusOK && n != http.StatusUnauthorized && n != http.StatusForbidden:
		p.wrong("%q is not an answer: write 200, 401 or 403", answer)
		return
	default:
		c.Want = n
	}
	c.Request = strings.Join(request, " ")
	if len(request) == 2 {
		if c.route = p.find(request[0], request[1]); c.route < 0 {
			return
		}
	} else {
		var err error
		if c.permission, err = rbac.ParsePermission(request[0]); err != nil {
			p.wrong("%s is neither a method with a path nor a permission: %s", request[0], auth.AsError(err).Text())
			return
		}
	}
	p.table.Cases = append(p.table.Cases, c)
}

// find returns the index of the Route, or -1 with a problem noted.
func (p *parser) find(method, path string) int {
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") {
		p.wrong("%q is not a path, as /orders/17", path)
		return -1
	}
	if method == "" || strings.IndexFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) >= 0 {
		p.wrong("%q is not a method, as GET", method)
		return -1
	}
	h, _ := p.table.mux.Handler(&http.Request{Method: method, URL: u, RequestURI: path})
	route, ours := h.(routeHandler)
	if !ours {
		p.wrong("no route takes %s %s", method, path)
		return -1
	}
	return int(route)
}
