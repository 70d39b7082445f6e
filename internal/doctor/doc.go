// Package doctor finds out why an installation does not work, or works less
// safely than its operator believes. It is what "gatehouse doctor" runs.
//
// Looking and judging are apart. [Look] gathers [Facts]: the settings, files
// and their modes, the database, what the running server says of itself on the
// ops listener, and what becomes of requests that go through the public origin.
// [Judge] is a pure function from Facts to a [Report]. Every finding is of a
// kind listed in catalogue.go, in the order of causes, with what it explains:
// a finding that another one explains is left out, so that one root cause is
// not buried by what follows from it.
//
// What is wrong in the settings themselves is found by internal/config and
// gatehouse.Config.Validate and only handed in; how the address of the caller
// is resolved is the business of web/clientip; what the server keeps of probes,
// of web/ops.
//
// Probes carry a mark made with Gatehouse's own secret, so that the server
// keeps what it saw of them and of nobody else's requests. They change nothing:
// they sign nobody in and have no session. What comes back from the network is
// not trusted: it is cut short and freed of control characters before it is
// shown. No secret and nothing about users is in a report.
//
// Start with facts.go, catalogue.go and judge.go.
package doctor
