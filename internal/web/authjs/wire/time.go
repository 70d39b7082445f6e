package wire

import "time"

// ISOTime writes t as the protocol's JSON has it: UTC, exactly three fraction
// digits and Z, what JavaScript's toISOString gives. Protocol page §4.4.
func ISOTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
