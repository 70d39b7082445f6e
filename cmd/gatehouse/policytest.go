package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/gatehouse-auth/gatehouse/internal/policytest"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

type policyTestCmd struct {
	settingsFlag
	Roles    string   `help:"Roles that are kept in the database, as gatehouse role list --json printed them." placeholder:"FILE"`
	Complete bool     `help:"Fail when a route is asked about by nobody."`
	Verbose  bool     `short:"v" help:"Print every answer with its reason, not only those that are wrong."`
	JSON     bool     `name:"json" help:"Print JSON."`
	Files    []string `arg:"" name:"file" help:"Tables of callers, requests and answers; - is standard input." placeholder:"FILE"`
}

// Run judges the tables. No database is opened and no secret is read.
func (c *policyTestCmd) Run(p *program) error {
	policy, err := policyOfFiles(p, c.settingsFlag, c.Roles)
	if err != nil {
		return err
	}
	report := policyReport{Files: []policyFile{}}
	for _, name := range c.Files {
		one, err := judge(p, name, policy)
		if err != nil {
			return err
		}
		report.add(one)
	}
	if c.JSON {
		err = printJSON(p.stdout, report)
	} else {
		err = report.print(p.stdout, c.Verbose, c.Complete)
	}
	return errors.Join(err, report.failure(c.Complete))
}

// policyReport is what the tables came to, as --json prints it.
type policyReport struct {
	Files  []policyFile `json:"files"`
	Asked  int          `json:"asked"`
	Failed int          `json:"failed"`
	// Unasked counts the routes that nobody asks about.
	Unasked int `json:"unasked"`
}

type policyFile struct {
	File    string         `json:"file"`
	Answers []policyAnswer `json:"answers"`
	Unasked []policyRoute  `json:"unasked,omitempty"`
}

type policyAnswer struct {
	Line    int    `json:"line"`
	Caller  string `json:"caller"`
	Request string `json:"request"`
	Want    int    `json:"want"`
	Got     int    `json:"got"`
	Why     string `json:"why"`
}

type policyRoute struct {
	Line  int    `json:"line"`
	Route string `json:"route"`
}

// judge reads one table and asks the policy.
func judge(p *program, name string, policy *rbac.Policy) (policyFile, error) {
	one := policyFile{File: name}
	text, err := readTable(p, name)
	if err != nil {
		return one, err
	}
	table, err := policytest.Parse(name, text)
	if err != nil {
		return one, tableError(err)
	}
	report, err := table.Run(name, policy)
	if err != nil {
		return one, tableError(err)
	}
	for _, r := range report.Results {
		one.Answers = append(one.Answers, policyAnswer{r.Line, r.Caller.Name, r.Request, r.Want, r.Got, r.Why})
	}
	for _, r := range report.Unasked {
		one.Unasked = append(one.Unasked, policyRoute{r.Line, r.Pattern})
	}
	return one, nil
}

// tableError says that nothing was judged.
func tableError(err error) error {
	return fmt.Errorf("the table cannot be used:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
}

// readTable reads a file, or standard input.
func readTable(p *program, name string) ([]byte, error) {
	in := io.Reader(p.stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, policytest.MaxSize+1))
}

func (r *policyReport) add(f policyFile) {
	r.Files = append(r.Files, f)
	r.Asked += len(f.Answers)
	r.Unasked += len(f.Unasked)
	for _, a := range f.Answers {
		if a.Got != a.Want {
			r.Failed++
		}
	}
}

// print writes what is wrong, or all of it.
func (r *policyReport) print(out io.Writer, verbose, complete bool) error {
	for _, f := range r.Files {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, a := range f.Answers {
			switch {
			case a.Got != a.Want:
				fmt.Fprintf(w, "%s:%d:\t%s\t%s\tgot %d, want %d:\t%s\n", f.File, a.Line, a.Caller, a.Request, a.Got, a.Want, a.Why)
			case verbose:
				fmt.Fprintf(w, "%s:%d:\t%s\t%s\t%d:\t%s\n", f.File, a.Line, a.Caller, a.Request, a.Got, a.Why)
			}
		}
		for _, u := range f.Unasked {
			if verbose || complete {
				fmt.Fprintf(w, "%s:%d:\tnobody asks about\t%s\n", f.File, u.Line, u.Route)
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if r.failure(complete) != nil {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s, all as expected.\n", counted(r.Asked, "answer"))
	return err
}

// failure is nil when all is as it should be.
func (r *policyReport) failure(complete bool) error {
	var problems []string
	if r.Failed > 0 {
		problems = append(problems, fmt.Sprintf("not as expected: %d of %s", r.Failed, counted(r.Asked, "answer")))
	}
	if complete && r.Unasked > 0 {
		problems = append(problems, "asked about by nobody: "+counted(r.Unasked, "route"))
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}
