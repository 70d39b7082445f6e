package main

import (
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// topicFiles are the pages of gatehouse help: the first line says what one is
// about, the rest is at most 80 columns wide.
//
//go:embed help/*.txt
var topicFiles embed.FS

// topics are their names, in the order in which they are listed.
func topics() []string {
	return []string{"config", "environment", "secrets", "sessions", "proxies", "nextjs", "files", "exit-codes"}
}

// readTopic returns a page without its first line, which is about.
func readTopic(name string) (about, text string, err error) {
	page, err := topicFiles.ReadFile("help/" + name + ".txt")
	if err != nil {
		return "", "", err
	}
	about, text, _ = strings.Cut(string(page), "\n")
	if name == "environment" {
		var b strings.Builder
		for _, path := range config.Paths() {
			fmt.Fprintf(&b, "  %s\n", config.EnvName(path))
		}
		text += b.String()
	}
	return about, strings.TrimLeft(text, "\n"), nil
}

type helpCmd struct {
	Topic []string `arg:"" optional:"" help:"A topic, or the words of a command."`
	Man   bool     `help:"Print the manual page, gatehouse.1, for man."`
}

// Run prints a topic, or the help of a command.
func (c *helpCmd) Run(p *program) error {
	parser, err := newParser(p)
	if err != nil {
		return err
	}
	name := strings.Join(c.Topic, " ")
	man := c.Man || name == "man"
	switch {
	case c.Man && name != "":
		return usage("--man prints the page of the whole program: leave %q out", name)
	case man:
		page, err := manPage(parser.Model.Node)
		if err != nil {
			return err
		}
		_, err = io.WriteString(p.stdout, page)
		return err
	case name == "":
		return listTopics(p.stdout)
	case slices.Contains(topics(), name):
		return printTopic(p.stdout, name, parser.Model.Node)
	case commandAt(parser.Model.Node, c.Topic) != nil:
		_, err := parser.Parse(append(c.Topic, "--help")) // prints and exits
		return err
	}
	if best := config.Nearest(name, helpWords(parser.Model.Node)); best != "" {
		return usage("there is no topic or command %q; did you mean %s?", name, best)
	}
	return usage("there is no topic or command %q; gatehouse help lists the topics", name)
}

// helpWords are what gatehouse help takes: topics and commands.
func helpWords(program *kong.Node) []string {
	all := topics()
	for _, n := range program.Leaves(true) {
		for _, w := range []string{n.Path(), strings.Split(n.Path(), " ")[0]} {
			if !slices.Contains(all, w) && !strings.Contains(w, " ") {
				all = append(all, w)
			}
		}
	}
	return all
}

// commandAt finds a command by its words.
func commandAt(n *kong.Node, words []string) *kong.Node {
	for _, w := range words {
		i := slices.IndexFunc(n.Children, func(c *kong.Node) bool { return c.Name == w })
		if i < 0 {
			return nil
		}
		n = n.Children[i]
	}
	return n
}

func listTopics(w io.Writer) error {
	fmt.Fprint(w, "Usage: gatehouse help TOPIC\n\nTopics:\n")
	for _, name := range topics() {
		about, _, err := readTopic(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %-13s %s\n", name, about)
	}
	_, err := fmt.Fprint(w, "\n\"gatehouse help COMMAND\" explains a command, \"gatehouse --help\" lists them all.\n")
	return err
}

func printTopic(w io.Writer, name string, program *kong.Node) error {
	_, text, err := readTopic(name)
	if err != nil {
		return err
	}
	if commandAt(program, []string{name}) != nil {
		text += fmt.Sprintf("\nThere are commands of this name too: gatehouse %s --help\n", name)
	}
	_, err = io.WriteString(w, text)
	return err
}
