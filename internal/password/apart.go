package password

// apart runs work in a goroutine of its own and waits for it. A panic is raised
// here.
//
// On Linux that goroutine has a thread of its own, of lower priority than the
// others: a hash holds a core for tens of milliseconds, and while all cores
// compute hashes, requests that take microseconds would wait for the scheduler
// to notice them. The thread ends with the work: priorities can be lowered
// by anybody, and raised again by root alone. To make one takes some tens of
// microseconds, a thousandth of a hash.
func apart(work func()) {
	var panicked any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		stepBack()
		work()
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
}
