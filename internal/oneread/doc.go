// Package oneread keeps questions to the database few while a server has no
// copies yet: whoever asks for one row waits for one reading of it, some rows are
// read at a time, and so many may wait.
//
// It owns the waiting. What a row is, and whether one that was just read still
// counts, is the rooms' to say: sessions and API keys are read through it. It
// stands against the start, and the flood of made-up names, that would put every
// request in a queue in front of the database.
package oneread
