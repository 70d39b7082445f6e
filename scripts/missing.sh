#!/usr/bin/env bash
# Names the programs that some tests need and this machine lacks, and prints the one line that installs them on Debian.
# Without an argument it only tells; "install" installs them (as root), as CI does.
set -euo pipefail

packages=()
need() { # program, Debian package, what for
  command -v "$1" >/dev/null 2>&1 && return
  printf 'missing: %s (%s); the tests that need it are skipped\n' "$1" "$3"
  packages+=("$2")
}
need node nodejs "the example, and the real npm packages"
need npm npm "the example, and the real npm packages"
need chromium chromium "browser tests"
need gcc gcc "the race detector"
need flock util-linux "building the example once"
need sqlite3 sqlite3 "the commands in docs/operating.md"
need groff groff-base "formatting the manual page"
need zsh zsh "completion in zsh"
need fish fish "completion in fish"
need curl curl "the commands in the documentation"
if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then # Debian keeps it out of the path
  need postgres postgresql "tests on PostgreSQL, each with a server of its own"
fi
need redis-server redis-server "tests of rate limits in Redis"
if ! [[ -x /usr/sbin/pgbouncer ]]; then # likewise
  need pgbouncer pgbouncer "tests on PostgreSQL behind a pooler"
fi
if command -v node >/dev/null 2>&1 && ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
  printf 'too old: node %s; Next.js 16 needs 20 or newer; the tests that need it are skipped\n' "$(node --version)"
fi
((${#packages[@]})) || exit 0
line="apt-get install -y --no-install-recommends ${packages[*]}"
if [[ ${1:-} == install ]]; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive $line
else
  printf 'on Debian this installs them:\n\n  %s\n\n' "$line"
fi
