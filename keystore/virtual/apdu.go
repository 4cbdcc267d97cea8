package virtual

import (
	"encoding/binary"
	"slices"
)

// sw is a status word, the last two bytes of every answer (ISO 7816-4, 5.6; SP 800-73-4 part 2, table 6).
type sw uint16

const (
	swOK                sw = 0x9000
	swMoreData          sw = 0x6100 // low byte: how much, 00 for 256 and more
	swTriesLeft         sw = 0x63c0 // low four bits: attempts left
	swMemoryFailure     sw = 0x6581
	swWrongLength       sw = 0x6700
	swSecurityStatus    sw = 0x6982 // PIN, management key or touch is missing
	swBlocked           sw = 0x6983
	swConditions        sw = 0x6985
	swWrongData         sw = 0x6a80
	swNotFound          sw = 0x6a82
	swNoSpace           sw = 0x6a84
	swWrongParameters   sw = 0x6a86
	swReferenceNotFound sw = 0x6a88
	swUnknownINS        sw = 0x6d00
	swUnknownCLA        sw = 0x6e00
	swInternal          sw = 0x6f00
)

const (
	classChained    = 0x10 // CLA bit of every part but the last
	insGetResponse  = 0xc0
	maxCommandData  = 3072 + 16 // the largest object with its tags
	maxShortLe      = 256
	maxExtendedLe   = 65536
	shortHeader     = 4
	extendedTrailer = 2
)

// command is one command APDU.
type command struct {
	cla, ins, p1, p2 byte
	data             []byte
	le               int // how many bytes the answer may have
}

// parseCommand reads a short or extended APDU (ISO 7816-4, 5.1). A missing Le means "as much as fits", because ykman
// leaves it out of its extended APDUs (virtual-key sheet, 2.1).
func parseCommand(raw []byte) (command, sw) {
	if len(raw) < shortHeader {
		return command{}, swWrongLength
	}
	c := command{cla: raw[0], ins: raw[1], p1: raw[2], p2: raw[3], le: maxShortLe}
	body := raw[shortHeader:]
	if len(body) >= 3 && body[0] == 0 {
		return c.parseExtended(body[1:])
	}
	return c.parseShort(body)
}

func (c command) parseShort(body []byte) (command, sw) {
	if len(body) == 0 {
		return c, swOK
	}
	if len(body) > 1 {
		length := int(body[0])
		if length == 0 || length > len(body)-1 {
			return c, swWrongLength
		}
		c.data, body = body[1:1+length], body[1+length:]
	}
	switch {
	case len(body) > 1:
		return c, swWrongLength
	case len(body) == 1 && body[0] != 0:
		c.le = int(body[0])
	}
	return c, swOK
}

func (c command) parseExtended(body []byte) (command, sw) {
	c.le = maxExtendedLe
	if len(body) > extendedTrailer {
		length := int(binary.BigEndian.Uint16(body))
		if length > len(body)-2 {
			return c, swWrongLength
		}
		c.data, body = body[2:2+length], body[2+length:]
	}
	switch {
	case len(body) != 0 && len(body) != extendedTrailer:
		return c, swWrongLength
	case len(body) == extendedTrailer && binary.BigEndian.Uint16(body) != 0:
		c.le = int(binary.BigEndian.Uint16(body))
	}
	return c, swOK
}

// sameCommand reports whether next continues a chain that c began.
func (c command) sameCommand(next command) bool {
	return c.ins == next.ins && c.p1 == next.p1 && c.p2 == next.p2
}

// reply is the card's answer to one command.
type reply struct {
	data []byte
	sw   sw
	// afterTouch, when set, makes the card wait for a touch and then gives the real answer. Until then nothing else
	// in the reply counts.
	afterTouch func() reply
}

// just is an answer without data.
func just(word sw) reply { return reply{sw: word} }

func success(data []byte) reply { return reply{data: data, sw: swOK} }

// framing joins command chains and splits long answers. It belongs to one power cycle of the card.
type framing struct {
	chain   command // the parts of a chain so far
	chained bool
	rest    []byte // of an answer, waiting for GET RESPONSE
}

// collect takes the next command. With complete set, full is a whole command to be carried out; otherwise answer is
// the answer to this part.
func (f *framing) collect(part command) (full command, answer reply, complete bool) {
	if f.chained && !f.chain.sameCommand(part) {
		f.chain, f.chained = command{}, false // another command drops the collection
	}
	data := slices.Concat(f.chain.data, part.data)
	if len(data) > maxCommandData {
		f.chain, f.chained = command{}, false
		return command{}, just(swNoSpace), false
	}
	part.data = data
	f.chained = part.cla&classChained != 0
	if f.chained {
		f.chain = part
		return command{}, success(nil), false
	}
	f.chain = command{}
	return part, reply{}, true
}

// send cuts an answer to what the client takes and keeps the rest for GET RESPONSE.
func (f *framing) send(answer reply, le int) []byte {
	f.rest = nil
	if answer.sw != swOK {
		return binary.BigEndian.AppendUint16(nil, uint16(answer.sw))
	}
	f.rest = answer.data
	return f.more(le)
}

// more answers GET RESPONSE.
func (f *framing) more(le int) []byte {
	n := min(le, len(f.rest))
	out := slices.Clone(f.rest[:n])
	f.rest = f.rest[n:]
	word := swOK
	switch left := len(f.rest); {
	case left > 0xff:
		word = swMoreData
	case left > 0:
		word = swMoreData | sw(left)
	}
	return binary.BigEndian.AppendUint16(out, uint16(word))
}
