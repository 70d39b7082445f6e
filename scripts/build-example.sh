#!/usr/bin/env bash
# Installs the Node workspace and builds a Next.js example, each only when something changed since the last time.
#
#   scripts/build-example.sh [gatehouse-url [copy [example]]]
#   scripts/build-example.sh --packages               installs, and builds nothing
#
# The example is a folder of examples/: nextjs unless given, or nextjs-app-router.
# Next.js writes rewrites into the build, so a build belongs to one gatehouse-url (http://127.0.0.1:8787 unless given).
# With the name of a copy the example is copied to .build/<copy> and built there, which leaves the build in
# examples/ alone: tests use it for ports of their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

url=${1:-http://127.0.0.1:8787}
example=${3:-nextjs}
[[ -f examples/$example/next.config.mjs ]] || { echo "build-example: \"$example\" is no Next.js example" >&2; exit 2; }
source=examples/$example
folder=$source
if [[ -n ${2:-} ]]; then
  [[ $2 =~ ^[a-z0-9-]+$ ]] || { echo "build-example: \"$2\" is no name for a copy: small letters, digits and hyphens only" >&2; exit 2; }
  folder=.build/$2
fi
export NEXT_TELEMETRY_DISABLED=1

# Two installations or builds at once would tread on each other. Where flock is missing (macOS), nobody waits.
mkdir -p node_modules "$folder"
if command -v flock >/dev/null; then
  exec 9>node_modules/.building
  flock 9
fi

checksum() { # of the files named on standard input, one per line
  LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum
}

installed=node_modules/.installed
manifests=$( { ls package.json examples/*/package.json test/*/package.json 2>/dev/null || true; } | checksum)
if [[ ! -f $installed || $(<"$installed") != "$manifests" || ! -d node_modules/next ]]; then
  echo "Installing the Node packages (once)…"
  rm -f "$installed"
  npm install --no-save --no-package-lock --no-audit --no-fund --prefer-offline --loglevel=error </dev/null
  echo "$manifests" >"$installed"
fi
[[ $url != --packages ]] || exit 0

sources() {
  find "$source" -type f -not -path '*/.next/*' -not -path '*/node_modules/*' \
    -not -name '*.md' -not -name next-env.d.ts -not -name '*.tsbuildinfo'
}

built=$folder/.next/.built
state="$url $manifests $(sources | checksum)"
if [[ ! -f $built || $(<"$built") != "$state" ]]; then
  echo "Building the example $example for Gatehouse at $url…"
  rm -f "$built"
  if [[ $folder != "$source" ]]; then
    find "$folder" -mindepth 1 -maxdepth 1 -not -name .next -exec rm -rf {} +
    sources | while read -r file; do
      mkdir -p "$folder/$(dirname "${file#"$source"/}")"
      cp "$file" "$folder/${file#"$source"/}"
    done
    # Packages of which the examples want different versions are installed below each example.
    if [[ -d $source/node_modules ]]; then cp -R "$source/node_modules" "$folder/"; fi
  fi
  next=$PWD/node_modules/next/dist/bin/next
  if ! output=$(cd "$folder" && GATEHOUSE_URL=$url node "$next" build 2>&1 </dev/null); then
    printf '%s\n' "$output" >&2
    exit 1
  fi
  echo "$state" >"$built"
fi
