// Command release makes the archives of a release from programs that are
// built already; scripts/release.sh, which builds them, is what one runs.
//
// For each target it refuses a program that was not built as releases are
// (another target, cgo, paths of the machine in it), gathers the licences of
// all that is linked, lists it in a bill of materials (CycloneDX 1.6, sbom.go),
// and packs (archive.go). SHA256SUMS covers every file. All of it depends on the
// commit and the version of Go alone, so that anybody can build the same bytes
// and compare: that is what stands against a release that was tampered with on
// the way.
//
// Start with main.go.
package main
