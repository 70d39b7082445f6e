package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	pairs, starts int
	time          time.Duration
	noise         float64
	retries       int
	only          []string
	quick, keep   bool
	binary        string
	peers         string
	profile, of   string
	json          string
}

// section is a part of the run that can be asked for alone.
type section struct {
	name string
	run  func(r *run) error
}

var sections = []section{
	{"micro", (*run).micro},
	{"session", (*run).session},
	{"check", (*run).check},
	{"tokens", (*run).tokens},
	{"signin", (*run).signIn},
	{"storm", (*run).storm},
	{"start", (*run).start},
	{"memory", (*run).memory},
	{"peers", (*run).peers},
	{"profile", (*run).profile},
}

func main() {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			exit(role(os.Args[2:]))
		}
	}
	s, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(perform(ctx, s))
}

func exit(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(arguments []string) (settings, error) {
	var s settings
	var only string
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.IntVar(&s.pairs, "pairs", 5, "pairs of each comparison")
	f.DurationVar(&s.time, "time", 2*time.Second, "length of each half of a pair")
	f.IntVar(&s.starts, "starts", 11, "starts of the program of which the median counts")
	f.Float64Var(&s.noise, "noise", 0.12, "cores that other processes may use during a pair")
	f.IntVar(&s.retries, "retries", 3, "how often a disturbed pair is measured again")
	f.StringVar(&only, "only", "", "sections to run, with commas between: "+names()+" (all but profile)")
	f.BoolVar(&s.quick, "quick", false, "two pairs of half a second: to see that it works")
	f.BoolVar(&s.keep, "keep", false, "leave databases and logs of the run where they are")
	f.StringVar(&s.binary, "binary", "", "measure this gatehouse in place of one that is built")
	f.StringVar(&s.peers, "peers", "bench/peers", "folder of the programs for Node.js")
	f.StringVar(&s.profile, "profile", "session.prof", "where the section profile writes")
	f.StringVar(&s.of, "of", "session", "what the section profile asks for: session, token or apikey")
	f.StringVar(&s.json, "json", "", "also write the figures to this file")
	if err := f.Parse(arguments); err != nil {
		return s, err
	}
	if s.quick {
		s.pairs, s.starts, s.time, s.retries = 2, 3, 500*time.Millisecond, 0
	}
	if f.NArg() > 0 || s.pairs < 1 || s.starts < 1 || s.time <= 0 {
		return s, errors.New("flags alone, with positive numbers; -help lists them")
	}
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(sections, func(c section) bool { return c.name == name }) {
			return s, fmt.Errorf("there is no section %q, but %s", name, names())
		}
	}
	return s, nil
}

func names() string {
	var all []string
	for _, c := range sections {
		all = append(all, c.name)
	}
	return strings.Join(all, ", ")
}

// wants says whether a section is to be run. The profile is no figure, so it is
// only made when asked for.
func (s settings) wants(name string) bool {
	if len(s.only) == 0 {
		return name != "profile"
	}
	return slices.Contains(s.only, name)
}

// run is one run of the whole.
type run struct {
	settings
	ctx    context.Context
	folder string // for databases and logs
	self   string // this program, for the roles
	cast   *cast  // the processes under way
	sites  map[string]*site
	barely *child // the bare handler
	report report
}

func perform(ctx context.Context, s settings) (err error) {
	r := &run{settings: s, ctx: ctx, cast: new(cast), sites: map[string]*site{}}
	if r.folder, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return err
	}
	defer func() {
		r.cast.end()
		if s.keep {
			fmt.Fprintln(os.Stderr, "databases and logs are in", r.folder)
		} else {
			err = errors.Join(err, os.RemoveAll(r.folder))
		}
	}()
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return err
	}
	var failed error
	for _, c := range sections {
		if !s.wants(c.name) {
			continue
		}
		r.say("%s …", c.name)
		begun := time.Now()
		if err := c.run(r); err != nil {
			if ctx.Err() != nil {
				return err
			}
			// The other figures are good all the same.
			failed = errors.Join(failed, fmt.Errorf("%s: %w", c.name, err))
			r.say("%s failed: %v", c.name, err)
			continue
		}
		r.say("%s took %s", c.name, time.Since(begun).Round(time.Second))
	}
	return errors.Join(r.publish(), failed)
}

// say tells whoever waits how far it is.
func (r *run) say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
