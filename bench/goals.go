package main

import (
	"fmt"
	"time"
)

// A goal is a bound for one figure. The numbers are those of the performance
// goals of the project; a figure is a ratio wherever the machine would decide.
type goal struct {
	Number int     `json:"goal"`
	What   string  `json:"what"`
	Wanted string  `json:"wanted"`
	Figure string  `json:"figure"`
	Value  float64 `json:"value"`
	Stands bool    `json:"stands"`
	Noisy  bool    `json:"noisy,omitempty"`
}

// atLeast and atMost note where a goal stands; format prints bound and figure.
func (r *run) atLeast(number int, what, format string, bound, value float64) *goal {
	return r.note(goal{Number: number, What: what, Wanted: "≥ " + fmt.Sprintf(format, bound), Figure: fmt.Sprintf(format, value), Value: value, Stands: value >= bound})
}

func (r *run) atMost(number int, what, format string, bound, value float64) *goal {
	return r.note(goal{Number: number, What: what, Wanted: "≤ " + fmt.Sprintf(format, bound), Figure: fmt.Sprintf(format, value), Value: value, Stands: value <= bound})
}

func (r *run) note(g goal) *goal {
	r.report.Goals = append(r.report.Goals, &g)
	return &g
}

// of marks a goal whose comparison was disturbed.
func (g *goal) of(c compared) { g.Noisy = c.Noisy > 0 }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func megabytes(bytes int64) float64        { return float64(bytes) / 1e6 }

const (
	ratio  = "%.3f"
	times  = "%.2f times"
	micros = "%.2f µs"
	millis = "%.1f ms"
	megas  = "%.1f MB"
)
