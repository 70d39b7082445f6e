// Package load asks an HTTP server on this machine as fast as it answers, and
// costs as little as it can beside it: requests are bytes that were made
// beforehand, each client is one keep-alive connection in a closed loop, and of
// an answer no more is read than is judged.
//
// It owns the connections and the figures of one round. What a right answer is,
// is the caller's [Plan.Judge]: an answer nobody has judged is no figure.
//
// Standard: RFC 9112, as far as servers answer such requests. Start reading at
// [Run].
//
// What it stands against is not an attacker but flattery: rates of refusals,
// latencies without the failures, and answers that came from nowhere.
package load
