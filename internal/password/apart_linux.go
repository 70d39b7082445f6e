package password

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// politeness is how much lower the priority of a hash is, in steps of nice(2):
// beside something else that wants all of a core, a hash gets two fifths of it.
// More would let whatever runs on the machine hold sign-ins up.
const politeness = 2

// stepBack ties the goroutine to its thread, for good, and lowers the thread's
// priority. Where that is not allowed the hash runs like everything else.
func stepBack() {
	runtime.LockOSThread()
	// Unlike POSIX says, Linux takes the calling thread for "process 0".
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err == nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-nice+politeness, 19)) // the raw call answers 20 less nice
	}
}
