package virtual

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/subtle"
)

// Algorithms of the management key (SP 800-78-4, table 6-2).
const (
	algorithm3DES   = 0x03
	algorithmAES128 = 0x08
	algorithmAES192 = 0x0a
	algorithmAES256 = 0x0c
)

// managementKeyLengths says how long a key of each algorithm is, in bytes.
var managementKeyLengths = map[byte]int{
	algorithm3DES: 24, algorithmAES128: 16, algorithmAES192: 24, algorithmAES256: 32,
}

// defaultManagementKey is the factory key, the same on every YubiKey.
var defaultManagementKey = bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 3)

// managementKey is the key that allows changes to the card, in "slot" 9B.
type managementKey struct {
	Algorithm byte
	Value     []byte
	Touch     touchPolicy
}

func newManagementKey(firmware Firmware) managementKey {
	return managementKey{Algorithm: firmware.managementAlgorithm(), Value: bytes.Clone(defaultManagementKey), Touch: touchNever}
}

func (k *managementKey) metadata() []byte {
	b := appendTLV(nil, metaAlgorithm, k.Algorithm)
	b = appendTLV(b, metaPolicies, 0, byte(k.Touch))
	return appendTLV(b, metaDefault, boolByte(bytes.Equal(k.Value, defaultManagementKey)))
}

// block is the cipher. 3DES ignores parity bits, so a key that differs only there authenticates as well.
func (k *managementKey) block() (cipher.Block, error) {
	if k.Algorithm == algorithm3DES {
		return des.NewTripleDESCipher(k.Value)
	}
	return aes.NewCipher(k.Value)
}

// challenge is what the card expects back in the second step of an authentication; it serves once.
type challenge struct {
	expected []byte
	mutual   bool // the host proves itself by decrypting a witness, and challenges the card in turn
}

// Tags of GENERAL AUTHENTICATE (SP 800-73-4 part 2, table 7).
const (
	tagDynamicAuth    = 0x7c
	tagWitness        = 0x80
	tagChallenge      = 0x81
	tagResponse       = 0x82
	tagExponentiation = 0x85
)

// parseDynamicAuth opens the 7C template around the elements of GENERAL AUTHENTICATE.
func parseDynamicAuth(data []byte) (tlvs, bool) {
	outer, err := parseTLVs(data)
	if err != nil {
		return nil, false
	}
	template, ok := outer.find(tagDynamicAuth)
	if !ok {
		return nil, false
	}
	inner, err := parseTLVs(template)
	return inner, err == nil
}

func dynamicAuth(tag uint16, value []byte) []byte {
	return appendTLV(nil, tagDynamicAuth, appendTLV(nil, tag, value...)...)
}

// authenticateManagement answers GENERAL AUTHENTICATE with the management key: either the host answers the card's
// challenge, or both sides prove themselves (SP 800-73-4 part 2, appendix A.1; virtual-key sheet, 2.4).
func (c *card) authenticateManagement(s *session, cmd command, pending *challenge) reply {
	if cmd.p1 != c.memory.Management.Algorithm {
		return just(swWrongParameters)
	}
	elements, ok := parseDynamicAuth(cmd.data)
	if !ok {
		return just(swWrongData)
	}
	block, err := c.memory.Management.block()
	if err != nil {
		return just(swInternal)
	}
	witness, hasWitness := elements.find(tagWitness)
	question, hasQuestion := elements.find(tagChallenge)
	response, _ := elements.find(tagResponse)
	switch {
	case hasWitness && len(witness) == 0:
		return s.beginMutual(block)
	case hasQuestion && len(question) == 0:
		return s.beginSingle(block)
	case pending == nil:
		return just(swWrongData)
	case pending.mutual && hasWitness && hasQuestion:
		return c.finishMutual(s, block, pending, witness, question)
	case !pending.mutual && len(response) > 0:
		return c.finishSingle(s, pending, response)
	default:
		return just(swWrongData)
	}
}

func (s *session) beginMutual(block cipher.Block) reply {
	witness := randomBytes(block.BlockSize())
	s.challenge = &challenge{expected: witness, mutual: true}
	return success(dynamicAuth(tagWitness, encrypted(block, witness)))
}

func (s *session) beginSingle(block cipher.Block) reply {
	question := randomBytes(block.BlockSize())
	s.challenge = &challenge{expected: encrypted(block, question)}
	return success(dynamicAuth(tagChallenge, question))
}

func (c *card) finishMutual(s *session, block cipher.Block, pending *challenge, witness, question []byte) reply {
	if subtle.ConstantTimeCompare(pending.expected, witness) == 0 || len(question) != block.BlockSize() {
		return just(swSecurityStatus)
	}
	return c.onceTouched(c.memory.Management.Touch, func() reply {
		s.managed = true
		return success(dynamicAuth(tagResponse, encrypted(block, question)))
	})
}

func (c *card) finishSingle(s *session, pending *challenge, response []byte) reply {
	if subtle.ConstantTimeCompare(pending.expected, response) == 0 {
		return just(swSecurityStatus)
	}
	return c.onceTouched(c.memory.Management.Touch, func() reply {
		s.managed = true
		return success(nil)
	})
}

// P2 of SET MANAGEMENT KEY says which touch policy the new key has.
var managementTouchPolicies = map[byte]touchPolicy{0xff: touchNever, 0xfe: touchAlways, 0xfd: touchCached}

// setManagementKey answers SET MANAGEMENT KEY: algorithm, 9B, length, key.
func (c *card) setManagementKey(s *session, cmd command) reply {
	if !s.managed {
		return just(swSecurityStatus)
	}
	touch, ok := managementTouchPolicies[cmd.p2]
	if cmd.p1 != 0xff || !ok {
		return just(swWrongParameters)
	}
	const header = 3
	if len(cmd.data) < header || cmd.data[1] != byte(refManagement) {
		return just(swWrongData)
	}
	algorithm, value := cmd.data[0], cmd.data[header:]
	want, known := managementKeyLengths[algorithm]
	if algorithm != algorithm3DES && !c.firmware.hasAESManagement() {
		known = false
	}
	if !known || len(value) != want || int(cmd.data[2]) != want {
		return just(swWrongData)
	}
	c.memory.Management = managementKey{Algorithm: algorithm, Value: bytes.Clone(value), Touch: touch}
	c.dirty = true
	return success(nil)
}

func encrypted(block cipher.Block, plain []byte) []byte {
	out := make([]byte, block.BlockSize())
	block.Encrypt(out, plain)
	return out
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
