package virtual

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCommandReadsShortAndExtended(t *testing.T) {
	for name, row := range map[string]struct {
		apdu string
		want command
	}{
		"header only":             {"00fd0000", command{ins: 0xfd, le: 256}},
		"short Le":                {"00fd000003", command{ins: 0xfd, le: 3}},
		"short Le of zero":        {"00fd000000", command{ins: 0xfd, le: 256}},
		"short data":              {"00cb3fff 03 5c017e", command{ins: 0xcb, p1: 0x3f, p2: 0xff, data: []byte{0x5c, 1, 0x7e}, le: 256}},
		"short data and Le":       {"00cb3fff 03 5c017e 10", command{ins: 0xcb, p1: 0x3f, p2: 0xff, data: []byte{0x5c, 1, 0x7e}, le: 16}},
		"extended Le":             {"00fd0000 000100", command{ins: 0xfd, le: 256}},
		"extended Le of zero":     {"00fd0000 000000", command{ins: 0xfd, le: 65536}},
		"extended data, no Le":    {"00cb3fff 000003 5c017e", command{ins: 0xcb, p1: 0x3f, p2: 0xff, data: []byte{0x5c, 1, 0x7e}, le: 65536}},
		"extended data and Le":    {"00cb3fff 000003 5c017e 0200", command{ins: 0xcb, p1: 0x3f, p2: 0xff, data: []byte{0x5c, 1, 0x7e}, le: 512}},
		"the chaining class":      {"10db3fff 01 5c", command{cla: 0x10, ins: 0xdb, p1: 0x3f, p2: 0xff, data: []byte{0x5c}, le: 256}},
		"extended data, Le of 00": {"00cb3fff 000001 5c 0000", command{ins: 0xcb, p1: 0x3f, p2: 0xff, data: []byte{0x5c}, le: 65536}},
	} {
		t.Run(name, func(t *testing.T) {
			got, word := parseCommand(unhex(t, row.apdu))
			if word != swOK {
				t.Fatalf("parseCommand(%s) refuses with %04x", row.apdu, word)
			}
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(command{})); diff != "" {
				t.Errorf("parseCommand(%s) (-want +got):\n%s", row.apdu, diff)
			}
		})
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, seed := range []string{"", "00fd0000", "00fd000000", "00cb3fff035c017e10", "00cb3fff0000035c017e0200"} {
		raw, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		cmd, word := parseCommand(raw)
		if word != swOK {
			return
		}
		if !bytes.Contains(raw, cmd.data) || cmd.le < 1 || cmd.le > maxExtendedLe {
			t.Errorf("parseCommand(%x) = %+v, whose data or length is made up", raw, cmd)
		}
	})
}

func TestChainedPartsMakeOneCommand(t *testing.T) {
	b := newBench(t)
	b.want("10200080 03 313233", "9000")
	b.want("00200080 05 343536ffff", "9000")
	b.want(askPIN, "9000")
}

func TestAnotherCommandDropsAChain(t *testing.T) {
	b := newBench(t)
	b.want("10200080 03 313233", "9000")
	b.want("00fd0000", "050403 9000")
	b.want("00200080 05 343536ffff", "6a80")
	b.want("10200080 03 313233", "9000")
	b.want("10cb3fff 01 5c", "9000")
	b.want("00cb3fff 02 017e", "7e124f0ba0000003080000100001005f2f024000 9000")
}

func TestAChainHasALimit(t *testing.T) {
	b := newBench(t)
	part := "10db3fff ff" + strings.Repeat("00", 255)
	for range maxCommandData / 255 {
		b.want(part, "9000")
	}
	b.want(part, "6a84")
	b.want("00200080", "63c3") // and the collection is gone
}

func TestLongAnswersAreFetchedInParts(t *testing.T) {
	b := newBench(t)
	content := strings.Repeat("ab", 600)
	b.manage()
	b.want("00db3fff 000265 5c035fc10a 5382025c"+content+strings.Repeat("ab", 4), "9000")
	full := "5382025c" + strings.Repeat("ab", 604)
	b.want("00cb3fff 05 5c035fc10a", full[:512]+"6100")
	b.want("00c0000000", full[512:1024]+"6160")
	b.want("00c0000010", full[1024:1056]+"6150")
	b.want("00c0000000", full[1056:]+"9000")
	b.want("00c0000000", "9000")
	b.want("00cb3fff 000005 5c035fc10a", full+"9000")
}

func TestAnyOtherCommandDropsTheRestOfAnAnswer(t *testing.T) {
	b := newBench(t)
	b.wantWord("00cb3fff 05 5c035fff01 10", "6100")
	b.want("00fd0000", "050403 9000")
	b.want("00c0000000", "9000")
}

// FuzzCard sends arbitrary commands to a card whose secrets are known to nobody: it must always answer, and never
// authenticate anyone.
func FuzzCard(f *testing.F) {
	for _, seed := range []string{"00a4040005a000000308", "00cb3fff055c035fff01", "0087039b047c028100", "00f79b00", "00f90000"} {
		raw, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := newBench(t)
		b.card.memory.PIN.Value = []byte("?\x00?\x00?\x00?\x00")
		b.card.memory.Management.Value = bytes.Repeat([]byte{0xa7, 0x5c, 0x3b}, 8)
		for _, raw := range [][]byte{first, second} {
			if answer, err := b.card.transmit(raw); err != nil || len(answer) < 2 {
				t.Fatalf("%x answers %x, %v", raw, answer, err)
			}
		}
		if b.card.session.pinVerified || b.card.session.managed {
			t.Fatalf("%x and %x authenticated somebody", first, second)
		}
	})
}
