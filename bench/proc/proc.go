package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc: USER_HZ, which is 100 on every
// architecture that Go supports.
const tick = 10 * time.Millisecond

// CPU is the processor time that the process has used since its start, in user
// and system mode, all threads together, in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(text)
}

var errStat = errors.New("not the text of /proc/PID/stat")

// parseStat adds utime and stime, the fields 14 and 15. The second field is the
// program's name in parentheses and may hold anything, parentheses too.
func parseStat(text []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return 0, errStat
	}
	fields := strings.Fields(string(text[end+1:])) // the first is field 3
	if len(fields) < 13 {
		return 0, errStat
	}
	return ticks(fields[11:13])
}

func ticks(fields []string) (time.Duration, error) {
	var sum time.Duration
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, errStat
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// Machine is the processor time that all processes together have used since the
// machine was started: user, nice and system mode. Interrupts, and what the host
// took away, belong to no process and are left out.
func Machine() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseMachine(text)
}

func parseMachine(text []byte) (time.Duration, error) {
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[0] != "cpu" {
		return 0, errors.New("not the text of /proc/stat")
	}
	return ticks(fields[1:4])
}

// Memory is what a process holds, in bytes. Anon is its own; File are pages of
// files, its binary above all, that the system can take back at any time.
type Memory struct{ RSS, Anon, File int64 }

// MemoryOf reads the resident memory of a process.
func MemoryOf(pid int) (Memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	return parseStatus(text)
}

func parseStatus(text []byte) (Memory, error) {
	var m Memory
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		var into *int64
		switch name {
		case "VmRSS":
			into = &m.RSS
		case "RssAnon":
			into = &m.Anon
		case "RssFile":
			into = &m.File
		default:
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("/proc/PID/status: %s", strings.TrimSpace(line))
		}
		*into = n << 10
	}
	if m.RSS == 0 {
		return m, errors.New("/proc/PID/status has no VmRSS: the process has ended")
	}
	return m, nil
}
