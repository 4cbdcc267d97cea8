package vt

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// streams are kinds of output, a megabyte of each.
func streams() map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	fill := func(piece func(i int) string) []byte {
		var b strings.Builder
		for i := 0; b.Len() < 1<<20; i++ {
			b.WriteString(piece(i))
		}
		return []byte(b.String())
	}
	return map[string][]byte{
		"plain": fill(func(i int) string { return fmt.Sprintf("%d %s\r\n", i, strings.Repeat("x", rng.IntN(120))) }),
		"colour": fill(func(i int) string {
			return fmt.Sprintf("\x1b[38;2;%d;%d;%dmword\x1b[0m %d\r\n", rng.IntN(256), rng.IntN(256), rng.IntN(256), i)
		}),
		"dense": fill(func(int) string {
			return fmt.Sprintf("\x1b[%d;%dH\x1b[%dm%c", 1+rng.IntN(50), 1+rng.IntN(200), 30+rng.IntN(8), '!'+rng.IntN(90))
		}),
		"unicode": fill(func(int) string { return "größe 漢字 → ✓ é😀\r\n" }),
		"region":  fill(func(i int) string { return fmt.Sprintf("\x1b[5;40r\x1b[40;1H\nline %d", i) }),
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, data := range streams() {
		b.Run(name, func(b *testing.B) {
			e := New(200, 50, DefaultHistory)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = e.Write(data)
			}
		})
	}
}
