# Two commands are all a stranger needs: make demo, make test. Everything else is for those who work on Touchstone.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

GO ?= go
GO_WANTED := $(shell awk '$$1 == "go" { print $$2 }' go.mod)
VERSION := $(shell scripts/version)

# One set of flags for every build and test: each further set would compile Fyne's C code once more. gles makes that
# code ten times quicker to compile on Linux and draws the same picture.
ifeq ($(shell uname -s),Linux)
TAGS := gles,migrated_fynedo
else
TAGS := migrated_fynedo
endif
export GOFLAGS := -tags=$(TAGS) -trimpath
LDFLAGS := -X github.com/touchstone-app/touchstone/app.version=$(VERSION)


.PHONY: build demo test check e2e bench fuzz generate kubernetes package package-macos package-windows setup go-version clean

build: go-version setup ## build/touchstone
	$(GO) build -ldflags '$(LDFLAGS)' -o build/touchstone .

demo: build ## the app with a demo cluster and a virtual key; without a display: the end-to-end run
	@scripts/demo

test: go-version setup kubernetes ## everything that must pass
	@scripts/test

check: test ## what a reviewer runs: the tests and staticcheck
	$(GO) run honnef.co/go/tools/cmd/staticcheck@latest ./...

e2e: build ## only the end-to-end run
	@scripts/e2e

bench: go-version setup ## the numbers
	$(GO) test -run '^$$' -bench . -benchmem ./keystore/... ./session/... ./ui/term/... ./internal/...

fuzz: go-version ## each fuzz target for half a minute, or for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

generate: go-version ## the Go code of internal/wire/proto again
	$(GO) generate ./internal/wire

kubernetes: go-version ## kube-apiserver, kubectl and etcd for the demo and the tests, built once
	@scripts/kubernetes

package: go-version setup ## a .deb and a .tar.xz for Linux under build/
	@scripts/package

package-macos: go-version ## Touchstone.app under build/; only on a Mac, and not tried yet on any
	@scripts/package-macos

package-windows: go-version ## build/touchstone.exe, cross-compiled on Debian
	@scripts/package-windows

setup: ## the C libraries and tools that are missing
	@scripts/setup

go-version:
	@scripts/go-version $(GO_WANTED)

clean:
	rm -rf build
