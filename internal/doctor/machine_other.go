//go:build !linux

package doctor

import "runtime"

// disk is not looked at here.
func disk(string) Disk { return Disk{} }

// machine knows the cores alone here.
func machine(int) Machine { return Machine{Cores: runtime.GOMAXPROCS(0)} }
