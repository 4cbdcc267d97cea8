//go:build linux

package keystore

import (
	"fmt"
	"testing"
)

// TestEveryPCSCCodeIsRecognised has the virtual key fail with each code and looks at what comes out of libpcsclite
// and piv-go.
func TestEveryPCSCCodeIsRecognised(t *testing.T) {
	b := newBench(t)
	reader := b.waitForCard().Reader
	b.store.Close() // nobody else is to meet the failures
	kinds := map[uint32]kind{
		scardNoService: kindService, scardServiceStopped: kindService,
		scardSharingViolation: kindShared,
		scardUnknownReader:    kindGone, scardNoSmartCard: kindGone, scardReaderUnavailable: kindGone,
		scardRemovedCard: kindGone, scardNoReaders: kindGone,
	}
	for text, code := range codeTexts {
		t.Run(fmt.Sprintf("%08x", code), func(t *testing.T) {
			if code == scardSharingViolation {
				t.Log("libpcsclite repeats a command that meets this code; connecting gives it, see the test of a held card")
				return
			}
			want := kindBroken
			if k, ok := kinds[code]; ok {
				want = k
			}
			b.key.FailTransmit(0xa4, code, 1)
			l := newLink(workerFor(b.key.Socket()))
			defer l.close()
			_, err := l.call(t.Context(), &request{Op: opInfo, Reader: reader}, ignore)
			f, ok := err.(*failure)
			if !ok || f.Code != code || f.Kind != want {
				t.Errorf("code %08x (%q) came out as %#v, want kind %q", code, text, err, want)
			}
		})
	}
}

func TestACodeThatPivGoHasNoWordsForIsRecognised(t *testing.T) {
	code, ok := codeOfText("connecting to smart card: unknown pcsc return code 0x80100099")
	if !ok || code != 0x80100099 {
		t.Errorf("got %08x, %t, want 80100099", code, ok)
	}
	if code, ok := codeOfText("smart card error 6982: security status not satisfied"); ok {
		t.Errorf("a status word was taken for code %08x", code)
	}
}
