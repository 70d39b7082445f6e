package main

import (
	"fmt"
	"strings"
)

// nextApp is what a Next.js application must be told of Gatehouse.
type nextApp struct {
	// base is the base path, gatehouse the address that the application
	// reaches Gatehouse at, origin the one that browsers see.
	base, gatehouse, origin string
	dialect                 string
}

// rewrite is the line of next.config.mjs.
func (a nextApp) rewrite() string {
	return fmt.Sprintf(`rewrites: async () => [{ source: "%s/:path*", destination: "%s%s/:path*" }],`, a.base, a.gatehouse, a.base)
}

// secretVariable is what the application calls the secret of its mount.
func secretVariable(dialect string) string {
	if dialect == "v5" {
		return "AUTH_SECRET"
	}
	return "NEXTAUTH_SECRET"
}

// variables are the names and values of the application's environment. The
// client of next-auth 5 reads NEXTAUTH_URL too.
func (a nextApp) variables(secret string) [][2]string {
	url := [2]string{"NEXTAUTH_URL", a.origin}
	if a.dialect == "v5" {
		return [][2]string{{"AUTH_URL", a.origin}, url, {secretVariable(a.dialect), secret}}
	}
	return [][2]string{url, {secretVariable(a.dialect), secret}}
}

// environment is the lines of .env.local, indented.
func (a nextApp) environment(secret string) string {
	var b strings.Builder
	for _, v := range a.variables(secret) {
		fmt.Fprintf(&b, "  %s=%s\n", v[0], v[1])
	}
	return b.String()
}

// append is the command that writes those lines, with the secret out of its
// file.
func (a nextApp) append(secretFile string) string {
	format, args := "", ""
	for _, v := range a.variables("") {
		format += v[0] + `=%s\n`
		if v[1] != "" {
			args += " " + shellQuote(v[1])
		}
	}
	return fmt.Sprintf(`printf '%s'%s "$(cat %s)" >> .env.local`, format, args, shellQuote(secretFile))
}

// shellQuote writes a word as the shells of Unix read it.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-:@%+=,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
