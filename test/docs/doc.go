// Package docs runs the commands in the documentation, so that what a reader
// types does what the text says.
//
// A block that is fenced as sh is run: all of one document in order, in one
// bash, in a folder of its own, with HOME there and gatehouse on the PATH; a
// command that fails, fails the test. A block fenced as text right behind it is
// what it prints, where "…" stands for anything within a line, and alone on a
// line for any number of lines. A block fenced as "sh skip=REASON" is not run;
// testdata/skipped.txt lists them, so that a new one is seen in review. Blocks
// fenced as console, or as anything else, illustrate.
//
// What is written for one machine is replaced before it is run, by the table in
// replace_test.go: ports by free ones, folders of the system by folders of the
// test, the repository by a clone of this checkout.
//
// A document about PostgreSQL has a server of its own, which psql reaches.
//
// The quickstart installs Next.js and needs Node.js; without it that document
// is skipped by name, and fails where CI=true. With -short it is skipped too.
//
// Start with docs_test.go.
package docs
