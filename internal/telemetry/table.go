package telemetry

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Definition is one metric as the documentation tells it.
type Definition struct {
	Name string
	// Type is "counter", "gauge" or "histogram".
	Type   string
	Labels []string
	Help   string
}

// The names of the metrics.
const (
	httpRequests  = "gatehouse_http_requests_total"
	httpDuration  = "gatehouse_http_request_duration_seconds"
	httpInFlight  = "gatehouse_http_requests_in_flight"
	httpRefusals  = "gatehouse_http_refusals_total"
	sessionChecks = "gatehouse_session_checks_total"
	cacheLookups  = "gatehouse_session_cache_lookups_total"
	cacheEntries  = "gatehouse_session_cache_entries"
	cacheBytes    = "gatehouse_session_cache_bytes"
	cacheEvicted  = "gatehouse_session_cache_evictions_total"
	sessionsBegun = "gatehouse_sessions_started_total"
	sessionsEnded = "gatehouse_sessions_ended_total"
	tokensIssued  = "gatehouse_tokens_issued_total"
	tokenRefresh  = "gatehouse_token_refreshes_total"
	tokenChecks   = "gatehouse_token_checks_total"
	keyCount      = "gatehouse_signing_keys"
	keySince      = "gatehouse_signing_key_active_timestamp_seconds"
	keyNext       = "gatehouse_signing_key_next_timestamp_seconds"
	signinSteps   = "gatehouse_signin_attempts_total"
	registrations = "gatehouse_registrations_total"
	hashRunning   = "gatehouse_password_hashes_running"
	hashWaiting   = "gatehouse_password_hashes_waiting"
	hashRefused   = "gatehouse_password_hashes_refused_total"
	hashDuration  = "gatehouse_password_hash_duration_seconds"
	hashWait      = "gatehouse_password_hash_wait_seconds"
	txDuration    = "gatehouse_store_transaction_duration_seconds"
	txErrors      = "gatehouse_store_transaction_errors_total"
	commitLatency = "gatehouse_store_commit_duration_seconds"
	commitMembers = "gatehouse_store_commit_transactions"
	commitErrors  = "gatehouse_store_commit_errors_total"
	indexEntries  = "gatehouse_revocation_index_entries"
	indexBytes    = "gatehouse_revocation_index_bytes"
	indexLimit    = "gatehouse_revocation_index_limit"
	indexFill     = "gatehouse_revocation_index_fill_ratio"
	indexBeyond   = "gatehouse_revocation_index_beyond"
	feedStaleness = "gatehouse_revocation_feed_staleness_seconds"
	feedErrors    = "gatehouse_revocation_feed_errors_total"
	feedChanges   = "gatehouse_revocation_feed_changes_total"
	feedRounds    = "gatehouse_revocation_feed_rounds_total"
	feedRound     = "gatehouse_revocation_feed_round_seconds"
	feedLoads     = "gatehouse_revocation_feed_loads_total"
	feedWoken     = "gatehouse_revocation_feed_notifications_total"
	feedRestored  = "gatehouse_revocation_feed_restored_total"
	feedClock     = "gatehouse_revocation_clock_difference_seconds"
	auditChained  = "gatehouse_audit_chained_total"
	auditHead     = "gatehouse_audit_head"
	auditLag      = "gatehouse_audit_lag_seconds"
	auditOmitted  = "gatehouse_audit_unrecorded_total"
	limitRefusals = "gatehouse_ratelimit_refusals_total"
	limitFallback = "gatehouse_ratelimit_fallback"
	purgedRows    = "gatehouse_purged_rows_total"
	purgeErrors   = "gatehouse_purge_errors_total"
	buildInfo     = "gatehouse_build_info"
	certExpiry    = "gatehouse_tls_certificate_expiry_timestamp_seconds"
	certErrors    = "gatehouse_tls_certificate_reload_errors_total"
	traceSpans    = "gatehouse_tracing_spans_total"
)

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// Definitions returns the table of all metrics, in the order of the
// documentation. The last four are the program's ([Program]), the others every
// Gatehouse's.
func Definitions() []Definition {
	return []Definition{
		{httpRequests, counter, []string{"endpoint", "method", "status"}, "Requests answered. endpoint is the pattern of an endpoint, or other."},
		{httpDuration, histogram, []string{"endpoint", "method"}, "Time from a request's arrival in the router to the end of its answer."},
		{httpInFlight, gauge, nil, "Requests being answered."},
		{httpRefusals, counter, []string{"code"}, "Requests answered with a refusal or a failure, by its code."},
		{sessionChecks, counter, []string{"verdict"}, "Session cookies checked, by verdict."},
		{cacheLookups, counter, []string{"result"}, "Stored sessions looked for in memory: hit, or miss, which reads the row."},
		{cacheEntries, gauge, nil, "Stored sessions kept in memory."},
		{cacheBytes, gauge, nil, "Memory of these."},
		{cacheEvicted, counter, nil, "Stored sessions that made room for others in memory."},
		{sessionsBegun, counter, nil, "Sessions begun."},
		{sessionsEnded, counter, []string{"reason"}, "Sessions ended before their time, by reason."},
		{tokensIssued, counter, nil, "Access tokens made."},
		{tokenRefresh, counter, []string{"result"}, "Refresh tokens brought, by what came of it."},
		{tokenChecks, counter, []string{"verdict"}, "Access tokens brought to Gatehouse's own guards, by verdict."},
		{keyCount, gauge, []string{"state"}, "Signing keys, by state."},
		{keySince, gauge, []string{"algorithm"}, "Since when the key that signs does so, in Unix seconds. Absent while none does."},
		{keyNext, gauge, []string{"algorithm"}, "When the next key may begin to sign by the schedule, in Unix seconds. Absent without one."},
		{signinSteps, counter, []string{"proof", "result"}, "Steps of sign-ins, by what was to be proved and by result."},
		{registrations, counter, []string{"result"}, "Registrations, by result."},
		{hashRunning, gauge, nil, "Password hashes being computed, in places of the gate."},
		{hashWaiting, gauge, nil, "Callers waiting for their turn to hash."},
		{hashRefused, counter, nil, "Callers refused because the queue for hashing was full."},
		{hashDuration, histogram, nil, "Time that one password hash took, without waiting."},
		{hashWait, histogram, nil, "Time that a caller waited for its turn to hash."},
		{txDuration, histogram, nil, "Time of a transaction as its caller sees it, waiting and commit included."},
		{txErrors, counter, nil, "Transactions that failed because of the database; refusals by rule are none."},
		{commitLatency, histogram, nil, "Time of a commit that transactions share, from its beginning to the disk."},
		{commitMembers, histogram, nil, "Transactions that shared one commit."},
		{commitErrors, counter, nil, "Commits that failed."},
		{indexEntries, gauge, nil, "Statements of what is void, in the index in memory."},
		{indexBytes, gauge, nil, "Memory of the index."},
		{indexLimit, gauge, nil, "How many entries the index keeps whole."},
		{indexFill, gauge, nil, "Entries the index keeps whole, as a part of how many it may."},
		{indexBeyond, gauge, nil, "Entries beyond the limit, of which the index keeps a trace: checks that hit one ask the database."},
		{feedStaleness, gauge, nil, "Time since the change feed was last read whole; +Inf before the first time."},
		{feedErrors, counter, nil, "Failed looks at the change feed."},
		{feedChanges, counter, nil, "Rows of the change feed applied to the index."},
		{feedRounds, counter, nil, "Looks at the change feed that succeeded; on PostgreSQL each is a committed beat."},
		{feedRound, gauge, nil, "How long the last look took, its beat included."},
		{feedLoads, counter, nil, "Times the change feed was read whole: at the start, and whenever the connection to it is new."},
		{feedWoken, counter, nil, "Notifications of other servers that there is something new."},
		{feedRestored, counter, nil, "Revocations written back to a database that lacked them."},
		{feedClock, gauge, nil, "How far the database's clock is ahead of this server's."},
		{auditChained, counter, nil, "Events of the audit record that this server gave a place in the chain."},
		{auditHead, gauge, nil, "The last place of the audit chain that this server has seen."},
		{auditLag, gauge, nil, "Age of the oldest event that the last round left without a place in the chain."},
		{auditOmitted, counter, nil, "Refused attempts that became no event, because there were many alike."},
		{limitRefusals, counter, []string{"limit"}, "Refusals by a rate limit, by its name."},
		{limitFallback, gauge, nil, "1 while Redis is out of reach and this server counts requests by itself, with its part of each limit; 0 otherwise."},
		{purgedRows, counter, []string{"rows"}, "Old rows removed, by kind."},
		{purgeErrors, counter, []string{"rows"}, "Failed attempts to remove old rows, by kind."},
		{buildInfo, gauge, []string{"version", "revision", "go_version"}, "Always 1; the labels say what runs."},
		{certExpiry, gauge, nil, "When the certificate in use ends, in Unix seconds. Absent without tls.cert_file."},
		{certErrors, counter, nil, "Changed certificate files that could not be used. Absent without tls.cert_file."},
		{traceSpans, counter, []string{"result"}, "Spans handed to the exporter, sent or lost. Absent without tracing.endpoint."},
	}
}

// definition finds one by its name; a name that is not in the table is a
// mistake that every test meets.
func definition(name string) Definition {
	all := Definitions()
	i := slices.IndexFunc(all, func(d Definition) bool { return d.Name == name })
	if i < 0 {
		panic("telemetry: " + name + " is not in the table")
	}
	return all[i]
}

func newCounter(name string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: definition(name).Help})
}

func newCounters(name string) *prometheus.CounterVec {
	d := definition(name)
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: d.Help}, d.Labels)
}

func newHistogram(name string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: definition(name).Help, Buckets: buckets})
}

func newDesc(name string) *prometheus.Desc {
	d := definition(name)
	return prometheus.NewDesc(name, d.Help, d.Labels, nil)
}
