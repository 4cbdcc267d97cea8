//go:build linux

package keystore

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-piv/piv-go/v2/piv"
)

// aloneRounds is how many signatures piv-go makes alone, to compare with.
const aloneRounds = 200

// signAlone is another program: it signs with 9a on one connection, with piv-go and nothing else, and prints what a
// signature took in nanoseconds.
func signAlone(yk *piv.YubiKey) error {
	info, err := yk.KeyInfo(piv.SlotAuthentication)
	if err != nil {
		return err
	}
	private, err := yk.PrivateKey(piv.SlotAuthentication, info.PublicKey, piv.KeyAuth{PINPolicy: piv.PINPolicyNever})
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte("something to sign"))
	begun := time.Now()
	for range aloneRounds {
		if _, err := private.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
			return err
		}
	}
	_, err = fmt.Fprint(os.Stdout, time.Since(begun).Nanoseconds()/aloneRounds)
	return err
}

// alone is what a signature costs a program that does nothing else with the card.
func (b *bench) alone() time.Duration {
	b.Helper()
	output := b.another("signs with 9a and tells how long it takes")
	took, err := strconv.ParseInt(strings.TrimSpace(output), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(took)
}

// BenchmarkSignature measures what a signature through the store costs over piv-go alone, on the same virtual key: the
// queue, the way to the worker and back, and checking the signature. The card's own time is in both.
func BenchmarkSignature(b *testing.B) {
	bench := newBench(b)
	key := bench.prepare(Requirement{})
	alone := bench.alone()
	if err := bench.sign(b.Context(), key); err != nil { // opens the card
		b.Fatal(err)
	}
	for b.Loop() {
		if err := bench.sign(b.Context(), key); err != nil {
			b.Fatal(err)
		}
	}
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(alone.Microseconds()), "µs-piv-go-alone/op")
	b.ReportMetric(float64((each - alone).Microseconds()), "µs-over-piv-go/op")
}

// BenchmarkFirstSignature measures a signature with a card that was let go: opening it, the applet and the look at the
// slot are in it.
func BenchmarkFirstSignature(b *testing.B) {
	bench := newBench(b)
	key := bench.prepare(Requirement{})
	for b.Loop() {
		if err := bench.sign(b.Context(), key); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		bench.letGo()
		b.StartTimer()
	}
}
