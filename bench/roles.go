package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-auth/gatehouse"
)

// roles are the processes that are this program itself, by the first argument.
var roles = map[string]func(arguments []string) error{"bare": bare, "hash": hash, "embedded": embedded}

// answer is what a bare handler says.
type answer struct {
	Header http.Header
	Body   string
}

// bareAnswer is the reference: 200 bytes of JSON and a cookie of 120.
func bareAnswer() answer {
	body := `{"user":{"name":"Ada Lovelace","email":"ada@bench.example"},"expires":"2030-01-01T00:00:00.000Z","padding":"`
	cookie := "bare="
	attributes := "; Path=/; HttpOnly; SameSite=Lax"
	return answer{
		Header: http.Header{
			"Content-Type": {"application/json"},
			"Set-Cookie":   {cookie + strings.Repeat("c", 120-len(cookie)-len(attributes)) + attributes},
		},
		Body: body + strings.Repeat("p", 200-len(body)-2) + `"}`,
	}
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	_, _ = w.Write([]byte(a.Body))
}

// bare serves one answer at the address of the session: what net/http costs by
// itself. Another answer can be read from a file.
func bare(arguments []string) error {
	f := flag.NewFlagSet("bare", flag.ExitOnError)
	address := f.String("listen", "", "")
	like := f.String("like", "", "")
	_ = f.Parse(arguments)
	a := bareAnswer()
	if *like != "" {
		text, err := os.ReadFile(*like)
		if err != nil {
			return err
		}
		a = answer{}
		if err := json.Unmarshal(text, &a); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.Handle(sessionPath, a)
	return http.ListenAndServe(*address, mux)
}

// hash is the raw capacity: for each line of standard input, a duration, it
// computes argon2id for so long on as many goroutines as cores, and prints how
// many a second.
func hash([]string) error {
	salt, secret := []byte("0123456789abcdef"), []byte(userPass)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		d, err := time.ParseDuration(lines.Text())
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		var rate float64
		count := 0
		for range runtime.GOMAXPROCS(0) {
			all.Go(func() {
				begun, n := time.Now(), 0
				for ; time.Since(begun) < d; n++ {
					argon2.IDKey(secret, salt, 2, 19*1024, 1, 32)
				}
				mu.Lock()
				defer mu.Unlock()
				rate += float64(n) / time.Since(begun).Seconds()
				count += n
			})
		}
		all.Wait()
		fmt.Println(rate, count)
	}
	return nil
}

// embedded is a program with Gatehouse built in: its protocol at the base path,
// and the bare handler behind Require.
func embedded(arguments []string) (err error) {
	f := flag.NewFlagSet("embedded", flag.ExitOnError)
	address := f.String("listen", "", "")
	database := f.String("database", "", "")
	dialect := f.String("dialect", "", "")
	profile := f.String("profile", "", "")
	_ = f.Parse(arguments)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	g, err := gatehouse.New(ctx, gatehouse.Config{
		PublicOrigin: origin, Secrets: []gatehouse.Secret{ownSecret},
		Mounts:   []gatehouse.Mount{{Dialect: *dialect, Secrets: []gatehouse.Secret{appSecret}}},
		Database: gatehouse.Database{Path: *database}, Tokens: gatehouse.Tokens{Audiences: audiences()},
		ClientAddress: gatehouse.ClientAddress{PeerIsClient: true},
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Metrics:       prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", g.Handler())
	mux.Handle("/members", g.Require()(bareAnswer()))
	mux.Handle(openPath, bareAnswer())
	mux.Handle(limitedPath, g.RateLimitBy(gatehouse.RateLimitPolicy{Name: "bench", Per: []string{"address"}, Burst: 60_000, Period: time.Second})(bareAnswer()))
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	if *profile != "" {
		for g.Ready(ctx) != nil && ctx.Err() == nil { // the start is not to be in it
			time.Sleep(10 * time.Millisecond)
		}
		out, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer out.Close()
		if err := pprof.StartCPUProfile(out); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	go func() { _ = http.Serve(l, mux) }() // the process ends under it
	<-ctx.Done()
	if err := <-ended; err != nil && ctx.Err() == nil {
		return err
	}
	return g.Close()
}
