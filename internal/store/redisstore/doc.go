// Package redisstore keeps the request-rate limits that several servers share
// in Redis, and nothing else (guarantees R16): what is kept there may be lost at
// any time. A decision is one script on the server and one round trip, however
// many allowances it takes from; the script does the arithmetic of package
// ratelimit by the clock of Redis, so those of the servers do not matter.
//
// It owns the connections, which server of a cluster has what (servers.go), the
// names of keys, and the circuit breaker in front:
// while Redis is away a decision fails at once, and costs no request any time.
// What becomes of the request then is [ratelimit.Shared]'s.
//
// It stands against readers of the Redis: no key tells an address, a name or an
// ID; and against floods of made-up keys: each goes when its allowance is whole
// again.
//
// Start reading at [New] and script.go; the protocol is github.com/gomodule/redigo.
package redisstore
