package virtual

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTLVs(t *testing.T) {
	for name, row := range map[string]struct {
		in   string
		want tlvs
	}{
		"nothing":             {"", nil},
		"one element":         {"5c017e", tlvs{{0x5c, []byte{0x7e}}}},
		"an empty element":    {"8200", tlvs{{0x82, []byte{}}}},
		"a tag of two bytes":  {"7f4901aa", tlvs{{0x7f49, []byte{0xaa}}}},
		"two elements":        {"800111 aa0102", tlvs{{0x80, []byte{0x11}}, {0xaa, []byte{2}}}},
		"a length in 81":      {"538101ab", tlvs{{0x53, []byte{0xab}}}},
		"a length in 82":      {"53820001ab", tlvs{{0x53, []byte{0xab}}}},
		"a lone 1f is a tag":  {"1f00", tlvs{{0x1f, []byte{}}}},
		"zero is a tag":       {"0000", tlvs{{0x00, []byte{}}}},
		"an element inside":   {"7c028100", tlvs{{0x7c, []byte{0x81, 0}}}},
		"the same tag twice":  {"810101810102", tlvs{{0x81, []byte{1}}, {0x81, []byte{2}}}},
		"a high one-byte tag": {"fe00", tlvs{{0xfe, []byte{}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseTLVs(unhex(t, row.in))
			if err != nil {
				t.Fatalf("parseTLVs(%s): %v", row.in, err)
			}
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(tlv{})); diff != "" {
				t.Errorf("parseTLVs(%s) (-want +got):\n%s", row.in, diff)
			}
		})
	}
}

func TestParseTLVsRefusesHalfElements(t *testing.T) {
	for _, in := range []string{"5c", "7f", "7f49", "5c02aa", "5381", "538200", "5380", "53830000", "538101", "800111aa"} {
		if got, err := parseTLVs(unhex(t, in)); err == nil {
			t.Errorf("parseTLVs(%s) = %v, want an error", in, got)
		}
	}
}

func TestAppendTLVChoosesTheShortestLength(t *testing.T) {
	for length, header := range map[int]string{0: "5300", 127: "537f", 128: "538180", 255: "5381ff", 256: "53820100", 3052: "53820bec"} {
		got := appendTLV(nil, 0x53, make([]byte, length)...)
		if want := append(unhex(t, header), make([]byte, length)...); !bytes.Equal(got, want) {
			t.Errorf("appendTLV of %d bytes begins with %x, want %s", length, got[:min(4, len(got))], header)
		}
	}
}

func FuzzParseTLVs(f *testing.F) {
	f.Add([]byte{0x7f, 0x49, 1, 0xaa})
	f.Add([]byte{0x53, 0x82, 0, 1, 0xab, 0x5c, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		elements, err := parseTLVs(data)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range elements {
			again = appendTLV(again, e.tag, e.value...)
		}
		reparsed, err := parseTLVs(again)
		if err != nil {
			t.Fatalf("parseTLVs(%x), written again: %v", data, err)
		}
		if diff := cmp.Diff(elements, reparsed, cmp.AllowUnexported(tlv{})); diff != "" {
			t.Errorf("%x changes when written again (-first +second):\n%s", data, diff)
		}
	})
}
