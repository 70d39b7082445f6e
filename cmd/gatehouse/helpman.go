package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// manPage writes the manual page in roff with the macros of man(7). Commands
// and flags come from the command line's own model, the rest from the topics.
func manPage(program *kong.Node) (string, error) {
	w := &roff{}
	w.raw(`.TH GATEHOUSE 1 "" "Gatehouse" "User Commands"`)
	w.raw(".SH NAME")
	w.raw(`gatehouse \- sign the users of a web application in`)
	w.raw(".SH SYNOPSIS")
	w.raw(".B gatehouse")
	w.raw(`.I command\fR [\fIflags\fR] [\fIarguments\fR]`)
	w.raw(".SH DESCRIPTION")
	w.text(program.Help)
	w.raw(".SH COMMANDS")
	for _, leaf := range program.Leaves(true) {
		w.command(leaf)
	}
	for _, s := range []struct{ title, topic string }{
		{"CONFIGURATION", "config"}, {"ENVIRONMENT", "environment"}, {"SECRETS", "secrets"}, {"SESSIONS", "sessions"},
		{"PROXIES", "proxies"}, {"NEXT.JS", "nextjs"}, {"FILES", "files"}, {"EXIT STATUS", "exit-codes"},
	} {
		_, text, err := readTopic(s.topic)
		if err != nil {
			return "", err
		}
		w.raw(".SH " + s.title)
		w.page(text)
	}
	return w.out.String(), nil
}

// roff gathers the lines of a page.
type roff struct{ out strings.Builder }

// raw writes a line of markup.
func (w *roff) raw(line string) { w.out.WriteString(line + "\n") }

// text writes a line of words: nothing in it is markup.
func (w *roff) text(line string) { w.raw(escapeRoff(line)) }

func escapeRoff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `"`, `\(dq`, `'`, `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", "...").Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}

func (w *roff) command(n *kong.Node) {
	w.raw(".SS gatehouse " + escapeRoff(n.Path()) + escapeRoff(arguments(n)))
	w.text(n.Help)
	for _, f := range n.Flags {
		if f.Hidden {
			continue
		}
		w.raw(".TP")
		value := ""
		switch {
		case f.Enum != "" && f.PlaceHolder == "":
			value = " " + strings.ReplaceAll(f.Enum, ",", "|")
		case !f.IsBool():
			value = " " + f.FormatPlaceHolder()
		}
		w.raw(`\fB\-\-` + escapeRoff(f.Name) + `\fR` + escapeRoff(value))
		w.text(f.Help)
	}
	for _, a := range n.Positional {
		w.raw(".TP")
		w.raw(`\fI` + escapeRoff(strings.ToUpper(a.Name)) + `\fR`)
		w.text(a.Help)
	}
}

// arguments is how the arguments are written behind a command.
func arguments(n *kong.Node) string {
	out := ""
	for _, a := range n.Positional {
		name := strings.ToUpper(a.Name)
		if a.IsSlice() {
			name += "..."
		}
		if !a.Required {
			name = "[" + name + "]"
		}
		out += " " + name
	}
	return out
}

// page writes a topic: indented lines as they stand, paragraphs filled.
func (w *roff) page(text string) {
	asIs := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !asIs:
			w.raw(".PP\n.nf")
		case !indented && asIs:
			w.raw(".fi")
		}
		asIs = indented
		if line == "" {
			w.raw(".PP")
			continue
		}
		w.text(line)
	}
	if asIs {
		w.raw(".fi")
	}
}
