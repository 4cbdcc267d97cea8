package virtual

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// CTAP2 canonical CBOR (CTAP 2.1, section 8): integers, byte and text strings, arrays, maps and booleans, each with one
// possible encoding. In Go they are int, []byte, string, []any, cborMap and bool.

// cborMap is a map whose keys are int or string.
type cborMap map[any]any

// CBOR major types (RFC 8949, 3.1), in the upper three bits of an item's first byte.
const (
	cborUnsigned = 0 << 5
	cborNegative = 1 << 5
	cborBytes    = 2 << 5
	cborText     = 3 << 5
	cborArray    = 4 << 5
	cborMapping  = 5 << 5
	cborSimple   = 7 << 5

	cborFalse = cborSimple | 20
	cborTrue  = cborSimple | 21
)

// maxCBORDepth is how deep CTAP2 messages may nest.
const maxCBORDepth = 4

// encodeCBOR encodes a value of our own making; another type is a mistake in this package.
func encodeCBOR(v any) []byte { return appendCBOR(nil, v) }

func appendCBOR(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(b, cborTrue)
		}
		return append(b, cborFalse)
	case int:
		if v < 0 {
			return appendCBORHead(b, cborNegative, uint64(-1-v))
		}
		return appendCBORHead(b, cborUnsigned, uint64(v))
	case []byte:
		return append(appendCBORHead(b, cborBytes, uint64(len(v))), v...)
	case string:
		return append(appendCBORHead(b, cborText, uint64(len(v))), v...)
	case []any:
		b = appendCBORHead(b, cborArray, uint64(len(v)))
		for _, item := range v {
			b = appendCBOR(b, item)
		}
		return b
	case cborMap:
		return appendCBORMap(b, v)
	default:
		panic(fmt.Sprintf("CBOR has no encoding for a %T here", v))
	}
}

// appendCBORMap writes the keys in the order of their encodings: integers before texts, short ones first.
func appendCBORMap(b []byte, m cborMap) []byte {
	type entry struct{ key, value []byte }
	entries := make([]entry, 0, len(m))
	for key, value := range m {
		entries = append(entries, entry{encodeCBOR(key), encodeCBOR(value)})
	}
	slices.SortFunc(entries, func(x, y entry) int { return bytes.Compare(x.key, y.key) })
	b = appendCBORHead(b, cborMapping, uint64(len(m)))
	for _, e := range entries {
		b = append(append(b, e.key...), e.value...)
	}
	return b
}

// appendCBORHead writes a major type with its argument, as short as possible.
func appendCBORHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), n)
	}
}

// errCBOR is what every refused encoding is.
var errCBOR = errors.New("not canonical CBOR")

func notCanonical(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errCBOR, fmt.Sprintf(format, args...))
}

// decodeCBOR decodes one item that must fill b, and refuses every encoding but the canonical one.
func decodeCBOR(b []byte) (any, error) {
	d := cborDecoder{rest: b}
	v, err := d.item(0)
	if err != nil {
		return nil, err
	}
	if len(d.rest) > 0 {
		return nil, notCanonical("%d bytes follow the item", len(d.rest))
	}
	return v, nil
}

// cborDecoder reads from the front of rest.
type cborDecoder struct{ rest []byte }

func (d *cborDecoder) item(depth int) (any, error) {
	major, n, err := d.head()
	if err != nil {
		return nil, err
	}
	if (major == cborArray || major == cborMapping) && depth >= maxCBORDepth {
		return nil, notCanonical("more than %d levels", maxCBORDepth)
	}
	switch major {
	case cborUnsigned:
		return int(n), nil
	case cborNegative:
		return -1 - int(n), nil
	case cborBytes:
		return d.take(n)
	case cborText:
		return d.text(n)
	case cborArray:
		return d.array(n, depth+1)
	case cborMapping:
		return d.mapping(n, depth+1)
	default: // head lets only the two booleans through
		return n == cborTrue&^cborSimple, nil
	}
}

// head reads a major type and its argument, which always fits an int.
func (d *cborDecoder) head() (major byte, n uint64, err error) {
	first, err := d.take(1)
	if err != nil {
		return 0, 0, err
	}
	major, short := first[0]&^0x1f, first[0]&0x1f
	if major > cborMapping {
		if first[0] != cborFalse && first[0] != cborTrue {
			return 0, 0, notCanonical("tag, simple value or float %#x", first[0])
		}
		return major, uint64(short), nil
	}
	if n, err = d.argument(short); err != nil {
		return 0, 0, err
	}
	if n > math.MaxInt {
		return 0, 0, notCanonical("the number %d is too large", n)
	}
	return major, n, nil
}

// argument reads the argument that short, the lower five bits of the first byte, stands for or announces.
func (d *cborDecoder) argument(short byte) (uint64, error) {
	if short < 24 {
		return uint64(short), nil
	}
	if short > 27 {
		return 0, notCanonical("indefinite or reserved length %d", short)
	}
	var whole [8]byte
	size := 1 << (short - 24)
	b, err := d.take(uint64(size))
	if err != nil {
		return 0, err
	}
	copy(whole[8-size:], b)
	n := binary.BigEndian.Uint64(whole[:])
	if n < 24 || size > 1 && n < 1<<(4*size) {
		return 0, notCanonical("%d takes more bytes than it needs", n)
	}
	return n, nil
}

func (d *cborDecoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.rest)) {
		return nil, notCanonical("it ends too early")
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b, nil
}

func (d *cborDecoder) text(n uint64) (string, error) {
	b, err := d.take(n)
	if err == nil && !utf8.Valid(b) {
		err = notCanonical("a text that is not UTF-8")
	}
	return string(b), err
}

func (d *cborDecoder) array(n uint64, depth int) ([]any, error) {
	items := []any{} // grows with what is there, not with what n promises
	for range n {
		item, err := d.item(depth)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (d *cborDecoder) mapping(n uint64, depth int) (cborMap, error) {
	m := cborMap{}
	var last []byte
	for i := range n {
		before := d.rest
		key, err := d.key(depth)
		if err != nil {
			return nil, err
		}
		encoded := before[:len(before)-len(d.rest)]
		if i > 0 && bytes.Compare(last, encoded) >= 0 {
			return nil, notCanonical("keys that repeat or are not in order")
		}
		last = encoded
		if m[key], err = d.item(depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (d *cborDecoder) key(depth int) (any, error) {
	key, err := d.item(depth)
	switch key.(type) {
	case int, string:
		return key, err
	default:
		return nil, cmp.Or(err, notCanonical("a key that is neither a number nor a text"))
	}
}
