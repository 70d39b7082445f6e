package telemetry

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// Upper bounds of the buckets, in seconds, chosen so that the ordinary case
// falls in the lower half: checks take tens of microseconds, sign-ins one hash.
var (
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	hashBuckets    = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	storeBuckets   = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	memberBuckets  = []float64{1, 2, 4, 8, 16, 32, 64}
)

// metrics is one collector for everything, so that registering is all or none.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	refusals  map[auth.Code]prometheus.Counter

	begun prometheus.Counter
	ended map[auth.EndReason]prometheus.Counter

	steps         *prometheus.CounterVec
	registrations *prometheus.CounterVec
	hashed        prometheus.Histogram
	waited        prometheus.Histogram

	transactions      prometheus.Histogram
	transactionErrors prometheus.Counter
	commits           prometheus.Histogram
	members           prometheus.Histogram
	commitErrors      prometheus.Counter

	limits      *prometheus.CounterVec
	purged      *prometheus.CounterVec
	purgeErrors *prometheus.CounterVec

	// own are the collectors above.
	own []prometheus.Collector
	// read are those whose values come from the sources.
	sources Sources
	read    []reading
	keys    keyDescs
}

// reading is a value that is fetched when it is asked for.
type reading struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	value  func(Sources) float64
	labels []string
}

func newMetrics() *metrics {
	m := &metrics{
		requests: newCounters(httpRequests),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: httpDuration, Help: definition(httpDuration).Help, Buckets: requestBuckets,
		}, definition(httpDuration).Labels),
		inFlight:          prometheus.NewGauge(prometheus.GaugeOpts{Name: httpInFlight, Help: definition(httpInFlight).Help}),
		refusals:          map[auth.Code]prometheus.Counter{},
		begun:             newCounter(sessionsBegun),
		ended:             map[auth.EndReason]prometheus.Counter{},
		steps:             newCounters(signinSteps),
		registrations:     newCounters(registrations),
		hashed:            newHistogram(hashDuration, hashBuckets),
		waited:            newHistogram(hashWait, hashBuckets),
		transactions:      newHistogram(txDuration, storeBuckets),
		transactionErrors: newCounter(txErrors),
		commits:           newHistogram(commitLatency, storeBuckets),
		members:           newHistogram(commitMembers, memberBuckets),
		commitErrors:      newCounter(commitErrors),
		limits:            newCounters(limitRefusals),
		purged:            newCounters(purgedRows),
		purgeErrors:       newCounters(purgeErrors),
		read:              readings(),
		keys:              newKeyDescs(),
	}
	refusals, ended := newCounters(httpRefusals), newCounters(sessionsEnded)
	for _, c := range auth.Codes() {
		m.refusals[c] = refusals.WithLabelValues(string(c))
	}
	for _, r := range []auth.EndReason{auth.EndSignOut, auth.EndSuperseded, auth.EndRevoked} {
		m.ended[r] = ended.WithLabelValues(string(r))
	}
	m.own = []prometheus.Collector{
		m.requests, m.durations, m.inFlight, refusals, m.begun, ended, m.steps, m.registrations, m.hashed, m.waited,
		m.transactions, m.transactionErrors, m.commits, m.members, m.commitErrors, m.limits, m.purged, m.purgeErrors,
	}
	return m
}

// readings are the metrics that cost nothing between two questions.
func readings() []reading {
	verdicts := newDesc(sessionChecks)
	verdict := func(label string, count func(s Sources) uint64) reading {
		return reading{verdicts, prometheus.CounterValue, func(s Sources) float64 { return float64(count(s)) }, []string{label}}
	}
	single := func(name string, kind prometheus.ValueType, value func(s Sources) float64) reading {
		return reading{newDesc(name), kind, value, nil}
	}
	refreshes, checks, lookups := newDesc(tokenRefresh), newDesc(tokenChecks), newDesc(cacheLookups)
	counted := func(desc *prometheus.Desc, label string, count func(t token.Stats) uint64) reading {
		return reading{desc, prometheus.CounterValue, func(s Sources) float64 { return float64(count(s.tokenStats())) }, []string{label}}
	}
	return []reading{
		single(tokensIssued, prometheus.CounterValue, func(s Sources) float64 { return float64(s.tokenStats().Issued) }),
		counted(refreshes, "rotated", func(t token.Stats) uint64 { return t.Rotated }),
		counted(refreshes, "repeated", func(t token.Stats) uint64 { return t.Repeated }),
		counted(refreshes, "refused", func(t token.Stats) uint64 { return t.Refused - t.Reused - t.Ahead }),
		counted(refreshes, "reused", func(t token.Stats) uint64 { return t.Reused }),
		counted(refreshes, "ahead", func(t token.Stats) uint64 { return t.Ahead }),
		counted(checks, "good", func(t token.Stats) uint64 { return t.Good }),
		counted(checks, "invalid", func(t token.Stats) uint64 { return t.Invalid }),
		counted(checks, "unavailable", func(t token.Stats) uint64 { return t.Unavailable }),
		verdict("live", func(s Sources) uint64 { return s.Sessions.Checks().Live }),
		verdict("superseded", func(s Sources) uint64 { return s.Sessions.Checks().Superseded }),
		verdict("just_ended", func(s Sources) uint64 { return s.Sessions.Checks().JustEnded }),
		verdict("void", func(s Sources) uint64 { return s.Sessions.Checks().Void }),
		verdict("unavailable", func(s Sources) uint64 { return s.Sessions.Checks().Unavailable }),
		{lookups, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Sessions.Copies().Hits) }, []string{"hit"}},
		{lookups, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Sessions.Copies().Misses) }, []string{"miss"}},
		single(cacheEntries, prometheus.GaugeValue, func(s Sources) float64 { return float64(s.Sessions.Copies().Entries) }),
		single(cacheBytes, prometheus.GaugeValue, func(s Sources) float64 { return float64(s.Sessions.Copies().Bytes) }),
		single(cacheEvicted, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Sessions.Copies().Evictions) }),
		single(hashRunning, prometheus.GaugeValue, func(s Sources) float64 { taken, _ := s.Gate.Load(); return float64(taken) }),
		single(hashWaiting, prometheus.GaugeValue, func(s Sources) float64 { _, queued := s.Gate.Load(); return float64(queued) }),
		single(hashRefused, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Gate.Refused()) }),
		single(indexEntries, prometheus.GaugeValue, func(s Sources) float64 { return float64(s.Index.Len()) }),
		single(indexBytes, prometheus.GaugeValue, func(s Sources) float64 { return float64(s.Index.Bytes()) }),
		single(indexLimit, prometheus.GaugeValue, func(s Sources) float64 { _, limit, _ := s.Index.Fill(); return float64(limit) }),
		single(indexFill, prometheus.GaugeValue, func(s Sources) float64 {
			entries, limit, _ := s.Index.Fill()
			return float64(entries) / float64(limit)
		}),
		single(indexBeyond, prometheus.GaugeValue, func(s Sources) float64 { _, _, beyond := s.Index.Fill(); return float64(beyond) }),
		single(feedStaleness, prometheus.GaugeValue, staleness),
		single(feedErrors, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Follower.Stats().Failures) }),
		single(feedChanges, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Follower.Stats().Changes) }),
		single(feedRounds, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Follower.Stats().Rounds) }),
		single(feedRound, prometheus.GaugeValue, func(s Sources) float64 { return s.Follower.Stats().Took.Seconds() }),
		single(feedLoads, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Follower.Stats().Loads) }),
		single(feedWoken, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Follower.Stats().Woken) }),
		single(feedRestored, prometheus.CounterValue, func(s Sources) float64 { return float64(s.Follower.Stats().Restored) }),
		single(auditChained, prometheus.CounterValue, func(s Sources) float64 { return float64(s.auditStats().Chained) }),
		single(auditHead, prometheus.GaugeValue, func(s Sources) float64 { return float64(s.auditStats().Head) }),
		single(auditLag, prometheus.GaugeValue, func(s Sources) float64 { return s.auditStats().Lag.Seconds() }),
		single(auditOmitted, prometheus.CounterValue, func(s Sources) float64 { return float64(s.auditStats().Unrecorded) }),
		single(limitFallback, prometheus.GaugeValue, func(s Sources) float64 {
			if s.LimitsAway != nil && s.LimitsAway() {
				return 1
			}
			return 0
		}),
		single(feedClock, prometheus.GaugeValue, func(s Sources) float64 { return s.Follower.ClockDifference().Seconds() }),
	}
}

// tokenStats are the counts of the token room, if there is one.
func (s Sources) tokenStats() token.Stats {
	if s.Tokens == nil {
		return token.Stats{}
	}
	return s.Tokens.Stats()
}

// auditStats are the counts of the audit room, if there is one.
func (s Sources) auditStats() audit.Stats {
	if s.Audit == nil {
		return audit.Stats{}
	}
	return s.Audit.Stats()
}

// staleness is infinite before the first look, so that a rule with a threshold
// fires also for a server that never became ready.
func staleness(s Sources) float64 {
	age := s.Index.Staleness(s.Now())
	if age == math.MaxInt64 {
		return math.Inf(1)
	}
	return max(age.Seconds(), 0)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.own {
		c.Describe(ch)
	}
	for _, r := range m.read {
		ch <- r.desc
	}
	m.keys.describe(ch)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.own {
		c.Collect(ch)
	}
	for _, r := range m.read {
		ch <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(m.sources), r.labels...)
	}
	if m.sources.Keys != nil {
		m.keys.collect(ch, m.sources.Keys.Stats())
	}
}
