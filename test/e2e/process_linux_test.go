package e2e_test

import "syscall"

// dieWithUs ends a child when the tests are killed before they can.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
