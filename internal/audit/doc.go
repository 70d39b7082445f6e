// Package audit keeps the record of what happened so that nobody changes it
// unseen, and shows it.
//
// Events are written by the rooms, in the transaction of what they describe
// (auth.Event). Here they are given their order afterwards: a round ([Room.Run])
// takes the events that are committed and have no place yet, and chains them. Each
// place has a number without gaps and a MAC over the event and the MAC before, so
// that a row that was changed, removed, put in between or exchanged breaks the
// chain at that place ([Room.Verify]). The key comes from Gatehouse's own secrets,
// which are in no table: who can write the database alone can make no MAC.
//
// No transaction waits for the chain. A sign-in inserts its row as ever; two
// sign-ins have nothing in common that both would write. So the order of the chain
// is that in which events were chained, about that of their commits, and an event
// whose transaction took long stands behind younger ones.
//
// What stays open: rows younger than the last round can be changed and removed
// unseen, and somebody who may write rows can insert one that then is chained. The
// newest rows can be cut off together with the signed mark of the head by whoever
// has kept an earlier such mark; against that an operator keeps heads elsewhere
// ([Room.Head]). docs/audit.md says the same to operators.
//
// Start reading at chain.go; verify.go is the other half.
package audit
