package ops_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

const ownSecret auth.Secret = "a secret of this test, long enough 7Qx"

func newProbes(t *testing.T) *ops.Probes {
	t.Helper()
	p, err := ops.NewProbes([]auth.Secret{"the newer secret of this test 3Wm-k2", ownSecret}, "x-client", func() time.Time { return time.Unix(1e9, 0) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mark(t *testing.T, s auth.Secret) (nonce, text string) {
	t.Helper()
	nonce, text, err := ops.Mark(s, time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	return nonce, text
}

func TestProbes_keepWhatWasSeenOfAMarkedRequest(t *testing.T) {
	p := newProbes(t)
	nonce, text := mark(t, ownSecret)
	for _, how := range []string{"header", "query"} {
		r := httptest.NewRequest("GET", "http://app.example/api/auth/csrf?callbackUrl=secret", nil)
		if how == "header" {
			r.Header.Set(ops.ProbeHeader, text)
		} else {
			r.URL.RawQuery = ops.ProbeQuery + "=" + text
		}
		r.Header["X-Forwarded-For"] = []string{"203.0.113.7", strings.Repeat("x", 500) + ", 192.0.2.1"}
		r.Header.Set("X-Client", "192.0.2.9")
		r.Header.Set("Authorization", "Bearer hidden")
		r.Header.Set("Cookie", "session=hidden; theme=hidden")
		p.Note(r, &web.Facts{RequestID: "r1", Device: auth.Device{Address: netip.MustParseAddr("192.0.2.1")}})
	}
	got := p.Find(nonce)
	if len(got) != 2 {
		t.Fatalf("%d are kept, want 2", len(got))
	}
	text2, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text2), "hidden") || strings.Contains(string(text2), "secret") {
		t.Errorf("values of cookies, queries or credentials are kept: %s", text2)
	}
	if n := len(got[0].Forwarding["X-Forwarded-For"][1]); n != 200 {
		t.Errorf("a value of %d bytes is kept", n)
	}
	got[0].Forwarding["X-Forwarded-For"][1] = "cut"
	want := ops.Seen{
		Nonce: nonce, RequestID: "r1", Method: "GET", Path: "/api/auth/csrf", Host: "app.example", Peer: "192.0.2.1:1234", Client: "192.0.2.1",
		Forwarding: map[string][]string{"X-Forwarded-For": {"203.0.113.7", "cut"}, "X-Client": {"192.0.2.9"}},
		Cookies:    []string{"session", "theme"}, At: time.Unix(1e9, 0).UTC(),
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
}

// Nobody who has not Gatehouse's own secret makes the server remember anything.
func TestProbes_keepNothingOfOtherRequests(t *testing.T) {
	p := newProbes(t)
	nonce, good := mark(t, ownSecret)
	_, foreign := mark(t, "somebody else's secret, as long as ours")
	for _, text := range []string{"", nonce, nonce + ".", nonce + ".00", foreign, "." + strings.Repeat("0", 32), strings.Repeat("a", 1000) + good, good + "0", strings.ToUpper(good)} {
		for _, where := range []string{"header", "query"} {
			r := httptest.NewRequest("GET", "/api/auth/csrf", nil)
			if where == "header" {
				r.Header.Set(ops.ProbeHeader, text)
			} else {
				q := r.URL.Query()
				q.Set(ops.ProbeQuery, text)
				r.URL.RawQuery = q.Encode()
			}
			p.Note(r, &web.Facts{})
			n, _, _ := strings.Cut(text, ".")
			if kept := p.Find(n); len(kept) > 0 {
				t.Errorf("%q in the %s is kept: %+v", text, where, kept)
			}
		}
	}
}

func TestProbes_forgetTheOldest(t *testing.T) {
	p := newProbes(t)
	var nonces []string
	for range 300 {
		nonce, text := mark(t, ownSecret)
		nonces = append(nonces, nonce)
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(ops.ProbeHeader, text)
		p.Note(r, &web.Facts{})
	}
	kept := 0
	for _, nonce := range nonces {
		kept += len(p.Find(nonce))
	}
	if kept != 256 || len(p.Find(nonces[0])) != 0 || len(p.Find(nonces[299])) != 1 {
		t.Errorf("%d are kept, the first %d times, the last %d times", kept, len(p.Find(nonces[0])), len(p.Find(nonces[299])))
	}
}

func TestDoctorEndpoints_answerTheDoctor(t *testing.T) {
	list := ops.DoctorEndpoints(
		func() ops.Instance {
			return ops.Instance{Version: "v1", PID: 7, Settings: map[string]string{"listen": "00"}}
		},
		func(nonce string) []ops.Seen {
			if nonce == "known" {
				return []ops.Seen{{Nonce: nonce, Path: "/csrf"}}
			}
			return nil
		})
	rt, err := web.NewRouter(list, web.RouterOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/instance":      `"program":"gatehouse","version":"v1","pid":7`,
		"/probes/known":  `"path":"/csrf"`,
		"/probes/others": `[]`,
	} {
		if w := ask(rt, "GET", path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(rt, "POST", "/instance"); w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
}

// A mark travels in the clear. Who reads it cannot use it for long, nor drive
// other probes out with it.
func TestProbes_aMarkThatWasReadOnTheWayIsWorthLittle(t *testing.T) {
	at := time.Unix(1e9, 0)
	p, err := ops.NewProbes([]auth.Secret{ownSecret}, "X-Forwarded-For", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set(ops.ProbeHeader, text)
		r.Header.Set("Via", strings.Repeat("x", 512<<10))
		p.Note(r, &web.Facts{})
	}
	mine, text := mark(t, ownSecret)
	send(text)
	stolen, again := mark(t, ownSecret)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 300 {
		send(again)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := len(p.Find(stolen)); n != 4 {
		t.Errorf("%d sightings of one mark are kept, want 4", n)
	}
	if len(p.Find(mine)) != 1 {
		t.Error("another probe was driven out")
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1<<20 {
		t.Errorf("they keep %d KiB", kept>>10)
	}
	late, text := mark(t, ownSecret)
	at = at.Add(5*time.Minute + time.Second)
	send(text)
	if len(p.Find(late)) != 0 {
		t.Error("an old mark counts")
	}
	at = time.Unix(1e9, 0).Add(-61 * time.Second)
	send(text)
	if len(p.Find(late)) != 0 {
		t.Error("a mark of the future counts")
	}
}
