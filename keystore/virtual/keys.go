package virtual

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
)

// Algorithms of slot keys (SP 800-78-4, table 6-2).
const (
	algorithmRSA2048 = 0x07
	algorithmP256    = 0x11
	algorithmP384    = 0x14
)

// origin says where a key came from. Only generated keys can be attested.
type origin byte

const (
	originGenerated origin = 1
	originImported  origin = 2
)

// slotKey is a private key in a slot, with the rules for its use.
type slotKey struct {
	Algorithm   byte
	PINPolicy   pinPolicy
	TouchPolicy touchPolicy
	Origin      origin
	private     crypto.Signer // *ecdsa.PrivateKey or *rsa.PrivateKey
}

const (
	tagGenerate  = 0xac
	tagAlgorithm = 0x80
	tagPublicKey = 0x7f49
	tagModulus   = 0x81
	tagExponent  = 0x82
	tagPoint     = 0x86
)

// generate answers GENERATE ASYMMETRIC KEY PAIR. It overwrites whatever the slot held.
func (c *card) generate(s *session, cmd command) reply {
	if !s.managed {
		return just(swSecurityStatus)
	}
	slot := ref(cmd.p2)
	if cmd.p1 != 0 || !slot.holdsKey() {
		return just(swWrongParameters)
	}
	key, ok := parseGenerate(slot, cmd.data)
	if !ok {
		return just(swWrongData)
	}
	private, err := newPrivateKey(key.Algorithm)
	if err != nil {
		return just(swWrongData)
	}
	key.private = private
	c.memory.Keys[slot] = key
	c.dirty = true
	return success(appendTLV(nil, tagPublicKey, key.public()...))
}

// parseGenerate reads AC{80 algorithm, AA pin policy, AB touch policy}.
func parseGenerate(slot ref, data []byte) (*slotKey, bool) {
	outer, err := parseTLVs(data)
	if err != nil {
		return nil, false
	}
	template, _ := outer.find(tagGenerate)
	elements, err := parseTLVs(template)
	if err != nil {
		return nil, false
	}
	algorithm, _ := elements.find(tagAlgorithm)
	pin, touch, ok := policies(slot, elements)
	if !ok || len(algorithm) != 1 {
		return nil, false
	}
	return &slotKey{Algorithm: algorithm[0], PINPolicy: pin, TouchPolicy: touch, Origin: originGenerated}, true
}

func newPrivateKey(algorithm byte) (crypto.Signer, error) {
	switch algorithm {
	case algorithmP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case algorithmP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case algorithmRSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	default:
		return nil, fmt.Errorf("algorithm %#02x is not supported by firmware %s", algorithm, firmwareText)
	}
}

// public is the public key in the elements of GENERATE's answer.
func (k *slotKey) public() []byte {
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		point, err := private.PublicKey.Bytes()
		if err != nil {
			panic(fmt.Sprintf("a key of our own making has no point: %v", err))
		}
		return appendTLV(nil, tagPoint, point...)
	case *rsa.PrivateKey:
		b := appendTLV(nil, tagModulus, private.N.Bytes()...)
		return appendTLV(b, tagExponent, big.NewInt(int64(private.E)).Bytes()...)
	default:
		panic(fmt.Sprintf("slot holds a %T", k.private))
	}
}

func (k *slotKey) metadata() []byte {
	b := appendTLV(nil, metaAlgorithm, k.Algorithm)
	b = appendTLV(b, metaPolicies, byte(k.PINPolicy), byte(k.TouchPolicy))
	b = appendTLV(b, metaOrigin, byte(k.Origin))
	return appendTLV(b, metaPublic, k.public()...)
}

// sign answers GENERAL AUTHENTICATE with a slot's key. The checks come in the order of the real card: key, PIN,
// touch, input (virtual-key sheet, 2.4).
func (c *card) sign(s *session, cmd command, fresh bool) reply {
	slot := ref(cmd.p2)
	if !slot.holdsKey() {
		return just(swWrongParameters)
	}
	key, ok := c.memory.Keys[slot]
	if !ok || key.Algorithm != cmd.p1 {
		return just(swWrongData)
	}
	if !key.PINPolicy.allowed(s, fresh) {
		return just(swSecurityStatus)
	}
	return c.onceTouched(key.TouchPolicy, func() reply {
		elements, ok := parseDynamicAuth(cmd.data)
		if !ok {
			return just(swWrongData)
		}
		out, err := key.use(elements)
		if err != nil {
			return just(swWrongData)
		}
		c.signatures++
		return success(dynamicAuth(tagResponse, out))
	})
}

// use signs, decrypts or agrees on a secret, as the elements ask. All padding is the client's.
func (k *slotKey) use(elements tlvs) ([]byte, error) {
	if _, ok := elements.find(tagResponse); !ok {
		return nil, fmt.Errorf("the client asks for no response: %w", errTLV)
	}
	input, hasInput := elements.find(tagChallenge)
	peer, hasPeer := elements.find(tagExponentiation)
	private, isECDSA := k.private.(*ecdsa.PrivateKey)
	switch {
	case isECDSA && hasPeer:
		return agree(private, peer)
	case isECDSA && hasInput:
		return signECDSA(private, input)
	case hasInput:
		return applyRSA(k.private.(*rsa.PrivateKey), input)
	default:
		return nil, fmt.Errorf("neither challenge nor peer key: %w", errTLV)
	}
}

func signECDSA(private *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	if size := (private.Params().BitSize + 7) / 8; len(digest) == 0 || len(digest) > size {
		return nil, fmt.Errorf("a digest of %d bytes does not fit the key", len(digest))
	}
	return ecdsa.SignASN1(rand.Reader, private, digest)
}

// agree returns the x coordinate of the shared point.
func agree(private *ecdsa.PrivateKey, peer []byte) ([]byte, error) {
	own, err := private.ECDH()
	if err != nil {
		return nil, fmt.Errorf("preparing the key agreement: %w", err)
	}
	var other *ecdh.PublicKey
	if other, err = own.Curve().NewPublicKey(peer); err != nil {
		return nil, fmt.Errorf("reading the peer's point: %w", err)
	}
	return own.ECDH(other)
}

// applyRSA is the bare private operation, without the blinding of a real card's crypto engine: a software key.
func applyRSA(private *rsa.PrivateKey, block []byte) ([]byte, error) {
	number := new(big.Int).SetBytes(block)
	if len(block) != private.Size() || number.Cmp(private.N) >= 0 {
		return nil, fmt.Errorf("a block of %d bytes does not fit the key", len(block))
	}
	return number.Exp(number, private.D, private.N).FillBytes(make([]byte, private.Size())), nil
}
