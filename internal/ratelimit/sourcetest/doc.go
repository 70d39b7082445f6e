// Package sourcetest is the suite that every [ratelimit.Source] passes; it is
// the meaning of that contract, and a doubt about it is settled by a new case
// here. A Source's own test calls [Run] in a few lines.
//
// It owns no Source. Times are whole microseconds of the past, and sources are
// asked about no other time, so that none needs a real clock.
package sourcetest
