package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// block is a fenced block of a document.
type block struct {
	line int    // of its fence
	kind string // first word of the info string
	skip string // the reason behind skip=
	text string
	// prints is the text block that follows, nil if there is none.
	prints *string
}

// blocks reads the fenced blocks of a document (CommonMark §4.5, with three
// backticks). A text block belongs to the sh block before it unless another
// block or a heading stands between.
func blocks(document string) ([]block, error) {
	var out []block
	var open *block
	indent, belongs := "", -1
	for n, line := range strings.Split(document, "\n") {
		bare := strings.TrimLeft(line, " ")
		fence := strings.HasPrefix(bare, "```")
		switch {
		case open == nil && fence:
			indent = line[:len(line)-len(bare)]
			words := strings.Fields(bare[3:])
			if len(words) == 0 {
				return nil, fmt.Errorf("line %d: a block that does not say what it is", n+1)
			}
			open = &block{line: n + 1, kind: words[0]}
			for _, word := range words[1:] {
				reason, ok := strings.CutPrefix(word, "skip=")
				if !ok || reason == "" || open.kind != "sh" {
					return nil, fmt.Errorf("line %d: %q is not understood behind %s", n+1, word, open.kind)
				}
				open.skip = reason
			}
		case open != nil && fence && strings.TrimSpace(bare) == "```":
			switch {
			case open.kind == "text" && belongs >= 0:
				out[belongs].prints = &open.text
				belongs = -1
			case open.kind == "sh":
				out = append(out, *open)
				belongs = len(out) - 1
			default:
				out = append(out, *open)
				belongs = -1
			}
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case strings.HasPrefix(line, "#"):
			belongs = -1
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block has no end", open.line)
	}
	return out, nil
}

func TestBlocks_areReadWithWhatTheyPrint(t *testing.T) {
	printed := "one\n"
	got, err := blocks("# T\n```sh\necho one\n```\n\nwhich prints\n\n```text\none\n```\n```text\nalone\n```\n- item\n  ```sh skip=needs-x\n  a\n    b\n  ```\n## H\n```text\nnot of it\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []block{
		{line: 2, kind: "sh", text: "echo one\n", prints: &printed},
		{line: 11, kind: "text", text: "alone\n"},
		{line: 15, kind: "sh", skip: "needs-x", text: "a\n  b\n"},
		{line: 20, kind: "text", text: "not of it\n"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(block{})); diff != "" {
		t.Error(diff)
	}
}

func TestBlocks_thatCouldBeMissedAreRefused(t *testing.T) {
	for name, document := range map[string]string{
		"no kind": "```\ngatehouse serve\n```\n", "no end": "```sh\nx\n", "no reason": "```sh skip\nx\n```\n", "another word": "```sh norun\nx\n```\n", "skip of text": "```text skip=x\nx\n```\n",
	} {
		if got, err := blocks(document); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}
