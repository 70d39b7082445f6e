//go:build !linux

package main

import "syscall"

// dieWithUs: elsewhere a killed run leaves its children behind.
func dieWithUs(*syscall.SysProcAttr) {}
