package virtual

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// COSE (RFC 9053): ECDSA with SHA-256, and the key agreement of clientPIN.
const (
	coseES256  = -7
	coseECDH   = -25
	coseKty    = 1
	coseAlg    = 3
	coseCurve  = -1
	coseX      = -2
	coseY      = -3
	coseEC2    = 2
	coseP256   = 1
	coordinate = 32
)

// coseKey encodes a point 04 | x | y.
func coseKey(point []byte, algorithm int) cborMap {
	return cborMap{
		coseKty: coseEC2, coseAlg: algorithm, coseCurve: coseP256,
		coseX: point[1 : 1+coordinate], coseY: point[1+coordinate:],
	}
}

// Flags of authenticator data (WebAuthn 2, 6.1).
const (
	flagPresent    = 0x01
	flagVerified   = 0x04
	flagCredential = 0x40
	flagExtensions = 0x80
)

// authData is the beginning of authenticator data; a new credential and extensions follow it.
func authData(rpHash []byte, flags byte, counter uint32) []byte {
	data := append(slices.Clone(rpHash), flags)
	return binary.BigEndian.AppendUint32(data, counter)
}

// makeRequest is an authenticatorMakeCredential (CTAP 2.1, 6.1).
type makeRequest struct {
	clientDataHash []byte
	rpID           string
	rpHash         []byte
	user           cborMap
	excluded       [][]byte
	resident       bool
	protection     int
	hasProtection  bool
	ceremonyOptions
}

// ceremonyOptions is what makeCredential and getAssertion have in common.
type ceremonyOptions struct {
	presence, presenceSet bool // option "up"
	verify                bool // option "uv"
	auth                  pinAuth
}

func (f *fields) options(options *fields, authKey, protocolKey any) ceremonyOptions {
	var o ceremonyOptions
	o.presence, o.presenceSet = optional[bool](options, "up")
	o.verify, _ = optional[bool](options, "uv")
	o.auth.param, o.auth.present = optional[[]byte](f, authKey)
	o.auth.protocol, _ = optional[int](f, protocolKey)
	return o
}

func parseMake(f *fields) (makeRequest, ctapStatus) {
	r := makeRequest{clientDataHash: required[[]byte](f, 1), user: required[cborMap](f, 3), protection: 1}
	required[cborMap](f, 2)
	rp := f.sub(2)
	r.rpID = required[string](rp, "id")
	algorithms := required[[]any](f, 4)
	r.excluded, _ = f.ids(5)
	extensions, options := f.sub(6), f.sub(7)
	if p, ok := optional[int](extensions, "credProtect"); ok {
		r.protection, r.hasProtection = p, true
	}
	r.resident, _ = optional[bool](options, "rk")
	r.ceremonyOptions = f.options(options, 8, 9)
	f.join(rp)
	f.join(extensions)
	f.join(options)
	hash := sha256.Sum256([]byte(r.rpID))
	r.rpHash = hash[:]
	f.checkHash(r.clientDataHash)
	if f.status == ctapOK && !slices.ContainsFunc(algorithms, isES256) {
		return r, ctapNoAlgorithm
	}
	return r, f.status
}

// checkHash refuses a client data hash of another length than SHA-256 has.
func (f *fields) checkHash(hash []byte) {
	if f.status == ctapOK && len(hash) != sha256.Size {
		f.status = ctapInvalidLength
	}
}

func isES256(parameter any) bool {
	m, _ := parameter.(cborMap)
	return m["alg"] == coseES256 && m["type"] == publicKeyCredential
}

// makeCredential makes a key pair for a relying party and attests it.
func (a *authenticator) makeCredential(c ceremony, f *fields) (cborMap, ctapStatus) {
	r, status := parseMake(f)
	if r.auth.isProbe() {
		return nil, a.probe(c)
	}
	if status != ctapOK {
		return nil, status
	}
	verified, status := a.permitMake(r)
	if status != ctapOK {
		return nil, status
	}
	if status := a.tap(c); status != ctapOK {
		return nil, status
	}
	for _, id := range r.excluded {
		if a.memory.find(r.rpHash, id) != nil {
			return nil, ctapExcluded // told only after the tap, so that nobody can ask without the person
		}
	}
	return a.make(r, verified)
}

// permitMake checks everything that needs no person.
func (a *authenticator) permitMake(r makeRequest) (verified bool, status ctapStatus) {
	if r.presenceSet && !r.presence {
		return false, ctapInvalidOption
	}
	verified, status = a.verified(r.auth, r.clientDataHash, permitMakeCredential, r.rpID)
	switch {
	case status != ctapOK:
		return false, status
	case r.verify && !verified && !a.memory.hasPIN():
		return false, ctapInvalidOption
	case a.memory.hasPIN() && !verified:
		return false, ctapPINRequired
	case r.resident && len(a.memory.residents(nil)) >= a.firmware.maxResident():
		return false, ctapKeyStoreFull
	case r.protection < 1 || r.protection > 3:
		return false, ctapInvalidOption
	default:
		return verified, ctapOK
	}
}

func (a *authenticator) make(r makeRequest, verified bool) (cborMap, ctapStatus) {
	user := &fields{m: r.user}
	made := &credential{
		ID: randomBytes(64), RPHash: r.rpHash, Resident: r.resident, UserID: required[[]byte](user, "id"), Protection: r.protection,
	}
	made.UserName, _ = optional[string](user, "name")
	made.DisplayName, _ = optional[string](user, "displayName")
	if user.status != ctapOK {
		return nil, user.status
	}
	var err error
	if made.Key, err = newFIDOKey(); err != nil {
		a.log.Error("making a credential", "err", err)
		return nil, ctapOther
	}
	a.memory.add(made)
	data := a.newCredentialData(r, made, verified)
	return cborMap{1: "packed", 2: data, 3: cborMap{
		"alg": coseES256, "sig": a.memory.Attestation.sign(data, r.clientDataHash), "x5c": []any{a.memory.Certificate},
	}}, ctapOK
}

func (a *authenticator) newCredentialData(r makeRequest, made *credential, verified bool) []byte {
	flags := byte(flagPresent | flagCredential)
	if verified {
		flags |= flagVerified
	}
	if r.hasProtection {
		flags |= flagExtensions
	}
	data := append(authData(r.rpHash, flags, a.memory.count()), a.firmware.aaguid()...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(made.ID))), made.ID...)
	data = append(data, encodeCBOR(coseKey(made.Key.point(), coseES256))...)
	if r.hasProtection {
		data = append(data, encodeCBOR(cborMap{"credProtect": made.Protection})...)
	}
	return data
}

// probe is a request that only wants to know which key the person taps (CTAP 2.1, 6.1.2, step 1).
func (a *authenticator) probe(c ceremony) ctapStatus {
	if status := a.tap(c); status != ctapOK {
		return status
	}
	if a.memory.hasPIN() {
		return ctapPINInvalid
	}
	return ctapPINNotSet
}
