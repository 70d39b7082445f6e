// Package registration lets people sign up: open to all, by invitation code,
// or not at all. It makes the user and the password; signing in afterwards is
// package signin's.
//
// Until e-mail addresses are verified at registration, an attempt to register
// tells whether an identifier is taken: it must, because the person has to
// learn that they should sign in instead. docs/security/registration.md says
// so plainly. The room stands against mass registration (a limit for each
// address, and the hashing gate), bad passwords, and mass assignment: roles
// come from the configuration or the invitation alone.
package registration
