// Package growth measures whether a check costs more when there are more
// sessions: ten thousand and one million live rows, on both databases, beside
// one hundred thousand live revocations; with GATEHOUSE_LARGE, ten million.
//
//	go test -run xxx -bench . -timeout 30m ./bench/growth
//	GATEHOUSE_LARGE=10000000 go test -run xxx -bench . -timeout 3h ./bench/growth
//
// It is benchmarks alone, in one process: the rooms on a real store, filled in
// bulk by the database itself. Beside the time of a check each prints
//
//	load-ms     from opening the store to the end of the first reading of the feed
//	B/entry     memory of the index for one revocation
//	gc-ms       a whole collection of that process, forced, the longest of three
//
// What clients see over HTTP is package bench's.
package growth
