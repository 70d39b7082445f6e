package main

import (
	"fmt"
	"time"
)

// report prints what a series says, and returns whether it holds.
func report(one *series, v verdict, s settings) bool {
	setting := "idle"
	if one.storm {
		setting = fmt.Sprintf("in a storm of %d clients (%d sign-ins of theirs), %d connections measure", s.clients, one.judged, s.measuring)
	}
	fmt.Printf("\n%s; %s; %d pairs, %d requests sent again after 503\n", one.kind.does, setting, v.Pairs, one.busy)
	fmt.Printf("  %-8s %10s %10s %10s   ms\n", "", "p10", "p50", "p90")
	for _, side := range []struct {
		name string
		of   [3]time.Duration
	}{{"known", v.Known}, {"unknown", v.Unknown}} {
		fmt.Printf("  %-8s %10s %10s %10s\n", side.name, millis(side.of[0]), millis(side.of[1]), millis(side.of[2]))
	}
	at, says := v.standing(s.bound), ""
	holds := at == within
	switch {
	case at == within:
		says = "within the bound"
	case at == beyond:
		says = "BEYOND THE BOUND: a stopwatch tells them apart"
	case s.quick:
		says, holds = "too few pairs to say more", true
	default:
		says = "NOT WITHIN THE BOUND: a difference, or too much noise for so few pairs"
	}
	fmt.Printf("  difference of medians %s ms, 95 %% from %s to %s: %s\n", signed(v.Difference), signed(v.From), signed(v.To), says)
	fmt.Printf("  known slower in %d of %d; p by signs %.3g, by ranks %.3g\n", v.Slower, v.Pairs-v.Ties, v.Signs, v.Ranks)
	if n := len(one.differs); n > 0 {
		fmt.Printf("  THE ANSWERS DIFFER in %d pairs; the first:\n%s\n", n, one.differs[0])
		return false
	}
	fmt.Println("  the answers are alike, byte by byte")
	return holds
}

// tableHead and tableRow are the figures as the document has them.
const tableHead = `| request | setting | pairs | known p10 / p50 / p90, ms | unknown p10 / p50 / p90, ms | difference of medians, ms | 95 %, ms | p (signs / ranks) |
|---|---|---|---|---|---|---|---|`

func tableRow(one *series, v verdict) string {
	setting := "idle"
	if one.storm {
		setting = "storm"
	}
	quantiles := func(of [3]time.Duration) string {
		return fmt.Sprintf("%.1f / %.1f / %.1f", inMillis(of[0]), inMillis(of[1]), inMillis(of[2]))
	}
	return fmt.Sprintf("| %s | %s | %d | %s | %s | %s | %s to %s | %.2g / %.2g |", one.kind.does, setting, v.Pairs,
		quantiles(v.Known), quantiles(v.Unknown), signed(v.Difference), signed(v.From), signed(v.To), v.Signs, v.Ranks)
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func millis(d time.Duration) string {
	return fmt.Sprintf("%.3f", inMillis(d))
}

func signed(d time.Duration) string {
	return fmt.Sprintf("%+.3f", inMillis(d))
}
