package main

// openPath and limitedPath are the bare handler of the embedded program, without
// and with a limit.
const (
	openPath    = "/open"
	limitedPath = "/limited"
)

// limits are goal 12: one decision in memory, and a limited route against the
// same one unlimited.
func (r *run) limits(s *site, program *child) error {
	length := "1s"
	if r.quick {
		length = "100ms"
	}
	decisions, err := r.gobench("./internal/ratelimit", `Limiter/per=\[address\]/windows=1/IPv4`, "-benchtime", length)
	if err != nil {
		return err
	}
	for _, figures := range decisions {
		r.atMost(12, "one decision by address, in memory", micros, 0.25, figures["ns/op"]/1e3)
	}
	at := func(path string) []request {
		return []request{{bytes: s.http("GET", path, 0, "", "", ""), has: []byte("ada@bench.example"), cookie: []byte("bare=")}}
	}
	c, err := r.compare("a limited route against the same unlimited", clients, r.pairs, asking(program, clients, at(openPath)), asking(program, clients, at(limitedPath)), r.time)
	if err != nil {
		return err
	}
	r.atLeast(12, "a limited route: requests a second, of the same one unlimited", ratio, 0.97, c.Ratio).of(c)
	return nil
}
