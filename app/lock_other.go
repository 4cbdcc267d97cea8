//go:build !unix

package app

// lockFile does nothing: OpenSSH elsewhere does not look for its agent in a file.
func lockFile(string) (unlock func(), err error) { return func() {}, nil }
