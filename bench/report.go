package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver that fills databases
)

// report is what is published.
type report struct {
	Machine  string     `json:"machine"`
	Time     time.Time  `json:"time"`
	Goals    []*goal    `json:"goals"`
	Compared []compared `json:"compared"`
	Started  []started  `json:"started"`
	Memory   []resident `json:"memory"`
	Skipped  []string   `json:"skipped,omitempty"`
}

// prepare looks whether this machine can be measured on, and builds.
func (r *run) prepare() error {
	if runtime.GOOS != "linux" {
		return errors.New("the figures come from /proc, which Linux alone has")
	}
	if _, err := r.cast.strangers(); err != nil {
		return err
	}
	r.report.Machine, r.report.Time = machine(), time.Now().UTC().Truncate(time.Second)
	if r.binary == "" {
		r.binary = filepath.Join(r.folder, "gatehouse")
		r.say("building gatehouse as it is released …")
		build := exec.CommandContext(r.ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", r.binary, "./cmd/gatehouse")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w (in the top folder of the project?)\n%s", build, err, out)
		}
	}
	binary, err := filepath.Abs(r.binary)
	r.binary = binary
	return err
}

func machine() string {
	name := "unknown processor"
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d × %s, %s", runtime.NumCPU(), name, runtime.Version())
}

func (r *run) publish() error {
	r.report.write(os.Stdout)
	if r.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(r.report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.json, append(text, '\n'), 0o644)
}

func (p *report) write(w io.Writer) {
	fmt.Fprintf(w, "%s; %s\n", p.Machine, p.Time.Format(time.DateTime))
	if len(p.Goals) > 0 {
		fmt.Fprintf(w, "\n| goal | what | wanted | measured | |\n|--:|---|--:|--:|---|\n")
	}
	for _, g := range p.Goals {
		verdict := "stands"
		if !g.Stands {
			verdict = "**misses**"
		}
		if g.Noisy {
			verdict += ", disturbed"
		}
		fmt.Fprintf(w, "| %d | %s | %s | %s | %s |\n", g.Number, g.What, g.Wanted, g.Figure, verdict)
	}
	if len(p.Compared) > 0 {
		fmt.Fprintf(w, "\n| subject | clients | per second | reference | ratio | CPU for one | reference | times | p50 | p99 | pairs |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	}
	for _, c := range p.Compared {
		pairs := fmt.Sprint(c.Pairs)
		if c.Noisy > 0 {
			pairs = fmt.Sprintf("%d, %d disturbed", c.Pairs, c.Noisy)
		}
		cpu := "–"
		if c.CPU > 0 {
			cpu = fmt.Sprintf("%.2f", c.CPURatio)
		}
		fmt.Fprintf(w, "| %s | %d | %.0f | %.0f | %.3f | %s | %s | %s | %s | %s | %s |\n",
			strings.TrimSpace(c.Name), c.Clients, c.Rate, c.Base, c.Ratio, short(c.CPU), short(c.BaseCPU), cpu, short(c.P50), short(c.P99), pairs)
	}
	if len(p.Started) > 0 {
		fmt.Fprintf(w, "\n| start to the first right answer | after | CPU by then | starts |\n|---|--:|--:|--:|\n")
	}
	for _, s := range p.Started {
		fmt.Fprintf(w, "| %s | %s | %s | %d |\n", s.Name, short(s.After), short(s.CPU), s.Times)
	}
	if len(p.Memory) > 0 {
		fmt.Fprintf(w, "\n| memory | | resident | its own | of files |\n|---|---|--:|--:|--:|\n")
	}
	for _, m := range p.Memory {
		fmt.Fprintf(w, "| %s | %s | %.1f MB | %.1f MB | %.1f MB |\n", m.Name, m.When, megabytes(m.RSS), megabytes(m.Anon), megabytes(m.File))
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(w, "\nSkipped: %s.\n", s)
	}
}

// short is a duration with three digits that count.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", milliseconds(d))
	}
	return fmt.Sprintf("%.0f ms", milliseconds(d))
}
