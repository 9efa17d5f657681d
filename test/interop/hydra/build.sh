#!/usr/bin/env bash
# Builds Ory Hydra with SQLite from its Go module, which takes some minutes: build.sh <version> <program>
set -euo pipefail
version=$1
program=$(realpath -m "$2")
module=github.com/ory/hydra/v2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
sources=$(go mod download -json "$module@$version" | node -p 'JSON.parse(fs.readFileSync(0)).Dir')
cp -r "$sources/." .
chmod -R u+w .
go mod edit -dropreplace github.com/ory/hydra-client-go/v2 # by a folder that the module does not have
go build -mod=mod -tags sqlite,json1 -ldflags "-X $module/driver/config.Version=$version" -o "$program" .
"$program" version
