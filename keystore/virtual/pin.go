package virtual

import (
	"bytes"
	"crypto/subtle"
)

const (
	pinLength      = 8 // with padding
	minPINLength   = 6
	pinPadding     = 0xff
	defaultRetries = 3
	maxTriesShown  = 15 // 63Cx has four bits
	defaultPIN     = "123456"
	defaultPUK     = "12345678"
	verifyLogout   = 0xff // P1 of VERIFY
)

// pinReference is the PIN or the PUK: its value and how often it may still be wrong.
type pinReference struct {
	Value   []byte // padded with FF to pinLength
	Max     int
	Left    int
	Default bool // never changed from its factory value
}

func newPINReference(value string, retries int) pinReference {
	padded := bytes.Repeat([]byte{pinPadding}, pinLength)
	copy(padded, value)
	return pinReference{Value: padded, Max: retries, Left: retries, Default: true}
}

// try compares and counts. The last wrong try answers 63C0; from then on the answer is 6983, right or wrong
// (SP 800-73-4 part 2, 3.2.1).
func (p *pinReference) try(given []byte) sw {
	if p.Left == 0 {
		return swBlocked
	}
	p.Left-- // before comparing, so that no way out of here gives a free guess
	if subtle.ConstantTimeCompare(p.Value, given) == 0 {
		return p.triesLeft()
	}
	p.Left = p.Max
	return swOK
}

func (p *pinReference) triesLeft() sw { return swTriesLeft | sw(min(p.Left, maxTriesShown)) }

// change sets a new value, which must have at least minPINLength characters before its padding.
func (p *pinReference) change(value []byte, factory string) sw {
	text := bytes.TrimRight(value, string([]byte{pinPadding}))
	if len(text) < minPINLength || bytes.IndexByte(text, pinPadding) >= 0 {
		return swWrongData
	}
	p.Value = bytes.Clone(value)
	p.Default = string(text) == factory
	return swOK
}

func (p *pinReference) metadata() []byte {
	b := appendTLV(nil, metaAlgorithm, algorithmPIN)
	b = appendTLV(b, metaDefault, boolByte(p.Default))
	return appendTLV(b, metaRetries, byte(p.Max), byte(p.Left))
}

// try is pinReference.try for the card, which remembers a counter that moved.
func (c *card) try(p *pinReference, given []byte) sw {
	before := p.Left
	word := p.try(given)
	c.dirty = c.dirty || p.Left != before
	return word
}

// verify answers VERIFY: asks, logs out or presents the PIN.
func (c *card) verify(s *session, cmd command) reply {
	pin := &c.memory.PIN
	switch {
	case cmd.p2 != refPIN:
		return just(swReferenceNotFound)
	case cmd.p1 == verifyLogout:
		s.pinVerified = false
		return success(nil)
	case cmd.p1 != 0:
		return just(swWrongParameters)
	case len(cmd.data) == 0 && s.pinVerified:
		return success(nil)
	case len(cmd.data) == 0 && pin.Left == 0:
		return just(swBlocked)
	case len(cmd.data) == 0:
		return just(pin.triesLeft())
	case len(cmd.data) != pinLength:
		return just(swWrongData)
	}
	word := c.try(pin, cmd.data)
	s.pinVerified, s.pinFresh = word == swOK, word == swOK
	return just(word)
}

// changeReference answers CHANGE REFERENCE DATA: old value, new value. A wrong old PIN also ends "PIN verified"
// (SP 800-73-4 part 2, 3.2.2).
func (c *card) changeReference(s *session, cmd command) reply {
	target, factory := &c.memory.PIN, defaultPIN
	switch cmd.p2 {
	case refPIN:
	case refPUK:
		target, factory = &c.memory.PUK, defaultPUK
	default:
		return just(swReferenceNotFound)
	}
	if len(cmd.data) != 2*pinLength {
		return just(swWrongData)
	}
	if word := c.try(target, cmd.data[:pinLength]); word != swOK {
		s.pinVerified = s.pinVerified && cmd.p2 != refPIN
		return just(word)
	}
	c.dirty = true
	return just(target.change(cmd.data[pinLength:], factory))
}

// resetRetry answers RESET RETRY COUNTER: the PUK allows a new PIN. It does not verify the PIN.
func (c *card) resetRetry(cmd command) reply {
	if cmd.p2 != refPIN {
		return just(swReferenceNotFound)
	}
	if len(cmd.data) != 2*pinLength {
		return just(swWrongData)
	}
	if word := c.try(&c.memory.PUK, cmd.data[:pinLength]); word != swOK {
		return just(word)
	}
	c.dirty = true
	pin := &c.memory.PIN
	if word := pin.change(cmd.data[pinLength:], defaultPIN); word != swOK {
		return just(word)
	}
	pin.Left = pin.Max
	return success(nil)
}

// setRetries answers SET PIN RETRIES, which also sets both secrets back to their factory values.
func (c *card) setRetries(s *session, cmd command) reply {
	if !s.managed || !s.pinVerified {
		return just(swSecurityStatus)
	}
	if cmd.p1 == 0 || cmd.p2 == 0 {
		return just(swWrongParameters)
	}
	c.memory.PIN = newPINReference(defaultPIN, int(cmd.p1))
	c.memory.PUK = newPINReference(defaultPUK, int(cmd.p2))
	c.dirty = true
	return success(nil)
}
