package wire

import "time"

// AppendISOTime writes t as the protocol's JSON has it: UTC, exactly three
// fraction digits and Z, what JavaScript's toISOString gives. Protocol page §4.4.
func AppendISOTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}
