package main

import "syscall"

// dieWithUs ends a child when this program is killed before it can.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
