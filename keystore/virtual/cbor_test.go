package virtual

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Encodings from RFC 8949, appendix A, as far as CTAP2 uses them.
func TestCBORIsWrittenAndReadAsTheRFCSays(t *testing.T) {
	for encoded, value := range map[string]any{
		"00":                         0,
		"17":                         23,
		"1818":                       24,
		"1903e8":                     1000,
		"1a000f4240":                 1000000,
		"1b000000e8d4a51000":         1000000000000,
		"20":                         -1,
		"3863":                       -100,
		"3903e7":                     -1000,
		"f4":                         false,
		"f5":                         true,
		"4401020304":                 []byte{1, 2, 3, 4},
		"62c3bc":                     "\u00fc",
		"80":                         []any{},
		"8301820203820405":           []any{1, []any{2, 3}, []any{4, 5}},
		"a0":                         cborMap{},
		"a26161016162820203":         cborMap{"a": 1, "b": []any{2, 3}},
		"a501020326200121412a225801": nil, // cut off
		"a401022001620061620162":     nil, // a text where a key is missing its value
	} {
		got, err := decodeCBOR(unhex(t, encoded))
		if value == nil {
			if !errors.Is(err, errCBOR) {
				t.Errorf("%s decodes to %v, %v, want a refusal", encoded, got, err)
			}
			continue
		}
		if diff := cmp.Diff(value, got); diff != "" || err != nil {
			t.Errorf("%s decodes with %v (-want +got):\n%s", encoded, err, diff)
		}
		if again := encodeCBOR(value); !bytes.Equal(again, unhex(t, encoded)) {
			t.Errorf("%v encodes to %x, want %s", value, again, encoded)
		}
	}
}

func TestCBORMapsAreWrittenInCanonicalOrder(t *testing.T) {
	got := encodeCBOR(cborMap{"name": 1, "id": 2, -1: 3, 10: 4, 3: 5, 24: 6, -3: 7})
	if want := unhex(t, "a7 0305 0a04 181806 2003 2207 62696402 646e616d6501"); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestCBORRefusesWhatIsNotCanonical(t *testing.T) {
	for name, encoded := range map[string]string{
		"nothing":                       "",
		"a short number in two bytes":   "1801",
		"a byte in three bytes":         "190018",
		"a number in nine bytes":        "1b00000000ffffffff",
		"a number above the largest":    "1bffffffffffffffff",
		"a string without its bytes":    "42aa",
		"an endless string":             "5f42aabbff",
		"an endless array":              "9f01ff",
		"an array that promises much":   "9b7fffffffffffffff",
		"a map that promises much":      "bb7fffffffffffffff",
		"keys out of order":             "a202000100",
		"a key twice":                   "a201000100",
		"a text key before a number":    "a261610001 00",
		"a boolean as key":              "a1f500",
		"bytes as key":                  "a1410000",
		"an array as key":               "a18000",
		"null":                          "f6",
		"a float":                       "f93c00",
		"a tag":                         "c100",
		"a tag without what it marks":   "cb",
		"a text that is not UTF-8":      "61ff",
		"something behind the end":      "0000",
		"five levels":                   "8181818180",
		"five levels of maps":           "a100a100a100a100a0",
		"a map that ends after its key": "a101",
	} {
		if got, err := decodeCBOR(unhex(t, encoded)); !errors.Is(err, errCBOR) {
			t.Errorf("%s decodes to %v, %v, want %v", name, got, err, errCBOR)
		}
	}
	if _, err := decodeCBOR(unhex(t, "81818180")); err != nil {
		t.Errorf("four levels: %v", err)
	}
}

func FuzzCBOR(f *testing.F) {
	for _, seed := range []string{"a26161016162820203", "3903e7", "8301820203820405", "1b000000e8d4a51000", "a202000100"} {
		f.Add(unhex(f, seed))
	}
	f.Add([]byte("\x78\x18" + strings.Repeat("x", 24)))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		v, err := decodeCBOR(encoded)
		if err != nil {
			if !errors.Is(err, errCBOR) {
				t.Fatalf("a refusal of another kind: %v", err)
			}
			return
		}
		again := encodeCBOR(v)
		if !bytes.Equal(encoded, again) {
			t.Fatalf("%x decodes and encodes to %x: an item has two encodings", encoded, again)
		}
		if second, err := decodeCBOR(again); err != nil || !reflect.DeepEqual(v, second) {
			t.Fatalf("%x decodes to %v, then %v, %v", encoded, v, second, err)
		}
	})
}
