package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onHangup calls do whenever SIGHUP comes, until stop is called. Without it the
// signal ends a program, and says nothing.
func onHangup(do func()) (stop func()) {
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-came:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(came)
		close(done)
	}
}
