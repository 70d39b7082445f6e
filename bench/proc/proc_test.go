package proc

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat_countsFromTheLastParenthesis(t *testing.T) {
	text := "4711 (a) b (c) S 1 4711 4711 0 -1 4194304 97 0 0 0 150 25 0 0 20 0 9 0 2208611 3133440 381\n"
	got, err := parseStat([]byte(text))
	if want := 1750 * time.Millisecond; err != nil || got != want {
		t.Errorf("parseStat = %v, %v; want %v", got, err, want)
	}
}

func TestParseStat_refusesOtherText(t *testing.T) {
	for _, text := range []string{"", "4711 (sh", "4711 (sh) S 1 2", "4711 (sh) S 1 4711 4711 0 -1 4194304 97 0 0 0 x 25 0"} {
		if d, err := parseStat([]byte(text)); err == nil {
			t.Errorf("parseStat(%q) = %v", text, d)
		}
	}
}

func TestParseMachine_leavesOutIdleAndInterrupts(t *testing.T) {
	got, err := parseMachine([]byte("cpu  100 20 30 9999 777 5 6 7 0 0\ncpu0 1 2 3 4\n"))
	if want := 1500 * time.Millisecond; err != nil || got != want {
		t.Errorf("parseMachine = %v, %v; want %v", got, err, want)
	}
	if _, err := parseMachine([]byte("intr 5 5 5 5")); err == nil {
		t.Error("parseMachine took another line")
	}
}

func TestParseStatus_readsKilobytes(t *testing.T) {
	got, err := parseStatus([]byte("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t   25088 kB\nRssAnon:\t    7168 kB\nRssFile:\t   17920 kB\n"))
	if want := (Memory{RSS: 25088 << 10, Anon: 7168 << 10, File: 17920 << 10}); err != nil || got != want {
		t.Errorf("parseStatus = %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseStatus([]byte("Name:\tzombie\nState:\tZ\n")); err == nil {
		t.Error("parseStatus took a process without memory")
	}
}

func TestThisProcessCanBeRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: there is no /proc")
	}
	begun, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for used := begun; used < begun+2*tick; { // time passes for whoever works
		if used, err = CPU(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := Machine(); err != nil || all < begun {
		t.Errorf("Machine = %v, %v; this process alone has used %v", all, err, begun)
	}
	if m, err := MemoryOf(os.Getpid()); err != nil || m.RSS < m.Anon || m.Anon < 1<<20 {
		t.Errorf("MemoryOf = %+v, %v", m, err)
	}
}
