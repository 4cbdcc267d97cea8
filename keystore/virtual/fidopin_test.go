//go:build linux

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
	"fmt"
	"slices"
	"testing"
)

// pinClient is the platform's half of clientPIN, written from the specification beside the key's half.
type pinClient struct {
	*rawFIDO
	protocol int
	macKey   []byte
	aesKey   []byte
	cose     cborMap
}

// agree makes a new shared secret.
func (c *pinClient) agree() {
	c.t.Helper()
	theirs := c.wantStatus(ctapOK, 6, cborMap{1: c.protocol, 2: 2})[1].(cborMap)
	peer, err := ecdh.P256().NewPublicKey(slices.Concat([]byte{4}, theirs[-2].([]byte), theirs[-3].([]byte)))
	if err != nil {
		c.t.Fatal(err)
	}
	mine, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	z, err := mine.ECDH(peer)
	if err != nil {
		c.t.Fatal(err)
	}
	point := mine.PublicKey().Bytes()
	c.cose = cborMap{1: 2, 3: -25, -1: 1, -2: point[1:33], -3: point[33:]}
	if c.protocol == 1 {
		key := sha256.Sum256(z)
		c.macKey, c.aesKey = key[:], key[:]
		return
	}
	c.macKey, _ = hkdf.Key(sha256.New, z, make([]byte, 32), "CTAP2 HMAC key", 32)
	c.aesKey, _ = hkdf.Key(sha256.New, z, make([]byte, 32), "CTAP2 AES key", 32)
}

func (c *pinClient) mac(key []byte, message ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(slices.Concat(message...))
	if c.protocol == 1 {
		return h.Sum(nil)[:16]
	}
	return h.Sum(nil)
}

func (c *pinClient) encrypt(plain []byte) []byte {
	block, err := aes.NewCipher(c.aesKey)
	if err != nil {
		c.t.Fatal(err)
	}
	iv := make([]byte, 16)
	out := bytes.Clone(plain)
	if c.protocol == 2 {
		rand.Read(iv)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	if c.protocol == 2 {
		return append(iv, out...)
	}
	return out
}

func (c *pinClient) decrypt(sealed []byte) []byte {
	block, err := aes.NewCipher(c.aesKey)
	if err != nil {
		c.t.Fatal(err)
	}
	iv := make([]byte, 16)
	if c.protocol == 2 {
		iv, sealed = sealed[:16], sealed[16:]
	}
	out := bytes.Clone(sealed)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, out)
	return out
}

func padPIN(pin string) []byte { return append([]byte(pin), make([]byte, 64-len(pin))...) }

func (c *pinClient) hash(pin string) []byte {
	h := sha256.Sum256([]byte(pin))
	return c.encrypt(h[:16])
}

func (c *pinClient) set(pin string) ctapStatus {
	c.agree()
	sealed := c.encrypt(padPIN(pin))
	got, _ := c.ctap(6, cborMap{1: c.protocol, 2: 3, 3: c.cose, 4: c.mac(c.macKey, sealed), 5: sealed})
	return got
}

func (c *pinClient) change(old, pin string) ctapStatus {
	c.agree()
	sealed, hash := c.encrypt(padPIN(pin)), c.hash(old)
	got, _ := c.ctap(6, cborMap{1: c.protocol, 2: 4, 3: c.cose, 4: c.mac(c.macKey, sealed, hash), 5: sealed, 6: hash})
	return got
}

// token asks for a token; permissions of 0 ask in the old way.
func (c *pinClient) token(pin string, permissions int, rpID string) ([]byte, ctapStatus) {
	c.agree()
	request := cborMap{1: c.protocol, 2: 5, 3: c.cose, 6: c.hash(pin)}
	if permissions != 0 {
		request[2], request[9], request[10] = 9, permissions, rpID
	}
	got, answer := c.ctap(6, request)
	if got != ctapOK {
		return nil, got
	}
	return c.decrypt(answer[2].([]byte)), got
}

func (c *pinClient) retries() (left int, replug bool) {
	c.t.Helper()
	answer := c.wantStatus(ctapOK, 6, cborMap{2: 1})
	return answer[3].(int), answer[4].(bool)
}

func forEachProtocol(t *testing.T, test func(t *testing.T, k *Key, c *pinClient)) {
	for _, protocol := range []int{1, 2} {
		t.Run(fmt.Sprintf("protocol %d", protocol), func(t *testing.T) {
			k := startFIDO(t, tapping)
			test(t, k, &pinClient{rawFIDO: newRawFIDO(t, k), protocol: protocol})
		})
	}
}

func (c *pinClient) want(what string, got, want ctapStatus) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s ends with %v, want %v", what, got, want)
	}
}

func TestAPINTokenVerifiesTheUser(t *testing.T) {
	forEachProtocol(t, func(t *testing.T, _ *Key, c *pinClient) {
		_, got := c.token("1234", 0, "")
		c.want("a token without a PIN", got, ctapPINNotSet)
		c.want("a PIN of three", c.set("123"), ctapPINPolicy)
		c.want("the PIN", c.set("1234"), ctapOK)
		c.want("a second PIN", c.set("1234"), ctapPINAuthInvalid)
		c.wantStatus(ctapPINRequired, 1, makeParameters("alice", nil))
		c.wantStatus(ctapPINInvalid, 1, makeParameters("alice", cborMap{8: []byte{}, 9: c.protocol}))

		token, got := c.token("1234", 0, "")
		c.want("a token", got, ctapOK)
		hash := bytes.Repeat([]byte{7}, 32)
		answer := c.wantStatus(ctapOK, 1, makeParameters("alice", cborMap{8: c.mac(token, hash), 9: c.protocol}))
		id, _ := made(t, answer)
		if flags := answer[2].([]byte)[32]; flags != 0x45 {
			t.Errorf("the flags are %x, want 45", flags)
		}
		hash = bytes.Repeat([]byte{9}, 32)
		signed := c.wantStatus(ctapOK, 2, assertParameters(cborMap{3: allow(id), 6: c.mac(token, hash), 7: c.protocol}))
		if flags := signed[2].([]byte)[32]; flags != 0x05 {
			t.Errorf("the flags are %x, want 05", flags)
		}
		c.wantStatus(ctapPINAuthInvalid, 2, assertParameters(cborMap{3: allow(id), 6: c.mac(hash, hash), 7: c.protocol}))
	})
}

func TestATokenIsGoodForWhatItWasGivenFor(t *testing.T) {
	forEachProtocol(t, func(t *testing.T, _ *Key, c *pinClient) {
		c.want("the PIN", c.set("1234"), ctapOK)
		token, got := c.token("1234", permitGetAssertion, testRP)
		c.want("a token", got, ctapOK)
		hash := bytes.Repeat([]byte{7}, 32)
		c.wantStatus(ctapPINAuthInvalid, 1, makeParameters("alice", cborMap{8: c.mac(token, hash), 9: c.protocol}))
		hash = bytes.Repeat([]byte{9}, 32)
		auth := cborMap{6: c.mac(token, hash), 7: c.protocol}
		c.wantStatus(ctapNoCredentials, 2, assertParameters(auth))
		auth[1] = "other.example.com"
		c.wantStatus(ctapPINAuthInvalid, 2, assertParameters(auth))
		_, got = c.token("1234", 4, testRP)
		c.want("a token for management alone", got, ctapOK)
	})
}

func TestWrongFIDOPINsBlock(t *testing.T) {
	forEachProtocol(t, func(t *testing.T, k *Key, c *pinClient) {
		c.want("the PIN", c.set("1234"), ctapOK)
		left := 8
		for _, want := range []ctapStatus{
			ctapPINInvalid, ctapPINInvalid, ctapPINAuthBlocked, ctapPINInvalid, ctapPINInvalid, ctapPINAuthBlocked,
			ctapPINInvalid, ctapPINBlocked,
		} {
			_, got := c.token("4321", 0, "")
			c.want("a wrong PIN", got, want)
			left--
			got2, replug := c.retries()
			if got2 != left || replug != (want == ctapPINAuthBlocked) {
				t.Errorf("%d tries are left, replug %v, want %d", got2, replug, left)
			}
			if replug {
				_, got := c.token("1234", 0, "")
				c.want("the right PIN without replugging", got, ctapPINAuthBlocked)
				k.Unplug()
				k.Plug()
				c.rawFIDO = newRawFIDO(t, k)
			}
		}
		_, got := c.token("1234", 0, "")
		c.want("the right PIN of a blocked key", got, ctapPINBlocked)
		c.wantStatus(ctapOK, 7, nil)
		c.want("a PIN after the reset", c.set("5678"), ctapOK)
	})
}

func TestTheFIDOPINIsChanged(t *testing.T) {
	forEachProtocol(t, func(t *testing.T, _ *Key, c *pinClient) {
		c.want("the PIN", c.set("1234"), ctapOK)
		c.want("a change with a wrong PIN", c.change("4321", "5678"), ctapPINInvalid)
		c.want("a change", c.change("1234", "5678"), ctapOK)
		_, got := c.token("1234", 0, "")
		c.want("the old PIN", got, ctapPINInvalid)
		_, got = c.token("5678", 0, "")
		c.want("the new PIN", got, ctapOK)
		if left, _ := c.retries(); left != 8 {
			t.Errorf("%d tries are left, want 8", left)
		}
		sealed := c.encrypt(padPIN("9999"))
		for name, request := range map[string]cborMap{
			"a change with a wrong code": {1: c.protocol, 2: 4, 3: c.cose, 4: make([]byte, 16), 5: sealed, 6: c.hash("5678")},
			"a PIN with a wrong code":    {1: c.protocol, 2: 3, 3: c.cose, 4: make([]byte, 32), 5: sealed},
		} {
			got, _ := c.ctap(6, request)
			c.want(name, got, ctapPINAuthInvalid)
		}
	})
}
