package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// micro runs the benchmarks that goals name and reads what they print: the
// decoding of goal 11, and goal 13.
func (r *run) micro() error {
	length := "1s"
	if r.quick {
		length = "100ms"
	}
	sealed, err := r.gobench("./internal/seal", "Open_v[45]$|Floor", "-benchtime", length)
	if err != nil {
		return err
	}
	r.atMost(11, "open a seal, A256GCM (its cipher alone: "+inMicros(sealed["BenchmarkFloor_v4"]["ns/op"])+")", micros, 1.5, sealed["BenchmarkOpen_v4"]["ns/op"]/1e3)
	r.atMost(11, "open a seal, A256CBC-HS512 (its ciphers alone: "+inMicros(sealed["BenchmarkFloor_v5"]["ns/op"])+")", micros, 3, sealed["BenchmarkOpen_v5"]["ns/op"]/1e3)
	if r.quick {
		return nil // the other has its own length, twelve seconds
	}
	stored, err := r.gobench("./internal/store/sqlstore", "SessionCreation", "-benchtime", "1x")
	if err != nil {
		return err
	}
	creation := stored["BenchmarkSessionCreation"]
	r.atLeast(13, "durable sessions, 64 callers, of batches of 64 written by hand", ratio, 0.80, creation["of-batched64"])
	r.atLeast(13, "durable sessions, 64 callers, against one transaction each", times, 3.5, creation["x-one-each"])
	r.atMost(13, "one durable session, one caller, of one insert by hand", times, 2, creation["c1-cost-of-one-raw"])
	return nil
}

func inMicros(nanoseconds float64) string { return fmt.Sprintf(micros, nanoseconds/1e3) }

// gobench runs "go test -bench" and returns each benchmark's figures by unit.
func (r *run) gobench(folder, pattern string, more ...string) (map[string]map[string]float64, error) {
	arguments := append([]string{"test", "-run", "xxx", "-bench", pattern, "-benchmem"}, more...)
	cmd := exec.CommandContext(r.ctx, "go", append(arguments, folder)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	figures := parseBenchmarks(out)
	if len(figures) == 0 {
		return nil, fmt.Errorf("%s printed no benchmark:\n%s", cmd, out)
	}
	return figures, nil
}

// parseBenchmarks reads lines like
//
//	BenchmarkOpen_v4-2   345678   3456 ns/op   12 B/op   1 allocs/op
//
// and leaves out the number of cores behind the name.
func parseBenchmarks(out []byte) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		if _, err := strconv.Atoi(fields[1]); err != nil {
			continue
		}
		figures := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			figures[fields[i+1]] = v
		}
		name := fields[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		all[name] = figures
	}
	return all
}
