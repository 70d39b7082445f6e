package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestForgetStart_givesBackPagesOfCode(t *testing.T) {
	before := residentCode(t)
	forgetStart()
	after := residentCode(t)
	t.Logf("%d KiB of code were resident, %d KiB are", before, after)
	if after >= before {
		t.Errorf("%d KiB of code are resident, as many as before", after)
	}
}

// residentCode is how much of this program's code is in memory, in KiB.
func residentCode(t *testing.T) (kib int) {
	t.Helper()
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case strings.Contains(fields[0], "-"):
			code = len(fields) > 5 && fields[1] == "r-xp" && fields[5] == own
		case code && fields[0] == "Rss:":
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			kib += n
		}
	}
	return kib
}
