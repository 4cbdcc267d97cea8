//go:build !unix

package agent

import "io/fs"

// checkOwner does nothing: the system's folder for temporary files is the account's own.
func checkOwner(string, fs.FileInfo) error { return nil }

// lockFolder does nothing: of two that start in the same moment, the later one is found.
func lockFolder(string) (unlock func(), err error) { return func() {}, nil }
