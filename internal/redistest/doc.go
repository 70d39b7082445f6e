// Package redistest gives tests a Redis server of their own, started from the
// installed program (Debian: redis-server) on a free port of 127.0.0.1, or
// several that are a cluster, and does to them what life does: kills, freezes
// and starts them again.
//
// It owns the servers' processes and folders, and that none of them outlives
// the test binary, however that ends. Linux alone: elsewhere, and where the
// program is missing, tests are skipped by name, but fail where CI is set.
//
// Where to start: [Start] for one server, [StartCluster] for a cluster.
package redistest
