package failclosed_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
)

var update = flag.Bool("update", false, "write the golden files anew")

// journey is one request, or one command of an operator, and what must be true
// before and after it.
type journey struct {
	name   string
	config func(*gatehouse.Config)
	// prepare makes the people and what they have, with nothing failing.
	prepare func(s *site) *scene
	// act is what is walked with one call failing.
	act func(c *scene, ctx context.Context) answer
	// good says whether the answer tells the caller that all went well.
	good func(a answer) bool
	// after is asked when the failure is over and the feed has been read. sure
	// says whether what was not acknowledged is known not to have happened.
	after func(c *scene, a answer, acknowledged, sure bool)
	// again walks the journey once more, where that is not just act and good.
	again func(c *scene) error
	// drops: also an answer of 503 deletes the session cookie (R14, sign-out).
	drops bool
}

// scene is what one walk of a journey is about.
type scene struct {
	*person
	t *testing.T
	// other is a second browser, before a copy of the browser as it was before
	// the journey, and extra whatever the journey keeps.
	other, before *person
	tokens        granted
	extra         string
}

// TestSweep fails every call of every journey in every way.
//
// proves: ASVS 16.5.2, ASVS 16.5.3
func TestSweep_everyCallThatFailsIsRefusedAndNothingIsLost(t *testing.T) {
	for _, j := range journeys() {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			synctest.Test(t, func(t *testing.T) { sweep(t, j, data) })
		})
	}
}

func sweep(t *testing.T, j journey, data string) {
	s := newSite(t, data, j.config)
	calls, table := record(t, s, j), &strings.Builder{}
	for n, name := range calls {
		fmt.Fprintf(table, "%2d %-24s", n+1, name)
		for _, mode := range faults.Modes {
			a := replay(t, s, j, n+1, name, mode)
			fmt.Fprintf(table, "  %-17s", a)
		}
		table.WriteString("\n")
	}
	golden(t, j.name, table.String())
}

// record walks the journey with nothing failing and returns its calls.
func record(t *testing.T, s *site, j journey) []string {
	t.Helper()
	c := j.prepare(s)
	c.t = t
	var script faults.Script
	a := j.act(c, script.Context(context.Background()))
	if !j.good(a) {
		t.Fatalf("with nothing failing the answer is %d %s\n%s", a.status, a.body, s.log.take())
	}
	s.settle()
	if j.after(c, a, true, true); t.Failed() {
		t.Fatal("with nothing failing")
	}
	if len(script.Calls()) == 0 {
		t.Fatal("the journey makes no call that could fail")
	}
	return script.Calls()
}

// replay walks it with the n-th call failing and returns the answer in short.
func replay(t *testing.T, s *site, j journey, n int, name string, mode faults.Mode) string {
	t.Helper()
	c := j.prepare(s)
	c.t = t
	s.log.take()
	script := faults.Script{At: n, Mode: mode}
	what := fmt.Sprintf("call %d, %s, %s", n, name, mode)
	a := j.act(c, script.Context(context.Background()))
	log := s.log.take()
	switch calls := script.Calls(); {
	case script.Stuck():
		t.Errorf("%s: it would hang for ever", what)
	case !script.Hit() || calls[n-1] != name:
		t.Fatalf("%s: the failure was not met: %v", what, calls)
	}
	acknowledged := j.good(a)
	for _, wrong := range demands(s, j, name, a, acknowledged, log) {
		t.Errorf("%s: %d: %s\n%s\n%s", what, a.status, wrong, a.body, log)
	}
	if mode == faults.Lost || !s.postgres { // what failed for certain has written nothing that anybody could hear of
		s.settle()
	}
	before := t.Failed()
	j.after(c, a, acknowledged, mode != faults.Lost)
	if !before && t.Failed() {
		t.Fatalf("%s: answered %d %s", what, a.status, a.body)
	}
	if mode != faults.Hang { // which leaves things as an error does, and each walk costs hashes
		if err := j.walkAgain(c); err != nil {
			t.Errorf("%s: once it is over: %v", what, err)
		}
	}
	short := fmt.Sprint(a.status)
	switch {
	case acknowledged:
		short += " done"
	case a.status == http.StatusServiceUnavailable:
	default:
		short += " refused"
	}
	return short
}

func (j journey) walkAgain(c *scene) error {
	if j.again != nil {
		return j.again(c)
	}
	if a := j.act(c, context.Background()); !j.good(a) {
		return fmt.Errorf("%d %s", a.status, a.body)
	}
	return nil
}

// demands are what every answer must meet.
func demands(s *site, j journey, name string, a answer, acknowledged bool, log string) (wrong []string) {
	say := func(text string) { wrong = append(wrong, text) }
	switch {
	case a.status == http.StatusServiceUnavailable:
		if a.header.Get("Retry-After") == "" {
			say("no Retry-After")
		}
		if a.began || a.dropped && !j.drops {
			say("a session cookie was touched: " + strings.Join(a.header["Set-Cookie"], "\n"))
		}
	case a.status >= 500:
		say("a fault of ours is not the store's")
	}
	if !told(log) && !(acknowledged && name == "Reach") { // where something holds is asked again, and the answer says what is not known
		say("the log does not have the cause")
	}
	if !acknowledged && a.began {
		say("a session cookie was set, and success was not told")
	}
	all := a.body
	for field, values := range a.header {
		if field != "Set-Cookie" {
			all += "\n" + field + ": " + strings.Join(values, "\n")
		}
	}
	for _, secret := range []string{"kilroy", "deadline", "faults", "sqlstore", "SELECT", "goroutine", "argon2", s.data, ownSecret, appSecret, clientSecret, password, newPassword} {
		if strings.Contains(all, secret) {
			say("the answer shows " + secret)
		}
	}
	if strings.Contains(log, password) || strings.Contains(log, newPassword) || strings.Contains(log, "panic") {
		say("the log has a password or a panic")
	}
	return wrong
}

// told says whether the log has the cause, also of what the caller got all the
// same.
func told(log string) bool {
	return strings.Contains(log, "kilroy") || strings.Contains(log, context.DeadlineExceeded.Error())
}

// golden compares with the file of the journey.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".txt")
	got = fmt.Sprintf("%-27s  %-17s  %-17s  %s\n", "# call", faults.Modes[0], faults.Modes[1], faults.Modes[2]) + got
	lines := strings.Split(got, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got = strings.Join(lines, "\n")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the journey does now (-file +now); make golden writes it anew, and the difference is for review:\n%s", file, diff)
	}
}
