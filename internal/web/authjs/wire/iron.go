package wire

import (
	"strconv"
	"strings"
)

// maxIronChunks is how many cookies iron-session spreads a session over, and
// reads.
const maxIronChunks = 4

// ReplaceIron returns the Set-Cookie lines after which the browser holds value as
// iron-session writes it, and nothing else that its reader would prefer or join:
// the cookie of that name, or name.0 to name.3 where one would be too long. An
// empty value deletes. maxAge is in seconds. A value that is too long even so
// yields nothing, and what the browser holds stays.
//
// Only cookies that the request has are deleted, and only those of exactly these
// names: the application chose the name, and others that begin alike are its own.
func ReplaceIron(name, value string, maxAge int, secure bool, request Cookies) []string {
	fresh := splitIron(name, value, maxAge, secure)
	if fresh == nil && value != "" || !isToken(name) {
		return nil
	}
	var lines []string
	for _, c := range request {
		stale := DeleteCookie(c.Name, secure).String()
		if isIronCookie(name, c.Name) && !setsCookie(fresh, c.Name) && !setsCookie(lines, c.Name) && stale != "" {
			lines = append(lines, stale)
		}
	}
	return append(lines, fresh...)
}

func isIronCookie(name, cookie string) bool {
	suffix, ok := strings.CutPrefix(cookie, name)
	return ok && (suffix == "" || chunkNumber(suffix) >= 0)
}

func setsCookie(lines []string, name string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, name+"=") {
			return true
		}
	}
	return false
}

// splitIron makes the lines that set value; none when it is too long. What fits a
// cookie is what [MaxSetCookie] leaves beside name and attributes.
func splitIron(name, value string, maxAge int, secure bool) []string {
	if value == "" {
		return nil
	}
	line := func(name, value string) string {
		return SetCookie{Name: name, Value: value, MaxAge: maxAge, Secure: secure}.String()
	}
	if whole := line(name, value); len(whole) <= MaxSetCookie {
		return []string{whole}
	}
	size := MaxSetCookie - len(line(name+".0", ""))
	if size <= 0 || len(value) > maxIronChunks*size {
		return nil
	}
	var lines []string
	for i := 0; value != ""; i++ {
		n := min(size, len(value))
		lines = append(lines, line(name+"."+strconv.Itoa(i), value[:n]))
		value = value[n:]
	}
	return lines
}
