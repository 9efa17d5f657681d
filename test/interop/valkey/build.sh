#!/usr/bin/env bash
# Builds Valkey from its sources, which takes some minutes: build.sh <version> <program>
set -euo pipefail
version=$1
program=$(realpath -m "$2")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
git clone --quiet --depth 1 --branch "$version" https://github.com/valkey-io/valkey .
make -s -C src -j"$(nproc)" valkey-server >/dev/null
cp src/valkey-server "$program"
"$program" --version
