package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

const durationCure = "write it with units, as 90s, 15m, 12h, 30d or 1d12h"

var errDuration = errors.New("not a duration; " + durationCure)

// ParseDuration reads a Go duration (time.ParseDuration) that may begin with
// whole days: "30d", "1d12h", "15m".
func ParseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, errDuration
		}
		return d, nil
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, errDuration
	}
	d := time.Duration(n) * day
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || rest[0] == '-' || rest[0] == '+' || more > math.MaxInt64-d {
		return 0, errDuration
	}
	return d + more, nil
}

// FormatDuration writes d as [ParseDuration] reads it and as a person would:
// "30d", "1d12h", "15m".
func FormatDuration(d time.Duration) string {
	if d < 0 || d%time.Second != 0 || d == 0 {
		return d.String()
	}
	var b strings.Builder
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.unit
		}
	}
	return b.String()
}

const timeCure = "write the last day, as 2027-01-31, or a moment with its zone, as 2027-01-31T18:00:00Z"

var errTime = errors.New("not a date; " + timeCure)

// ParseTime reads a moment (RFC 3339), or a date that stands for its whole day:
// the moment at which that day ends, in UTC.
func ParseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.Year() > 0 {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() == 0 {
		return time.Time{}, errTime
	}
	return t.AddDate(0, 0, 1), nil
}

// FormatTime writes t as [ParseTime] reads it: the end of a day as the date of
// that day.
func FormatTime(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(day)) {
		return t.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// setScalar reads text into v. A zero is refused where it would silently mean
// the default. The problem never shows the value of a secret.
func setScalar(v reflect.Value, text string) (problem, cure string) {
	switch kindOf(v.Type()) {
	case kindString, kindSecret:
		v.SetString(text)
		return "", ""
	case kindBool:
		if text != "true" && text != "false" {
			return fmt.Sprintf("%q is neither true nor false", text), "write true or false"
		}
		v.SetBool(text == "true")
		return "", ""
	case kindInt:
		n, err := strconv.ParseInt(text, 10, strconv.IntSize)
		if err != nil || text[0] == '+' {
			return fmt.Sprintf("%q is not a whole number", text), "write it in decimal digits alone"
		}
		v.SetInt(n)
	case kindDuration:
		d, err := ParseDuration(text)
		if err != nil {
			return fmt.Sprintf("%q is not a duration", text), durationCure
		}
		v.SetInt(int64(d))
	case kindTime:
		t, err := ParseTime(text)
		if err != nil {
			return fmt.Sprintf("%q is no date", text), timeCure
		}
		v.Set(reflect.ValueOf(t))
	}
	if v.IsZero() {
		return "is zero, which would mean the default", "leave it out for the default, or give another value"
	}
	return "", ""
}
