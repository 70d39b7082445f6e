package seal_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

func TestNew_refusesWhatNoKeyComesFrom(t *testing.T) {
	for name, make := range map[string]func() (*seal.Sealer, error){
		"dialect":      func() (*seal.Sealer, error) { return seal.New("v6", "", secret) },
		"no secret":    func() (*seal.Sealer, error) { return seal.New(seal.V4, "") },
		"empty secret": func() (*seal.Sealer, error) { return seal.New(seal.V5, cookie, secret, "") },
		"too many": func() (*seal.Sealer, error) {
			return seal.New(seal.V4, "", strings.Split(strings.Repeat("x", 40), "")...)
		},
	} {
		if s, err := make(); err == nil || s != nil {
			t.Errorf("%s: New = %v, %v, want an error", name, s, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
}

func TestSealer_printsNoKey(t *testing.T) {
	s := mustNew(t, seal.V5, cookie, secret)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sealer", s)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "sealer", s)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		fmt.Fprintf(&log, verb+"\n", s)
		fmt.Fprintf(&log, verb+"\n", struct{ S *seal.Sealer }{s})
	}
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !strings.Contains(line, "redacted") && !strings.Contains(line, `"sealer":{}`) {
			t.Errorf("prints %s", line)
		}
	}
}

func TestSealer_servesManyAtOnce(t *testing.T) {
	s := mustNew(t, seal.V5, cookie, secret)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				want := fmt.Sprintf(`{"g":%d,"i":%d}`, g, i)
				token, err := s.Seal([]byte(want))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Open(token); err != nil || string(got) != want {
					t.Errorf("Open = %s, %v, want %s", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

// The check of a session stands on this: no allocation in v4, the block mode in
// v5, none of either for claims walked by Scan.
func TestAppendOpen_allocatesNextToNothing(t *testing.T) {
	buf := make([]byte, 0, 1024)
	for d, most := range map[seal.Dialect]float64{seal.V4: 0, seal.V5: 6} { // v5: 1, more while the pool of MACs fills
		s := mustNew(t, d, "", secret)
		token := mustSeal(t, s, string(claims))
		got := testing.AllocsPerRun(200, func() {
			text, err := s.AppendOpen(buf, token)
			if err != nil {
				t.Fatal(err)
			}
			if err := seal.CheckTimes(text, now); err != nil {
				t.Fatal(err)
			}
		})
		if got > most {
			t.Errorf("%s: %v allocations, want at most %v", d, got, most)
		}
	}
}
