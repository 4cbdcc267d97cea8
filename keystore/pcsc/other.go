//go:build !linux && !freebsd && !openbsd

// Package pcsc asks readers and cards the few questions that piv-go cannot ask. It knows pcsc-lite only; on this
// system its functions answer errors.ErrUnsupported and keystore does without.
package pcsc

import "errors"

// Readers is not supported here; piv-go lists the readers instead.
func Readers() ([]Reader, error) { return nil, errors.ErrUnsupported }

// Exchange is not supported here.
func Exchange(string, ...[]byte) ([][]byte, error) { return nil, errors.ErrUnsupported }
