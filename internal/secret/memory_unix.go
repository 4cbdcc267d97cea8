//go:build unix

package secret

import "syscall"

// allocate returns zeroed memory outside Go's heap, so that the garbage collector never copies it, and asks the
// system to keep it out of swap. Where the lock limit is used up the memory is still our own, only swappable.
func allocate(n int) []byte {
	if n == 0 {
		return nil
	}
	region, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	_ = syscall.Mlock(region) // best effort: RLIMIT_MEMLOCK may forbid it
	return region
}

func release(region []byte) {
	if len(region) > 0 {
		_ = syscall.Munmap(region) // EINVAL for a region that allocate took from the heap: nothing to give back
	}
}
