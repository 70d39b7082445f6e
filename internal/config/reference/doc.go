// Package reference makes two descriptions of the settings from the structs
// that hold them: a JSON Schema (draft 2020-12), by which editors complete and
// check the configuration file, and an annotated example of that file. Names,
// forms and defaults come from package config by reflection, the words from
// the doc comments in the source, and what remains, bounds and samples, from
// rules.go.
//
// The results stand in docs and are embedded from there; this package is linked
// into no program. Its tests make both anew and compare, and they ask the
// loader about every rule, from both sides: what the schema says can neither
// fall behind a new setting nor drift from what is accepted.
//
// Start with schema.go. "make golden" writes the files anew.
package reference
