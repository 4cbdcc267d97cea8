//go:build linux

package pcsc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// card is the only card that this process can reach: libpcsclite reads the socket's name once, before any test.
var card *virtual.Key

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if card, err = virtual.Start(virtual.Config{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer card.Close()
	if err := os.Setenv("PCSCLITE_CSOCK_NAME", card.Socket()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// reader is the virtual key's reader; the test stops if its card is any other.
func reader(t *testing.T) Reader {
	t.Helper()
	readers, err := Readers()
	if err != nil || len(readers) != 1 || !readers[0].Present {
		t.Fatalf("Readers() = %+v, %v, want one with a card in it", readers, err)
	}
	answers, err := Exchange(readers[0].Name, selectPIV, getSerial)
	if err != nil {
		t.Fatal(err)
	}
	serial := answers[1][:4]
	if got, want := binary.BigEndian.Uint32(serial), card.Status().Serial; got != want {
		t.Fatalf("the reader holds card %d, which is not the virtual key %d", got, want)
	}
	return readers[0]
}

var (
	selectPIV = []byte{0x00, 0xa4, 0x04, 0x00, 0x05, 0xa0, 0x00, 0x00, 0x03, 0x08}
	getSerial = []byte{0x00, 0xf8, 0x00, 0x00, 0x00}
)

func TestExchangeReturnsOneAnswerWithStatusWordEach(t *testing.T) {
	unknown := []byte{0x00, 0x01, 0x00, 0x00, 0x00}
	answers, err := Exchange(reader(t).Name, selectPIV, unknown)
	if err != nil || len(answers) != 2 {
		t.Fatalf("Exchange = %x, %v, want two answers", answers, err)
	}
	if !bytes.HasSuffix(answers[0], []byte{0x90, 0x00}) || !bytes.Equal(answers[1], []byte{0x6d, 0x00}) {
		t.Errorf("the answers are %x, want 9000 and 6d00", answers)
	}
}

func TestEventsTellACardThatWasPulledAndPutBack(t *testing.T) {
	before := reader(t)
	card.Unplug()
	if readers, err := Readers(); err != nil || len(readers) != 0 {
		t.Errorf("with no card plugged in Readers() = %+v, %v", readers, err)
	}
	_, err := Exchange(before.Name, selectPIV)
	if want := Error(0x80100009); !errors.Is(err, want) {
		t.Errorf("a card that is gone gives %v, want %v", err, want)
	}
	card.Plug()
	if after := reader(t); after.Name != before.Name || after.Events == before.Events {
		t.Errorf("the reader was %+v and is %+v, want the same name and other events", before, after)
	}
}

func TestFailuresCarryTheCode(t *testing.T) {
	name := reader(t).Name
	card.FailTransmit(0xa4, 0x80100016, 1)
	_, err := Exchange(name, selectPIV)
	if want := Error(0x80100016); !errors.Is(err, want) || !strings.Contains(err.Error(), "80100016") {
		t.Errorf("got %v, want %v", err, want)
	}
	testkit.Eventually(t, "the card to be free again", func() bool {
		_, err := Exchange(name, selectPIV)
		return err == nil
	})
}
