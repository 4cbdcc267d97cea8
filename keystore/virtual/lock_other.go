//go:build !unix

package virtual

// lockFile does nothing where there are no advisory locks; pcsc-lite clients do not exist there either.
func lockFile(string) (release func() error, err error) { return func() error { return nil }, nil }
