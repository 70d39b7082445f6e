package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	pairs, other, stormPairs int
	clients, measuring       int
	bound, leak              time.Duration
	resamples                int
	seed                     uint64
	quick, keep              bool
	only, in                 []string
	folder, binary           string
}

func main() {
	s, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = perform(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(1)
	}
}

func parse(arguments []string) (settings, error) {
	var s settings
	var only, in string
	f := flag.NewFlagSet("timing", flag.ExitOnError)
	f.IntVar(&s.pairs, "pairs", 3000, "pairs of the first kind, idle")
	f.IntVar(&s.stormPairs, "storm-pairs", 6000, "pairs of the first kind in the storm")
	f.IntVar(&s.other, "other", 600, "pairs of each other kind, idle")
	f.IntVar(&s.clients, "clients", 4, "clients that sign in meanwhile, in the storm")
	f.IntVar(&s.measuring, "measuring", 4, "connections that measure in the storm")
	f.DurationVar(&s.bound, "bound", 500*time.Microsecond, "what an interval has to lie within, on both sides of nothing")
	f.DurationVar(&s.leak, "leak", 0, "a delay of our own for known ones, to see that it is found")
	f.IntVar(&s.resamples, "resamples", 10_000, "draws of the bootstrap")
	f.Uint64Var(&s.seed, "seed", 1, "of the order within pairs, the identifiers and the bootstrap")
	f.BoolVar(&s.quick, "quick", false, "60 pairs of the first kind in both settings, 12 of each other")
	f.StringVar(&only, "only", "", "kinds, with commas between them; every other name lists them (default all)")
	f.StringVar(&in, "in", "idle,storm", "settings; kinds other than the first are in the storm only if that alone is named")
	f.StringVar(&s.folder, "folder", "", "where to put the database; on a real disk (default the system's folder for temporary files)")
	f.StringVar(&s.binary, "gatehouse", "", "the program (default: build it)")
	f.BoolVar(&s.keep, "keep", false, "leave the folder of the run, with the server's log")
	if err := f.Parse(arguments); err != nil {
		return s, err
	}
	if s.quick {
		s.pairs, s.stormPairs, s.other = 60, 60, 12
	}
	for _, k := range kinds {
		if only == "" || slices.Contains(strings.Split(only, ","), k.name) {
			s.only = append(s.only, k.name)
		}
	}
	if only != "" && len(s.only) != len(strings.Split(only, ",")) {
		var names []string
		for _, k := range kinds {
			names = append(names, k.name)
		}
		return s, fmt.Errorf("the kinds are %s", strings.Join(names, ", "))
	}
	s.in = strings.Split(in, ",")
	if min(s.pairs, s.stormPairs, s.other, s.clients, s.measuring, s.resamples) < 1 || f.NArg() > 0 {
		return s, errors.New("counts are at least 1, and there are no arguments")
	}
	return s, nil
}

// warming is how many pairs are sent before each series and not measured.
const warming = 8

// plan is what to measure, in which order, with identifiers for all of it.
func plan(s settings, r *rand.Rand) (list []*series) {
	for _, storm := range []bool{false, true} {
		name := "idle"
		if storm {
			name = "storm"
		}
		if !slices.Contains(s.in, name) {
			continue
		}
		for i, k := range kinds {
			if !slices.Contains(s.only, k.name) || i > 0 && storm && len(s.in) > 1 {
				continue
			}
			n := s.other
			switch {
			case i == 0 && storm:
				n = s.stormPairs
			case i == 0:
				n = s.pairs
			}
			one := &series{kind: k, storm: storm}
			for range n {
				one.pairs = append(one.pairs, newTyped(r))
			}
			for range min(warming, n) {
				one.warm = append(one.warm, newTyped(r))
			}
			list = append(list, one)
		}
	}
	return list
}

// accounts are everybody known: those of the pairs, and the people of the storm.
func accounts(list []*series, people []string) (all []account) {
	for _, s := range list {
		for _, t := range slices.Concat(s.warm, s.pairs) {
			all = append(all, account{t.known, s.kind.state})
		}
	}
	for _, p := range people {
		all = append(all, account{p, active})
	}
	return all
}

func perform(ctx context.Context, s settings) error {
	folder, err := os.MkdirTemp(s.folder, "gatehouse-timing-")
	if err != nil {
		return err
	}
	if s.keep {
		fmt.Println("the folder of the run:", folder)
	} else {
		defer os.RemoveAll(folder)
	}
	r := rand.New(rand.NewPCG(s.seed, 2))
	list := plan(s, r)
	people := make([]string, s.clients)
	for i := range people {
		people[i] = newTyped(r).known
	}
	on, err := newSite(ctx, folder, s.binary, accounts(list, people))
	if err != nil {
		return err
	}
	sync, err := syncTime(folder)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d, %d resamples, bound ±%s ms; a page is on the disk in %s ms\n", s.seed, s.resamples, millis(s.bound), millis(sync))
	if sync < 20*time.Microsecond {
		fmt.Println("that is a disk in memory: a commit too many cannot be seen here; use -folder")
	}
	if s.leak != 0 {
		fmt.Printf("known ones are delayed by %s ms on purpose\n", millis(s.leak))
	}
	defer on.stop()
	if err := on.start(ctx); err != nil {
		return err
	}
	m := &measurer{site: on, leak: s.leak, coin: r, address: new(atomic.Uint32)}
	bad, rows := 0, []string{tableHead}
	for _, one := range list {
		if err := m.series(ctx, one, s, people); err != nil {
			return err
		}
		v := judge(one.measured, s.resamples, s.seed)
		if !report(one, v, s) {
			bad++
		}
		rows = append(rows, tableRow(one, v))
	}
	fmt.Println("\nfor docs/security/timing.md:\n\n" + strings.Join(rows, "\n"))
	if bad > 0 {
		return fmt.Errorf("%d of %d do not hold", bad, len(list))
	}
	return nil
}

// series measures one kind in one setting.
func (m *measurer) series(ctx context.Context, one *series, s settings, people []string) (err error) {
	if !one.storm {
		return m.run(ctx, one, 1)
	}
	end := m.storm(ctx, people)
	err = m.run(ctx, one, s.measuring)
	judged, failed := end()
	one.judged = judged
	return errors.Join(err, failed)
}
