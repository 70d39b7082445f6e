package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// question is one thing that init must know.
type question struct {
	// flag names the flag that answers it beforehand, given its value.
	flag, given string
	text        string
	// byDefault is what an empty answer means; nil: there is no default.
	byDefault func(*config.Settings) string
	// among are the only answers; nil: set and check decide.
	among []string
	// when says whether the question arises; nil: always.
	when func(*config.Settings) bool
	set  func(s *config.Settings, answer string)
	// fields are the settings that the answer decides: a problem of theirs is
	// the answer's.
	fields []string
	// check looks further than the settings can; nil: [config.Check].
	check func(config.Settings) error
	// back is how many questions to go back when the answer is refused,
	// because an earlier one may be to blame.
	back int
}

// interview asks questions on the standard error and reads the answers, a line
// each, from standard input: a terminal or anything else.
type interview struct {
	p        *program
	silent   bool
	terminal bool
	lines    <-chan string
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 4 << 10

// newInterview starts to read, unless it is to be silent. The reading ends with
// the program: nothing can interrupt it.
func newInterview(p *program, silent bool) *interview {
	in := &interview{p: p, silent: silent}
	if silent {
		return in
	}
	in.terminal = term.IsTerminal(int(p.stdin.Fd()))
	lines := make(chan string)
	in.lines = lines
	go func() {
		defer close(lines)
		scan := bufio.NewScanner(p.stdin)
		scan.Buffer(nil, maxAnswer)
		for scan.Scan() {
			lines <- strings.TrimSpace(scan.Text())
		}
	}()
	return in
}

// conduct puts every answer into s. A wrong flag is an error, a wrong answer is
// asked for again.
func (in *interview) conduct(s *config.Settings, questions []question) error {
	for i := 0; i < len(questions); i++ {
		q := questions[i]
		if q.when != nil && !q.when(s) {
			if q.given != "" {
				return usage("--origin %s is plain http, so that no flag can say who ends TLS", s.PublicOrigin)
			}
			continue
		}
		answer, err := in.answer(s, q)
		if err != nil {
			return err
		}
		problem := q.refuse(s, answer)
		if problem == "" {
			continue
		}
		problem = strings.TrimPrefix(problem, fmt.Sprintf("%q ", answer))
		if q.given != "" || in.silent {
			return usage("--%s: %q %s", q.flag, answer, problem)
		}
		fmt.Fprintf(in.p.stderr, "  %q %s.\n", answer, problem)
		i -= 1 + q.back
	}
	return nil
}

// answer is the flag's, the default, or the next line.
func (in *interview) answer(s *config.Settings, q question) (string, error) {
	byDefault := ""
	if q.byDefault != nil {
		byDefault = q.byDefault(s)
	}
	switch {
	case q.given != "":
		return q.given, nil
	case in.silent && byDefault == "":
		return "", usage("--yes asks nothing, and there is no default for --%s", q.flag)
	case in.silent:
		return byDefault, nil
	}
	for {
		prompt := q.text
		if byDefault != "" {
			prompt += " [" + byDefault + "]"
		}
		fmt.Fprint(in.p.stderr, prompt+": ")
		line, err := in.line(q)
		if err != nil || line != "" {
			return line, err
		}
		if byDefault != "" {
			return byDefault, nil
		}
	}
}

// line waits for an answer, or for the program's end.
func (in *interview) line(q question) (string, error) {
	select {
	case <-in.p.ctx.Done():
		fmt.Fprintln(in.p.stderr)
		return "", in.p.ctx.Err()
	case line, ok := <-in.lines:
		if !in.terminal || !ok {
			fmt.Fprintln(in.p.stderr) // nobody has typed the end of the line
		}
		if !ok {
			return "", usage("standard input has no answer to this; give --%s, or --yes to take the defaults. Nothing was written", q.flag)
		}
		return line, nil
	}
}

// refuse takes the answer over into s, or says what is wrong with it and leaves
// s as it was.
func (q question) refuse(s *config.Settings, answer string) string {
	if q.among != nil && !slices.Contains(q.among, answer) {
		return "is none of the answers; say " + strings.Join(q.among, " or ")
	}
	before := *s
	before.Mounts = slices.Clone(s.Mounts)
	q.set(s, answer)
	check := q.check
	if check == nil {
		check = config.Check
	}
	err := check(*s)
	var wrong *config.Error
	if err == nil {
		return ""
	}
	if !errors.As(err, &wrong) {
		*s = before
		return err.Error()
	}
	for _, p := range wrong.Problems {
		if slices.Contains(q.fields, p.Field) {
			*s = before
			return problemText(p)
		}
	}
	return "" // what else is missing, later questions ask for
}

// checkDataFolder lets a folder be made that is not there yet, and within dir
// even when that is still to be made.
func checkDataFolder(s config.Settings, dir string) error {
	var all *gatehouse.Problems
	if errors.As(s.Config.Validate(), &all) {
		for _, p := range all.InSettings().List {
			if p.Field == "database.path" {
				return fmt.Errorf("%s; %s", p.Problem, p.Cure)
			}
		}
	}
	folder := filepath.Dir(s.Database.Path)
	if info, err := os.Stat(folder); err == nil {
		if !info.IsDir() {
			return errors.New("is not a folder; name another")
		}
		return writable(folder)
	}
	above := filepath.Dir(folder)
	if above == dir {
		return nil // tried already
	}
	if info, err := os.Stat(above); err != nil || !info.IsDir() {
		return fmt.Errorf("is in %s, which is not a folder; make that first, or name another", above)
	}
	return writable(above)
}

// checkCertificateFile looks whether it is there; whether it is good shows
// with its key.
func checkCertificateFile(s config.Settings) error {
	if info, err := os.Stat(s.TLS.CertFile); err != nil || info.IsDir() {
		return fmt.Errorf("is no file (%s); name a PEM certificate with its chain", s.TLS.CertFile)
	}
	return nil
}
