package virtual

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
)

// PIN/UV auth protocols (CTAP 2.1, 6.5.6 and 6.5.7; virtual-key sheet, 3.4).
const (
	pinProtocolOne = 1
	pinProtocolTwo = 2
)

// sharedKeys are what both ends make of the agreed point.
type sharedKeys struct{ mac, cipher []byte }

// pinProtocol is the cryptography of one protocol.
type pinProtocol struct {
	derive    func(z []byte) (sharedKeys, error)
	macLength int
	randomIV  bool // in front of the ciphertext; otherwise it is zero and not sent
}

var pinProtocols = map[int]pinProtocol{
	pinProtocolOne: {derive: deriveOne, macLength: 16},
	pinProtocolTwo: {derive: deriveTwo, macLength: sha256.Size, randomIV: true},
}

func deriveOne(z []byte) (sharedKeys, error) {
	key := sha256.Sum256(z)
	return sharedKeys{key[:], key[:]}, nil
}

func deriveTwo(z []byte) (keys sharedKeys, err error) {
	salt := make([]byte, sha256.Size)
	if keys.mac, err = hkdf.Key(sha256.New, z, salt, "CTAP2 HMAC key", sha256.Size); err != nil {
		return keys, err
	}
	keys.cipher, err = hkdf.Key(sha256.New, z, salt, "CTAP2 AES key", sha256.Size)
	return keys, err
}

// pinKey is the key's half of the agreement.
type pinKey struct{ private *ecdh.PrivateKey }

func newPINKey() pinKey {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return pinKey{private}
}

func (k pinKey) point() []byte { return k.private.PublicKey().Bytes() }

// share agrees with the point (x, y) of a client; ok is false for what is no point.
func (k pinKey) share(p pinProtocol, x, y []byte) (keys sharedKeys, ok bool) {
	if len(x) != coordinate || len(y) != coordinate {
		return keys, false
	}
	peer, err := ecdh.P256().NewPublicKey(slices.Concat([]byte{4}, x, y))
	if err != nil {
		return keys, false
	}
	z, err := k.private.ECDH(peer)
	if err != nil {
		return keys, false
	}
	keys, err = p.derive(z)
	return keys, err == nil
}

func (p pinProtocol) mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)[:p.macLength]
}

// encrypt is AES-256-CBC without padding, for whole blocks.
func (p pinProtocol) encrypt(key, plain []byte) []byte {
	iv := make([]byte, aes.BlockSize)
	if p.randomIV {
		iv = randomBytes(aes.BlockSize)
	}
	sealed := bytes.Clone(plain)
	cipher.NewCBCEncrypter(newAES(key), iv).CryptBlocks(sealed, sealed)
	if p.randomIV {
		return append(iv, sealed...)
	}
	return sealed
}

// decrypt undoes encrypt; ok is false for what encrypt cannot have made.
func (p pinProtocol) decrypt(key, sealed []byte) (plain []byte, ok bool) {
	iv := make([]byte, aes.BlockSize)
	if p.randomIV {
		if len(sealed) < aes.BlockSize {
			return nil, false
		}
		iv, sealed = sealed[:aes.BlockSize], sealed[aes.BlockSize:]
	}
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, false
	}
	plain = make([]byte, len(sealed))
	cipher.NewCBCDecrypter(newAES(key), iv).CryptBlocks(plain, sealed)
	return plain, true
}

func newAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the keys are always 32 bytes
	}
	return block
}
