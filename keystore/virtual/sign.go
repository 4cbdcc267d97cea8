package virtual

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

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
	peer, hasPeer := elements.find(tagExponentiation) // missing input is refused by its length below
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		if hasPeer {
			return agree(private, peer)
		}
		return signECDSA(private, input)
	case *ecdh.PrivateKey:
		return agreeX25519(private, peer)
	case ed25519.PrivateKey:
		if !hasInput {
			return nil, errNoInput
		}
		return ed25519.Sign(private, input), nil
	case *rsa.PrivateKey:
		return applyRSA(private, input)
	default:
		return nil, fmt.Errorf("slot holds a %T", k.private)
	}
}

var errNoInput = errors.New("there is nothing to sign")

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
	other, err := own.Curve().NewPublicKey(peer)
	if err != nil {
		return nil, fmt.Errorf("reading the peer's point: %w", err)
	}
	return own.ECDH(other)
}

// agreeX25519 is agree on Curve25519, where a point is its x coordinate.
func agreeX25519(private *ecdh.PrivateKey, peer []byte) ([]byte, error) {
	other, err := private.Curve().NewPublicKey(peer)
	if err != nil {
		return nil, fmt.Errorf("reading the peer's point: %w", err)
	}
	return private.ECDH(other)
}

// applyRSA is the bare private operation, without the blinding of a real card's crypto engine: a software key.
func applyRSA(private *rsa.PrivateKey, block []byte) ([]byte, error) {
	number := new(big.Int).SetBytes(block)
	if len(block) != private.Size() || number.Cmp(private.N) >= 0 {
		return nil, fmt.Errorf("a block of %d bytes does not fit the key", len(block))
	}
	return number.Exp(number, private.D, private.N).FillBytes(make([]byte, private.Size())), nil
}
