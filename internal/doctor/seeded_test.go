package doctor_test

import (
	"flag"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// first counts for each ID how often a test saw it come first.
var first = struct {
	sync.Mutex
	times map[string]int
}{times: map[string]int{}}

// seeded notes that a seeded fault was named first.
func seeded(r doctor.Report) {
	first.Lock()
	defer first.Unlock()
	first.times[r.Findings[0].ID]++
}

// Every sort of finding has a test in which it is the root cause and comes
// first: none is there that nothing can bring about. (Windows has no file modes
// to seed.)
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if filter := flag.Lookup("test.run").Value.String(); code == 0 && filter == "" && runtime.GOOS != "windows" {
		for _, k := range doctor.Kinds() {
			if first.times[k.ID] == 0 {
				println("no test sees", k.ID, "come first")
				code = 1
			}
		}
	}
	os.Exit(code)
}
