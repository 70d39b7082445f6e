package policytest

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a table.
type Problem struct {
	// Line counts from 1; zero is the table as a whole.
	Line int
	// Text says what is wrong, and what to write instead.
	Text string
}

// Error is everything that is wrong with a table.
type Error struct {
	// Name is what the table is called, for the lines of the message.
	Name     string
	Problems []Problem
}

// Error is a line for each problem, as compilers print them.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d: %s", e.Name, p.Line, p.Text)
		if p.Line == 0 {
			lines[i] = e.Name + ": " + p.Text
		}
	}
	return strings.Join(lines, "\n")
}
