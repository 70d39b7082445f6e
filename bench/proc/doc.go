// Package proc reads from Linux's /proc what a comparison needs to know: how
// much processor time a process has used, how much everybody else used
// meanwhile, and how much memory a process holds.
//
// It owns the parsing alone. Which processes are ours, and how much of others
// is too much, is the business of the program above it.
//
// Standard: proc_pid_stat(5), proc_stat(5), proc_pid_status(5). Start reading at
// [CPU]. On other systems everything here is an error.
package proc
