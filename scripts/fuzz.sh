#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time (30s), one after the other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-30s}
targets=0
while IFS=: read -r file name; do
  targets=$((targets + 1))
  echo "== $name in $(dirname "$file") for $time"
  go test -run xxx -fuzz "^$name\$" -fuzztime "$time" "./$(dirname "$file")"
done < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -o '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //' | sort -u)
echo "$targets targets"
((targets))
