// Package packaging proves that what is shipped is what it says: the image that
// the Dockerfile describes, the systemd unit, the archives of a release.
//
// It owns no product code, and needs neither a Docker daemon nor a running
// systemd. The image's files are put together as the Dockerfile says, from the
// files that .dockerignore lets in, and the program runs in them as its user,
// with nothing else of this machine in reach (needs root). The unit is judged by
// systemd-analyze. Tests whose programs are missing are skipped by name; where
// CI=true they fail.
//
// Start with image_test.go.
package packaging
