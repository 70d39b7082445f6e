package audit

import (
	"encoding/binary"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// encodingVersion stands in the name of every key: an event with more members
// will be written in another encoding, and older rows stay verifiable.
const encodingVersion = "1"

// What the encodings begin with, so that a mark is never taken for an event.
const (
	recordKind = "gatehouse audit record"
	markKind   = "gatehouse audit mark"
)

// appendRecord writes an event at its place behind prev: each text with its length
// in front, each number in eight bytes, in a fixed order. Two events that differ
// in anything are written differently.
func appendRecord(dst []byte, prev string, e store.ChainedEvent) []byte {
	dst = appendText(dst, recordKind)
	dst = appendText(dst, e.Key)
	dst = appendNumber(dst, e.Seq)
	dst = appendText(dst, prev)
	dst = appendText(dst, string(e.ID))
	dst = appendNumber(dst, e.At.UnixMicro())
	dst = appendText(dst, string(e.Type))
	dst = appendText(dst, e.Actor)
	dst = appendText(dst, string(e.UserID))
	dst = appendText(dst, string(e.SessionID))
	dst = appendText(dst, e.Subject)
	dst = appendText(dst, e.Client)
	address := ""
	if e.Address.IsValid() {
		address = e.Address.String()
	}
	dst = appendText(dst, address)
	dst = appendText(dst, e.Agent)
	dst = appendText(dst, e.Detail)
	return appendText(dst, string(e.Result))
}

// appendMark writes what the signature of a mark is over.
func appendMark(dst []byte, m store.Mark) []byte {
	dst = appendText(dst, markKind)
	dst = appendText(dst, m.Key)
	dst = appendText(dst, string(m.Name))
	dst = appendNumber(dst, m.Seq)
	dst = appendText(dst, m.MAC)
	return appendNumber(dst, m.At.UnixMicro())
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func appendNumber(dst []byte, n int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(n)) }
