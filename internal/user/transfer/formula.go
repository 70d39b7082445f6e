package transfer

import "strings"

// Spreadsheets run a cell that begins like a formula. guarded puts an
// apostrophe before it, as they do themselves for text (OWASP, CSV injection),
// and unguarded takes it away again. Cells that begin with apostrophes and then
// like a formula get one more, so that each cell has exactly one text.

const formulaStarts = "=+-@\t\r\x00"

func formula(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte(formulaStarts, s[0]) >= 0
}

func guarded(s string) string {
	if formula(s) {
		return "'" + s
	}
	return s
}

func unguarded(s string) string {
	if strings.HasPrefix(s, "'") && formula(s) {
		return s[1:]
	}
	return s
}
