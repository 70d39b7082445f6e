package load

import (
	"slices"
	"time"
)

// Latencies are times from the request to the whole answer, in no order.
type Latencies []int32

// add notes d in microseconds; beyond half an hour it is half an hour.
func (l *Latencies) add(d time.Duration) { *l = append(*l, int32(min(d.Microseconds(), 1<<31-1))) }

// Quantile is the least latency that the share q of all does not exceed: 0.5 is
// the median, 1 the longest. Of none it is 0.
func (l Latencies) Quantile(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	i := int(q*float64(len(l))+0.999999) - 1
	return time.Duration(l[min(max(i, 0), len(l)-1)]) * time.Microsecond
}

// Median of the values, the mean of the middle two when their number is even;
// 0 of none. It leaves the values as they are.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
