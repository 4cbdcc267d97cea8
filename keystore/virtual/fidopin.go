package virtual

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"unicode/utf8"
)

// The rules of the FIDO2 PIN (CTAP 2.1, 6.5; virtual-key sheet, 3.4). It has nothing to do with the PIV PIN.
const (
	fidoPINTries        = 8
	fidoPINTriesPerPlug = 3
	minFIDOPIN          = 4 // characters
	maxFIDOPIN          = 63
	paddedFIDOPIN       = 64
	pinHashLength       = 16
	pinTokenLength      = 32
)

// Subcommands of authenticatorClientPIN.
const (
	pinGetRetries      = 0x01
	pinGetKeyAgreement = 0x02
	pinSet             = 0x03
	pinChange          = 0x04
	pinGetToken        = 0x05
	pinGetTokenFor     = 0x09 // with permissions
)

// Permissions of a PIN token.
const (
	permitMakeCredential = 0x01
	permitGetAssertion   = 0x02
)

// pinSession is the part of the PIN's state that ends with the power.
type pinSession struct {
	agreement map[int]pinKey // by protocol
	tokens    map[int]*pinToken
	triesLeft int // before the key wants to be unplugged
}

// pinToken stands for a PIN that was right.
type pinToken struct {
	value       []byte
	permissions int
	rpID        string // the only relying party it is for; empty is any
}

func newPINSession() pinSession {
	s := pinSession{agreement: map[int]pinKey{}, triesLeft: fidoPINTriesPerPlug}
	for _, protocol := range []int{pinProtocolOne, pinProtocolTwo} {
		s.agreement[protocol] = newPINKey()
	}
	s.forgetTokens()
	return s
}

func (s *pinSession) forgetTokens() { s.tokens = map[int]*pinToken{} }

// pinAuth is how a request shows a PIN token.
type pinAuth struct {
	param    []byte
	present  bool
	protocol int
}

// isProbe reports the empty parameter with which clients ask for a tap and nothing else.
func (p pinAuth) isProbe() bool { return p.present && len(p.param) == 0 }

// verified checks a PIN token. Without one the user is not verified, which may be all right.
func (a *authenticator) verified(p pinAuth, message []byte, permission int, rpID string) (bool, ctapStatus) {
	if !p.present {
		return false, ctapOK
	}
	protocol, ok := pinProtocols[p.protocol]
	if !ok {
		return false, ctapInvalidParameter
	}
	token := a.pin.tokens[p.protocol]
	switch {
	case token == nil, !hmac.Equal(protocol.mac(token.value, message), p.param):
		return false, ctapPINAuthInvalid
	case token.permissions&permission == 0, token.rpID != "" && token.rpID != rpID:
		return false, ctapPINAuthInvalid
	default:
		return true, ctapOK
	}
}

// pinRequest is an authenticatorClientPIN.
type pinRequest struct {
	protocol    pinProtocol
	version     int
	subcommand  int
	param       []byte
	newPIN      []byte // encrypted
	pinHash     []byte // encrypted
	permissions int
	rpID        string
	keys        sharedKeys
}

// clientPIN answers authenticatorClientPIN.
func (a *authenticator) clientPIN(_ ceremony, f *fields) (cborMap, ctapStatus) {
	r := pinRequest{subcommand: required[int](f, 2)}
	if f.status != ctapOK {
		return nil, f.status
	}
	if r.subcommand == pinGetRetries {
		return cborMap{3: a.memory.PINLeft, 4: a.pin.triesLeft == 0}, ctapOK
	}
	r.version = required[int](f, 1)
	if f.status != ctapOK {
		return nil, f.status
	}
	var known bool
	if r.protocol, known = pinProtocols[r.version]; !known {
		return nil, ctapInvalidParameter
	}
	switch r.subcommand {
	case pinGetKeyAgreement:
		return cborMap{1: coseKey(a.pin.agreement[r.version].point(), coseECDH)}, ctapOK
	case pinSet, pinChange, pinGetToken, pinGetTokenFor:
		return a.secretly(f, r)
	default:
		return nil, ctapInvalidSubcommand
	}
}

// secretly carries out the subcommands that speak in the secret shared with the client.
func (a *authenticator) secretly(f *fields, r pinRequest) (cborMap, ctapStatus) {
	required[cborMap](f, 3)
	peer := f.sub(3)
	x, y := required[[]byte](peer, coseX), required[[]byte](peer, coseY)
	f.join(peer)
	if r.subcommand == pinSet || r.subcommand == pinChange {
		r.param, r.newPIN = required[[]byte](f, 4), required[[]byte](f, 5)
	}
	if r.subcommand != pinSet {
		r.pinHash = required[[]byte](f, 6)
	}
	if r.subcommand == pinGetTokenFor {
		r.permissions = required[int](f, 9)
		r.rpID, _ = optional[string](f, 0x0a)
	}
	if f.status != ctapOK {
		return nil, f.status
	}
	var ok bool
	if r.keys, ok = a.pin.agreement[r.version].share(r.protocol, x, y); !ok {
		return nil, ctapInvalidParameter
	}
	switch r.subcommand {
	case pinSet:
		return nil, a.setPIN(r)
	case pinChange:
		return nil, a.changePIN(r)
	default:
		return a.giveToken(r)
	}
}

func (a *authenticator) setPIN(r pinRequest) ctapStatus {
	if a.memory.hasPIN() || !hmac.Equal(r.protocol.mac(r.keys.mac, r.newPIN), r.param) {
		return ctapPINAuthInvalid
	}
	return a.storePIN(r)
}

func (a *authenticator) changePIN(r pinRequest) ctapStatus {
	message := bytes.Join([][]byte{r.newPIN, r.pinHash}, nil)
	if !hmac.Equal(r.protocol.mac(r.keys.mac, message), r.param) {
		return ctapPINAuthInvalid
	}
	if status := a.tryPIN(r); status != ctapOK {
		return status
	}
	return a.storePIN(r)
}

func (a *authenticator) storePIN(r pinRequest) ctapStatus {
	padded, ok := r.protocol.decrypt(r.keys.cipher, r.newPIN)
	if !ok || len(padded) != paddedFIDOPIN {
		return ctapInvalidParameter
	}
	pin := bytes.TrimRight(padded, "\x00")
	if utf8.RuneCount(pin) < minFIDOPIN || len(pin) > maxFIDOPIN {
		return ctapPINPolicy
	}
	hash := sha256.Sum256(pin)
	a.memory.PINHash, a.memory.PINLeft, a.memory.dirty = hash[:pinHashLength], fidoPINTries, true
	a.pin.triesLeft = fidoPINTriesPerPlug
	a.pin.forgetTokens()
	return ctapOK
}

// tryPIN compares and counts. The counter goes down before anything is compared, and is saved before the client knows.
func (a *authenticator) tryPIN(r pinRequest) ctapStatus {
	switch {
	case !a.memory.hasPIN():
		return ctapPINNotSet
	case a.memory.PINLeft == 0:
		return ctapPINBlocked
	case a.pin.triesLeft == 0:
		return ctapPINAuthBlocked
	}
	a.memory.PINLeft--
	a.memory.dirty = true
	hash, ok := r.protocol.decrypt(r.keys.cipher, r.pinHash)
	if !ok || !hmac.Equal(hash, a.memory.PINHash) {
		return a.wrongPIN(r)
	}
	a.memory.PINLeft, a.pin.triesLeft = fidoPINTries, fidoPINTriesPerPlug
	return ctapOK
}

func (a *authenticator) wrongPIN(r pinRequest) ctapStatus {
	a.pin.agreement[r.version] = newPINKey()
	a.pin.triesLeft--
	switch {
	case a.memory.PINLeft == 0:
		return ctapPINBlocked
	case a.pin.triesLeft == 0:
		return ctapPINAuthBlocked
	default:
		return ctapPINInvalid
	}
}

// giveToken answers with a new token for the right PIN.
func (a *authenticator) giveToken(r pinRequest) (cborMap, ctapStatus) {
	if r.subcommand == pinGetTokenFor && r.permissions == 0 {
		return nil, ctapInvalidParameter
	}
	if status := a.tryPIN(r); status != ctapOK {
		return nil, status
	}
	token := &pinToken{value: randomBytes(pinTokenLength), permissions: permitMakeCredential | permitGetAssertion}
	if r.subcommand == pinGetTokenFor {
		token.permissions, token.rpID = r.permissions, r.rpID
	}
	a.pin.tokens[r.version] = token
	return cborMap{2: r.protocol.encrypt(r.keys.cipher, token.value)}, ctapOK
}
