package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

// keyDescs are the metrics of signing keys: times, and no ages, so that they
// move only when something has happened.
type keyDescs struct{ count, since, next *prometheus.Desc }

func newKeyDescs() keyDescs {
	return keyDescs{newDesc(keyCount), newDesc(keySince), newDesc(keyNext)}
}

func (k keyDescs) describe(ch chan<- *prometheus.Desc) {
	ch <- k.count
	ch <- k.since
	ch <- k.next
}

func (k keyDescs) collect(ch chan<- prometheus.Metric, s keyring.Stats) {
	gauge := func(desc *prometheus.Desc, v float64, label string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, label)
	}
	moment := func(desc *prometheus.Desc, at time.Time, label string) {
		if !at.IsZero() {
			gauge(desc, float64(at.UnixMicro())/1e6, label)
		}
	}
	for _, state := range []auth.KeyState{auth.KeyNext, auth.KeyActive, auth.KeyRetiring, auth.KeyRetired} {
		gauge(k.count, float64(s.Keys[state]), string(state))
	}
	for _, a := range s.Signing {
		moment(k.since, a.Since, string(a.Algorithm))
		moment(k.next, a.Next, string(a.Algorithm))
	}
}
