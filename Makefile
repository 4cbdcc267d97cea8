# Two commands are all a stranger needs: make demo, make test. Everything else is for those who work on Touchstone.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

GO ?= go
GO_WANTED := $(shell awk '$$1 == "go" { print $$2 }' go.mod)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# One set of flags for every build and test: each further set would compile Fyne's C code once more. gles makes that
# code ten times quicker to compile on Linux and draws the same picture.
ifeq ($(shell uname -s),Linux)
TAGS := gles,migrated_fynedo
else
TAGS := migrated_fynedo
endif
export GOFLAGS := -tags=$(TAGS) -trimpath
LDFLAGS := -X github.com/touchstone-app/touchstone/app.version=$(VERSION)

