package virtual

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// Elements of IMPORT (virtual-key sheet, 2.3).
const (
	tagPrimeP = 0x01
	tagPrimeQ = 0x02
	tagScalar = 0x06
	tagSeed   = 0x07 // of Ed25519
	tagX25519 = 0x08

	publicExponent = 65537 // the only one a YubiKey takes
)

// importKey answers IMPORT: a private key made elsewhere, which the card will therefore not attest.
func (c *card) importKey(s *session, cmd command) reply {
	if !s.managed {
		return just(swSecurityStatus)
	}
	slot := ref(cmd.p2)
	if !slot.holdsKey() {
		return just(swWrongParameters)
	}
	elements, err := parseTLVs(cmd.data)
	if err != nil {
		return just(swWrongData)
	}
	pin, touch, ok := policies(slot, elements)
	private, err := parseImport(cmd.p1, elements)
	if !ok || err != nil || !c.firmware.knows(cmd.p1) {
		return just(swWrongData)
	}
	c.memory.Keys[slot] = &slotKey{
		Algorithm: cmd.p1, PINPolicy: pin, TouchPolicy: touch, Origin: originImported, private: private,
	}
	c.dirty = true
	return success(nil)
}

func parseImport(algorithm byte, elements tlvs) (privateKey, error) {
	scalar, _ := elements.find(tagScalar)
	seed, _ := elements.find(tagSeed)
	curve25519, _ := elements.find(tagX25519)
	switch algorithm {
	case algorithmP256:
		return ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	case algorithmP384:
		return ecdsa.ParseRawPrivateKey(elliptic.P384(), scalar)
	case algorithmEd25519:
		if len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("a seed of %d bytes is no Ed25519 key", len(seed))
		}
		return ed25519.NewKeyFromSeed(seed), nil
	case algorithmX25519:
		return ecdh.X25519().NewPrivateKey(curve25519)
	case algorithmRSA1024, algorithmRSA2048, algorithmRSA3072, algorithmRSA4096:
		p, _ := elements.find(tagPrimeP)
		q, _ := elements.find(tagPrimeQ)
		return rsaFromPrimes(rsaBits[algorithm], new(big.Int).SetBytes(p), new(big.Int).SetBytes(q))
	default:
		return nil, errors.New("the algorithm is not supported")
	}
}

// rsaFromPrimes derives what the client also sends: d from the primes and the fixed exponent.
func rsaFromPrimes(bits int, p, q *big.Int) (*rsa.PrivateKey, error) {
	n := new(big.Int).Mul(p, q)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	if n.BitLen() != bits || phi.Sign() <= 0 {
		return nil, errors.New("the primes have a wrong size")
	}
	d := new(big.Int).ModInverse(big.NewInt(publicExponent), phi)
	if d == nil {
		return nil, errors.New("the primes do not fit the exponent")
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: publicExponent}, D: d, Primes: []*big.Int{p, q}}
	if err := key.Validate(); err != nil {
		return nil, err
	}
	return key, nil
}
