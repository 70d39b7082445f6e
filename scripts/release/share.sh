#!/usr/bin/env bash
# share.sh PROGRAM FOLDER: what goes into every archive beside the program. Completion and manual page are the program's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
program=$1 folder=$2
mkdir -p "$folder/completion" "$folder/man" "$folder/systemd"
cp LICENSE NOTICE README.md CHANGELOG.md docs/gatehouse.example.yaml docs/gatehouse.schema.json "$folder"
cp packaging/systemd/gatehouse.service "$folder/systemd"
"$program" completion bash >"$folder/completion/gatehouse.bash"
"$program" completion zsh >"$folder/completion/_gatehouse"
"$program" completion fish >"$folder/completion/gatehouse.fish"
"$program" help --man >"$folder/man/gatehouse.1"
