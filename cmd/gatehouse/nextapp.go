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

// rewrite is the line of next.config.mjs. GATEHOUSE_URL says where Gatehouse is
// in other places than this one.
func (a nextApp) rewrite() string {
	return fmt.Sprintf("rewrites: async () => [{ source: \"%s/:path*\", destination: `${process.env.GATEHOUSE_URL ?? \"%s\"}%s/:path*` }],",
		a.base, a.gatehouse, a.base)
}

// secretVariable is what the application calls the secret of its mount.
func secretVariable(dialect string) string {
	if dialect == "v5" {
		return "AUTH_SECRET"
	}
	return "NEXTAUTH_SECRET"
}

// envLine is a line of the application's environment.
type envLine struct{ name, value string }

// variables are what every application needs. The client of next-auth 4 asks on
// the server too, at NEXTAUTH_URL_INTERNAL: Gatehouse itself, not the rewrite.
func (a nextApp) variables() []envLine {
	to := envLine{"GATEHOUSE_URL", a.gatehouse}
	if a.dialect == "v5" {
		return []envLine{to}
	}
	return []envLine{{"NEXTAUTH_URL", a.origin}, {"NEXTAUTH_URL_INTERNAL", a.gatehouse}, to}
}

// opening is what code needs that opens the session cookie by itself.
// Everything else does without: an application that has no secret can lose none.
func (a nextApp) opening(secret string) (calls string, needs []envLine) {
	own := envLine{secretVariable(a.dialect), secret}
	if a.dialect == "v5" { // whose auth() learns from AUTH_URL how the cookie is called
		return "auth, getToken", []envLine{{"AUTH_URL", a.origin}, own}
	}
	return "getServerSession, getToken", []envLine{own}
}

// environment is the lines of .env.local, indented. The secret is commented
// out.
func (a nextApp) environment(secret string) string {
	var b strings.Builder
	for _, v := range a.variables() {
		fmt.Fprintf(&b, "  %s=%s\n", v.name, v.value)
	}
	calls, needs := a.opening(secret)
	fmt.Fprintf(&b, "  # Only for code that opens the cookie itself (%s):\n", calls)
	for _, v := range needs {
		fmt.Fprintf(&b, "  # %s=%s\n", v.name, v.value)
	}
	return b.String()
}

// append is the command that writes the lines that every application needs.
func (a nextApp) append() string { return appendCommand(a.variables(), "") }

// appendSecret is the command that writes the lines for code that opens the
// cookie itself, with the secret out of its file.
func (a nextApp) appendSecret(secretFile string) string {
	_, needs := a.opening("")
	return appendCommand(needs, secretFile)
}

// appendCommand writes variables to .env.local. The one without a value is read
// from the file.
func appendCommand(variables []envLine, file string) string {
	format, args := "", ""
	for _, v := range variables {
		format += v.name + `=%s\n`
		if v.value == "" {
			args += fmt.Sprintf(` "$(cat %s)"`, shellQuote(file))
			continue
		}
		args += " " + shellQuote(v.value)
	}
	return fmt.Sprintf(`printf '%s'%s >> .env.local`, format, args)
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
