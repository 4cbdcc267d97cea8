package vt

import "unicode/utf8"

// The states of the parser, after ECMA-48 and the VT500 state diagram, with UTF-8 in the ground state and without 8-bit
// controls: a byte from 80 to 9F is a part of UTF-8 or garbage, never a control that could end a string early.
type state uint8

const (
	ground state = iota
	escape
	escapeIntermediate
	csiParameters
	csiIgnored
	oscString
	oscEscape
	otherString // DCS, SOS, PM, APC and ESC k: read to their end and dropped
	otherEscape
)

const (
	bel = 0x07
	can = 0x18
	sub = 0x1a
	esc = 0x1b
	del = 0x7f
)

type parser struct {
	state        state
	csi          csi
	intermediate byte // of an ESC sequence
	osc          []byte
	oscTooLong   bool
	runeBuf      [utf8.UTFMax]byte // a character whose end has not arrived
	runeLen      int
}

// maxOSC bounds the strings that are kept; longer ones are dropped whole, never cut.
const maxOSC = 4096

// Write interprets p. It takes all of it and never fails; the state between two calls may lie anywhere in a sequence.
func (e *Emulator) Write(p []byte) (int, error) {
	e.gen++
	for i := 0; i < len(p); {
		if e.parser.state == ground && e.parser.runeLen == 0 {
			if n := e.writeFast(p[i:]); n > 0 {
				i += n
				continue
			}
		}
		e.step(p[i])
		i++
	}
	return len(p), nil
}

// writeFast handles what can be seen whole at the beginning of p and returns how many bytes that was: a run of ASCII,
// a valid character, a simple control sequence. It must do exactly what step would, byte by byte.
func (e *Emulator) writeFast(p []byte) int {
	n := 0
	for n < len(p) && p[n] >= ' ' && p[n] < del {
		n++
	}
	if n > 0 {
		e.printASCII(p[:n])
		return n
	}
	if p[0] >= utf8.RuneSelf {
		if r, size := utf8.DecodeRune(p); size > 1 {
			e.printUnicode(r)
			return size
		}
		return 0
	}
	if p[0] == esc && len(p) > 2 && p[1] == '[' {
		return e.writeCSI(p)
	}
	return 0
}

// writeCSI handles a control sequence of digits and separators that is complete in p, or nothing.
func (e *Emulator) writeCSI(p []byte) int {
	c := &e.parser.csi
	c.reset()
	i := 2
	if p[i] == '?' {
		c.prefix = '?'
		i++
	}
	for ; i < len(p); i++ {
		b := p[i]
		switch {
		case b >= '0' && b <= ';':
			c.push(b)
		case b >= '@' && b < del:
			e.dispatchCSI(b)
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// step takes one byte through the state machine.
func (e *Emulator) step(b byte) {
	p := &e.parser
	if p.state == ground {
		e.stepGround(b)
		return
	}
	if p.state >= oscString {
		e.stepString(b)
		return
	}
	switch {
	case b == esc:
		p.state, p.intermediate = escape, 0
	case b == can || b == sub:
		p.state = ground
	case b < ' ':
		e.control(b)
	case b == del:
	case b >= utf8.RuneSelf:
		// Not part of any sequence: drop the sequence, show the character.
		p.state = ground
		e.stepGround(b)
	default:
		e.stepSequence(b)
	}
}

// stepSequence takes a printable byte inside an escape or control sequence.
func (e *Emulator) stepSequence(b byte) {
	p := &e.parser
	switch p.state {
	case escape, escapeIntermediate:
		e.stepEscape(b)
	case csiParameters:
		switch {
		case b >= '@':
			p.state = ground
			e.dispatchCSI(b)
		case !p.csi.take(b):
			p.state = csiIgnored
		}
	case csiIgnored:
		if b >= '@' {
			p.state = ground
		}
	}
}

func (e *Emulator) stepEscape(b byte) {
	p := &e.parser
	if b < '0' {
		if p.state == escapeIntermediate {
			b = '!' // two of them name nothing that we know; '!' with any final byte is unused
		}
		p.state, p.intermediate = escapeIntermediate, b
		return
	}
	if p.state == escape {
		switch b {
		case '[':
			p.state = csiParameters
			p.csi.reset()
			return
		case ']':
			p.state = oscString
			p.osc, p.oscTooLong = p.osc[:0], false
			return
		case 'P', 'X', '^', '_', 'k':
			p.state = otherString
			return
		}
	}
	p.state = ground
	e.dispatchEscape(p.intermediate, b)
}

// stepString takes a byte of an OSC or of a string that is dropped. Only BEL (for OSC) and ESC \ end one well.
func (e *Emulator) stepString(b byte) {
	p := &e.parser
	if p.state == oscEscape || p.state == otherEscape {
		if b == '\\' {
			if p.state == oscEscape {
				e.endOSC()
			}
			p.state = ground
			return
		}
		p.state, p.intermediate = escape, 0
		e.step(b)
		return
	}
	switch {
	case b == esc:
		p.state++
	case b == can || b == sub:
		p.state = ground
	case p.state == otherString:
	case b == bel:
		e.endOSC()
		p.state = ground
	case len(p.osc) < maxOSC:
		p.osc = append(p.osc, b)
	default:
		p.oscTooLong = true
	}
}

func (e *Emulator) endOSC() {
	if !e.parser.oscTooLong {
		e.dispatchOSC(e.parser.osc)
	}
}

// stepGround takes a byte of text: a control, or one byte of UTF-8. Every byte that belongs to no character is shown as
// one U+FFFD together with the valid beginning it may have had (Unicode 15, 3.9, maximal subparts).
func (e *Emulator) stepGround(b byte) {
	p := &e.parser
	if p.runeLen > 0 {
		p.runeBuf[p.runeLen] = b
		if begins(p.runeBuf[:p.runeLen+1]) {
			p.runeLen++
			if r, size := utf8.DecodeRune(p.runeBuf[:p.runeLen]); size == p.runeLen && size > 1 {
				p.runeLen = 0
				e.printUnicode(r)
			}
			return
		}
		p.runeLen = 0
		e.print(utf8.RuneError)
	}
	switch {
	case b == esc:
		p.state, p.intermediate = escape, 0
	case b < ' ':
		e.control(b)
	case b < del:
		e.print(rune(b))
	case b == del:
	case begins([]byte{b}):
		p.runeBuf[0], p.runeLen = b, 1
	default:
		e.print(utf8.RuneError)
	}
}

// begins reports whether p, not ASCII, is a character or the beginning of one.
func begins(p []byte) bool {
	r, size := utf8.DecodeRune(p)
	return r != utf8.RuneError || size > 1 || !utf8.FullRune(p)
}

// printUnicode prints a character that arrived as UTF-8. U+0080 to U+009F are controls in another dress: dropped.
func (e *Emulator) printUnicode(r rune) {
	if r < 0xa0 {
		return
	}
	e.print(r)
}
