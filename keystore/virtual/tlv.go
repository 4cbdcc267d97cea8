package virtual

import "errors"

// tlv is one element of BER-TLV data as PIV uses it: tags of one byte, and 7F49; lengths up to two bytes
// (SP 800-73-4 part 2, 3; virtual-key sheet, 2.1).
type tlv struct {
	tag   uint16
	value []byte
}

// tlvs is a sequence of elements.
type tlvs []tlv

// errTLV is the answer to anything that is not a sequence of whole elements.
var errTLV = errors.New("malformed TLV")

// parseTLVs splits data into elements. The values share memory with data.
func parseTLVs(data []byte) (tlvs, error) {
	var all tlvs
	for len(data) > 0 {
		tag, rest, ok := cutTag(data)
		if !ok {
			return nil, errTLV
		}
		value, rest, ok := cutValue(rest)
		if !ok {
			return nil, errTLV
		}
		all, data = append(all, tlv{tag, value}), rest
	}
	return all, nil
}

func cutTag(data []byte) (tag uint16, rest []byte, ok bool) {
	tag, rest = uint16(data[0]), data[1:]
	if tag != 0x7f { // the only first byte PIV continues
		return tag, rest, true
	}
	if len(rest) == 0 {
		return 0, nil, false
	}
	return tag<<8 | uint16(rest[0]), rest[1:], true
}

func cutValue(data []byte) (value, rest []byte, ok bool) {
	if len(data) == 0 {
		return nil, nil, false
	}
	length, data := int(data[0]), data[1:]
	switch {
	case length < 0x80:
	case length == 0x81 && len(data) >= 1:
		length, data = int(data[0]), data[1:]
	case length == 0x82 && len(data) >= 2:
		length, data = int(data[0])<<8|int(data[1]), data[2:]
	default:
		return nil, nil, false
	}
	if length > len(data) {
		return nil, nil, false
	}
	return data[:length], data[length:], true
}

// find returns the value of the first element with this tag.
func (t tlvs) find(tag uint16) (value []byte, ok bool) {
	for _, e := range t {
		if e.tag == tag {
			return e.value, true
		}
	}
	return nil, false
}

// appendTLV appends one element to b.
func appendTLV(b []byte, tag uint16, value ...byte) []byte {
	if tag > 0xff {
		b = append(b, byte(tag>>8))
	}
	b = append(b, byte(tag))
	switch n := len(value); {
	case n < 0x80:
		b = append(b, byte(n))
	case n <= 0xff:
		b = append(b, 0x81, byte(n))
	default:
		b = append(b, 0x82, byte(n>>8), byte(n))
	}
	return append(b, value...)
}
