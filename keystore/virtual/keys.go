package virtual

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
)

// Algorithms of slot keys (SP 800-78-4, table 6-2; Yubico's: virtual-key sheet, 2.3).
const (
	algorithmRSA3072 = 0x05
	algorithmRSA1024 = 0x06
	algorithmRSA2048 = 0x07
	algorithmP256    = 0x11
	algorithmP384    = 0x14
	algorithmRSA4096 = 0x16
	algorithmEd25519 = 0xe0
	algorithmX25519  = 0xe1
)

// rsaBits are the sizes of RSA keys.
var rsaBits = map[byte]int{
	algorithmRSA1024: 1024, algorithmRSA2048: 2048, algorithmRSA3072: 3072, algorithmRSA4096: 4096,
}

// privateKey is what every key of the standard library can do.
type privateKey interface{ Public() crypto.PublicKey }

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
	private     privateKey // *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey, or *ecdh.PrivateKey for X25519
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
	if !ok || !c.firmware.knows(key.Algorithm) {
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

func newPrivateKey(algorithm byte) (privateKey, error) {
	switch algorithm {
	case algorithmP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case algorithmP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case algorithmRSA1024, algorithmRSA2048, algorithmRSA3072, algorithmRSA4096:
		return rsa.GenerateKey(rand.Reader, rsaBits[algorithm])
	case algorithmEd25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case algorithmX25519:
		return ecdh.X25519().GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("algorithm %#02x is unknown", algorithm)
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
	case ed25519.PrivateKey:
		return appendTLV(nil, tagPoint, private.Public().(ed25519.PublicKey)...)
	case *ecdh.PrivateKey:
		return appendTLV(nil, tagPoint, private.PublicKey().Bytes()...)
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
