package useragent

import "strings"

// Agent is what a User-Agent field tells. An empty member is unknown.
type Agent struct {
	// Browser is a name as people know it ("Firefox", "Samsung Internet"), or
	// that of a program that is none ("curl").
	Browser string
	// System is the name of the operating system ("Windows", "iPadOS").
	System string
}

// Family is what a field tells in one text: "Firefox on Windows", "curl",
// "Windows", or nothing.
func Family(field string) string {
	switch a := Parse(field); {
	case a.System == "":
		return a.Browser
	case a.Browser == "":
		return a.System
	default:
		return a.Browser + " on " + a.System
	}
}

// maxLength is how many bytes of a field are looked at: more than any browser
// sends, and more than the row of a session keeps of it.
const maxLength = 512

// Parse reads a field. It allocates nothing and is linear in the length.
func Parse(field string) Agent {
	if len(field) > maxLength {
		field = field[:maxLength]
	}
	system := first(field, systems[:])
	browser := first(field, programs[:])
	if browser == "" {
		browser = first(field, browsers[:])
	}
	if field == "node" { // the whole of what fetch of Node.js sends
		browser = "Node.js"
	}
	if browser == "Safari" && !apple(system) { // WebKit of another make says so too
		browser = ""
		if system == "Android" {
			browser = "Android Browser"
		}
	}
	return Agent{Browser: browser, System: system}
}

// apple says whether Safari runs there.
func apple(system string) bool { return system == "macOS" || system == "iOS" || system == "iPadOS" }

// token is a piece of text that tells a name.
type token struct{ text, name string }

// first is the name of the first token of the table that the field has.
func first(field string, table []token) string {
	for _, t := range table {
		if has(field, t.text) {
			return t.name
		}
	}
	return ""
}

// has finds the token where a word begins, so that "Edge" is not found in
// "Knowledge/1".
func has(field, token string) bool {
	for from := 0; ; {
		at := strings.Index(field[from:], token)
		if at < 0 {
			return false
		}
		at += from
		if at == 0 || !letter(field[at-1]) {
			return true
		}
		from = at + 1
	}
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
