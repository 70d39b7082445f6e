#!/usr/bin/env bash
# Builds what a release consists of, into dist/: for each target an archive with the program, its licences, shell
# completion and man page, a list of what is linked (SBOM, CycloneDX), and SHA256SUMS over all of it.
#
#   scripts/release.sh [--snapshot] VERSION [OS/ARCH...]
#
# VERSION is a tag such as v0.3.1, which must be checked out with nothing changed. --snapshot lets any state pass, to try.
# Targets are linux, darwin and windows on amd64 and arm64 unless some are named; "host" is this machine's.
#
# Two runs over one commit with one version of Go give the same bytes: nothing of the machine, the folder or the hour goes
# in; times are those of the commit. RELEASE_DIST (dist) is where it goes; that folder must not have files in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { echo "release: $1" >&2; exit "${2:-1}"; }

snapshot=no
if [[ ${1:-} == --snapshot ]]; then
  snapshot=yes
  shift
fi
version=${1:-}
[[ $version =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] ||
  fail "give a version such as v0.3.1, not \"$version\"" 2
shift
targets=("$@")
((${#targets[@]})) || targets=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64)

if [[ $snapshot == no ]]; then
  [[ -z $(git status --porcelain) ]] || fail "the checkout has changes; commit them first"
  [[ $(git rev-parse -q --verify "refs/tags/$version^{commit}") == "$(git rev-parse HEAD)" ]] ||
    fail "$version is not the tag of what is checked out: git checkout $version"
fi
epoch=$(git log -1 --format=%ct)
dist=${RELEASE_DIST:-dist}
mkdir -p "$dist"
[[ -z $(ls -A "$dist") ]] || fail "$dist has files in it; remove them"

# Nothing of what was set on this machine counts: not the flags, not the level of the processor, not a workspace.
unset GOAMD64 GOARM64 GOOS GOARCH GOEXPERIMENT GOFIPS140
export GOENV=off GOWORK=off GOFLAGS="-mod=readonly -trimpath -buildvcs=true" GOTOOLCHAIN=local CGO_ENABLED=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # target, output
  echo "building $1" >&2
  GOOS=${1%/*} GOARCH=${1#*/} go build -ldflags "-s -w -X main.builtAs=$version" -o "$2" ./cmd/gatehouse
}

# Completion and man page come from the program itself, so one that runs here is built in any case.
host=$(go env GOHOSTOS)/$(go env GOHOSTARCH)
binary() { echo "$work/built/${1%/*}_${1#*/}/gatehouse$([[ $1 != windows/* ]] || echo .exe)"; }
runs=$(binary "$host")
[[ " ${targets[*]} " == *" $host "* || " ${targets[*]} " == *" host "* ]] || runs=$work/host/gatehouse
build "$host" "$runs"
for target in "${targets[@]}"; do
  [[ $target == host || $target == "$host" ]] || build "$target" "$(binary "$target")"
done
scripts/release/share.sh "$runs" "$work/share"

go run ./scripts/release -version "$version" -epoch "$epoch" -built "$work/built" -share "$work/share" -to "$dist"
ls -l "$dist" >&2
