// Package transfer reads and writes the two forms in which users come and go:
// JSON lines (one object a line, RFC 8259) and CSV (RFC 4180 with a header
// row). It is pure: streams in, streams out, and no store. What of it is right
// package user decides, when it has become a user.
//
// Start reading at [User], then at [Reader].
//
// It stands against the file that somebody else has a part in. Names and
// addresses in it were typed by strangers: a cell may begin like a formula, a
// quote may never end, a line may be longer than memory. So a record is bounded
// to [MaxRecord], a record whose form is wrong is skipped to its end and never
// read as another one, a member that is not known or comes twice is refused
// rather than dropped, and no error quotes a value.
package transfer
