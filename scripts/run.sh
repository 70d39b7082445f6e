#!/usr/bin/env bash
# make run: Gatehouse in development mode and, where Node.js is installed, a Next.js example behind it.
# Ctrl-C ends both.
#
#   RUN_GATEHOUSE_PORT (8787), RUN_EXAMPLE_PORT (3000)   where to begin looking for a free port
#   RUN_EXAMPLE (nextjs)                                 nextjs, nextjs-app-router, or no: Gatehouse alone
#   RUN_DATA (.gatehouse)                                where the database and the secrets are kept, for either example
#
# Status: 0 when it was told to end while all was running, 128 + signal when told so earlier, else that of what failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=${RUN_DATA:-.gatehouse}
case ${RUN_EXAMPLE:-yes} in
  no | yes | nextjs) example_name=nextjs dialect=v4 ;;
  nextjs-app-router) example_name=nextjs-app-router dialect=v5 ;;
  *) echo "run: RUN_EXAMPLE is \"$RUN_EXAMPLE\"; there are nextjs, nextjs-app-router and no" >&2; exit 2 ;;
esac
name=Notebook # what either example calls itself
log=examples/$example_name/.next/start.log
groups=()   # process groups to end, each the number of its first process
starting=no # a child is being started and not in groups yet
told=       # the signal that came meanwhile
serving=no

# Every child leads a process group of its own. So Ctrl-C reaches this script alone, which ends the children in order, and
# what a child started itself ends with it.
start() {
  starting=yes
  set -m
  "$@" </dev/null &
  set +m
  child=$!
  groups+=("$child")
  starting=no
  [[ -z $told ]] || told_to_end "$told"
}

run() { # one step, to its end; unlike a child in the foreground it does not hold back a signal
  start "$@"
  wait "$child"
  unset 'groups[${#groups[@]}-1]'
}

alive() { kill -0 "$1" 2>/dev/null; }

end_children() {
  trap '' INT TERM HUP
  local i n group
  for ((i = ${#groups[@]} - 1; i >= 0; i--)); do # the last one first: the example before Gatehouse
    group=${groups[i]}
    kill -TERM -- "-$group" 2>/dev/null || continue
    for ((n = 0; n < 100; n++)); do
      kill -0 -- "-$group" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
  done
}

told_to_end() { # number of the signal
  if [[ $starting == yes ]]; then
    told=$1
    return
  fi
  trap '' INT TERM HUP
  [[ $serving == no ]] && exit $((128 + $1))
  printf '\nEnding…\n' || true
  exit 0
}

trap end_children EXIT
trap 'told_to_end 1' HUP
trap 'told_to_end 2' INT
trap 'told_to_end 15' TERM

taken() { # port: does anybody listen there, under either loopback address?
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || (exec 3<>"/dev/tcp/::1/$1") 2>/dev/null
}

free_port() { # wanted port: sets $port
  port=$1
  while taken "$port"; do
    ((++port < $1 + 100)) || { echo "run: the ports $1 to $((port - 1)) are all taken" >&2; exit 1; }
  done
  [[ $port == "$1" ]] || echo "Port $1 is taken by another program; using $port."
}

answers() { # port, path: is the answer 200?
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    read -r -t 5 status <&3
    [[ $status == "HTTP/1.1 200"* ]]
  ) 2>/dev/null
}

ready() { # child, its name, port, path
  local n
  for ((n = 0; n < 300; n++)); do
    alive "$1" || gone "$1" "$2"
    answers "$3" "$4" && return
    sleep 0.1
  done
  echo "run: $2 did not answer on port $3 within 30 seconds" >&2
  exit 1
}

gone() { # child, its name: ends the script with the child's status, which is never 0 here
  local status=0
  wait "$1" || status=$?
  [[ $2 == Gatehouse ]] || tail -n 20 "$log" >&2
  echo "run: $2 ended by itself (status $status)" >&2
  exit $((status == 0 ? 1 : status))
}

why_no_example() { # prints why the example cannot run, or nothing
  if [[ ${RUN_EXAMPLE:-yes} == no ]]; then
    echo "RUN_EXAMPLE=no"
  elif ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "Node.js 20.9 or newer with npm is not installed"
  elif ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)'; then
    echo "Node.js $(node --version) is too old: it takes 20.9 or newer"
  fi
}

echo "Building Gatehouse…"
run env CGO_ENABLED=0 go build -trimpath -o bin/gatehouse ./cmd/gatehouse

skipped=$(why_no_example)
free_port "${RUN_GATEHOUSE_PORT:-8787}"
gatehouse_port=$port
gatehouse_url=http://127.0.0.1:$gatehouse_port
if [[ -n $skipped ]]; then
  origin=http://localhost:$gatehouse_port
  name="Gatehouse dev"
else
  free_port "${RUN_EXAMPLE_PORT:-3000}"
  example_port=$port
  origin=http://localhost:$example_port
fi

# Gatehouse first: if it refuses to start, because another one has the same data open, then nothing is built over the
# example that one is serving.
start bin/gatehouse dev --origin "$origin" --listen "127.0.0.1:$gatehouse_port" --data "$data" --dialect "$dialect" --name "$name"
gatehouse=$child
ready "$gatehouse" Gatehouse "$gatehouse_port" /api/auth/csrf

if [[ -n $skipped ]]; then
  serving=yes
  printf '\nGatehouse  %s\n' "$origin/api/auth/signin"
  echo "The example was skipped: $skipped."
  echo "Ctrl-C ends it."
  while alive "$gatehouse"; do sleep 0.5; done
  gone "$gatehouse" Gatehouse
fi

echo
run scripts/build-example.sh "$gatehouse_url" "" "$example_name"

case $data in /*) secret=$data/authjs-secret ;; *) secret=$PWD/$data/authjs-secret ;; esac
start_example() {
  cd "examples/$example_name"
  export NEXT_TELEMETRY_DISABLED=1
  if [[ $dialect == v4 ]]; then
    export NEXTAUTH_URL=$origin NEXTAUTH_URL_INTERNAL=$gatehouse_url
    NEXTAUTH_SECRET=$(<"$secret")
    export NEXTAUTH_SECRET
  else
    export GATEHOUSE_URL=$gatehouse_url
  fi
  exec node ../../node_modules/next/dist/bin/next start --hostname 127.0.0.1 --port "$example_port"
}
start start_example >"$log" 2>&1
example=$child
ready "$example" "the example" "$example_port" /api/auth/csrf

serving=yes
printf '\nExample    %s\n' "$origin"
echo "Gatehouse  $gatehouse_url (behind the example: $origin/api/auth/signin)"
echo "The demo users stand above; their passwords too, the first time. What the example logs goes to $log."
echo "Ctrl-C ends both."
while alive "$gatehouse" && alive "$example"; do sleep 0.5; done
alive "$gatehouse" || gone "$gatehouse" Gatehouse
gone "$example" "the example"
