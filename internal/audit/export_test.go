package audit

import "github.com/gatehouse-auth/gatehouse/internal/store"

// Encode is what the MAC of an event is over.
func Encode(prev string, e store.ChainedEvent) []byte { return appendRecord(nil, prev, e) }

// EncodeMark is what the signature of a mark is over.
func EncodeMark(m store.Mark) []byte { return appendMark(nil, m) }
