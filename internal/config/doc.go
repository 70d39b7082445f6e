// Package config turns one YAML file and the environment into [Settings]: the
// gatehouse.Config of the library and what the program needs beside it to
// listen. Every setting has a path in the file and a name in the environment,
// both derived from the conf tags of the two structs and from nothing else:
//
//	mounts:                      GATEHOUSE_MOUNTS_0_BASE_PATH=/api/auth
//	  - base_path: /api/auth
//	session:
//	  max_age: 30d               GATEHOUSE_SESSION_MAX_AGE=30d
//
// The environment wins over the file. Secrets may stand in a file of their
// own, named by the same key with _file behind it.
//
// What a good value is, is the business of gatehouse.Config.Validate; this
// package adds the rules for listeners and files, and reports all problems at
// once, each by both its names and with the cure. Only cmd imports it, and package
// reference, which makes the schema and the annotated example of it.
//
// The mistakes it stands against are the quiet ones: a misspelt key that
// leaves a default in force, a number without a unit, a zero that means
// "default" where "none" was meant, a secret that every account of the machine
// can read, a secret echoed by an error message.
//
// Start with settings.go and load.go.
package config
