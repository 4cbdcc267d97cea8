#!/bin/sh
# Makes the Go code of proto/*.proto again. Needs protoc and its well-known types (Debian: protobuf-compiler,
# libprotobuf-dev); the two plugins are pinned as tools in go.mod.
set -eu
cd "$(dirname "$0")/../.."
plugins=$(mktemp -d)
trap 'rm -rf "$plugins"' EXIT
go build -o "$plugins/" google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
module=$(go list -m)
PATH="$plugins:$PATH" protoc \
	--go_out=. --go_opt=module="$module" \
	--go-grpc_out=. --go-grpc_opt=module="$module" \
	internal/wire/proto/*.proto
