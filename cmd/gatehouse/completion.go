package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Run prints the script.
func (c *completionCmd) Run(p *program) error {
	parser, err := newParser(p)
	if err != nil {
		return err
	}
	script := map[string]func([]commandWords) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	_, err = fmt.Fprint(p.stdout, script(wordsOf(parser.Model.Node)))
	return err
}

// commandWords is what can follow a command on the command line.
type commandWords struct {
	// path are the words of the command, "user create"; empty is the program.
	path string
	// commands below it.
	commands []word
	flags    []flagWords
	// args is what its arguments are.
	args operand
}

// word is something to type and what it does.
type word struct{ text, help string }

// flagWords is a flag; short is a letter or empty.
type flagWords struct {
	word
	short string
	// takes: the flag has a value, which value describes.
	takes bool
	value operand
}

// operand says what a value can be: of few texts, a file, a folder, or, when it
// is zero, anything.
type operand struct {
	texts        []string
	file, folder bool
}

// wordsOf walks the model of the command line.
func wordsOf(n *kong.Node) (all []commandWords) {
	one := commandWords{path: n.Path()}
	if n.Type == kong.ApplicationNode {
		one.path = ""
	}
	for _, child := range n.Children {
		if !child.Hidden {
			one.commands = append(one.commands, word{child.Name, child.Help})
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			one.flags = append(one.flags, wordsOfFlag(f))
		}
	}
	for _, arg := range n.Positional {
		one.args = operandOf(arg, strings.ToUpper(arg.Name))
	}
	if one.path == "help" {
		one.args.texts = helpWords(n.Parent)
	}
	all = append(all, one)
	for _, child := range n.Children {
		if !child.Hidden {
			all = append(all, wordsOf(child)...)
		}
	}
	return all
}

func wordsOfFlag(f *kong.Flag) flagWords {
	out := flagWords{word: word{f.Name, f.Help}, takes: !f.IsBool()}
	if f.Short != 0 {
		out.short = string(f.Short)
	}
	if out.takes {
		out.value = operandOf(f.Value, f.PlaceHolder)
	}
	return out
}

// operandOf reads the tags of a value; a tag "complete" has texts where an
// enumeration would refuse too soon or too bluntly.
func operandOf(v *kong.Value, name string) operand {
	texts := cmp.Or(v.Enum, v.Tag.Get("complete"))
	o := operand{file: name == "FILE", folder: name == "DIR"}
	if texts != "" {
		o.texts = slices.DeleteFunc(strings.Split(texts, ","), func(s string) bool { return s == "" })
	}
	return o
}

// alternatives lists for the shells' case statements every way in which a flag
// is written.
func (f flagWords) alternatives() []string {
	all := []string{"--" + f.text}
	if f.short != "" {
		all = append(all, "-"+f.short)
	}
	return all
}

// walk is the body of a loop in bash and zsh alike: it follows the words typed
// so far from command to command. Other words, such as the values of flags,
// lead nowhere.
func walk(all []commandWords, variable string) string {
	var b strings.Builder
	for _, c := range all[1:] {
		above, name := "", c.path
		if i := strings.LastIndex(c.path, " "); i >= 0 {
			above, name = c.path[:i], c.path[i+1:]
		}
		fmt.Fprintf(&b, "      '%s %s') at='%s' ;;\n", above, name, c.path)
	}
	return fmt.Sprintf("    case \"$at %s\" in\n%s    esac\n", variable, b.String())
}

// quoted writes a text in single quotes, for bash and zsh.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
