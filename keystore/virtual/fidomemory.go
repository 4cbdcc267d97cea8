package virtual

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	fidoFile          = "fido.json"
	fidoFormatVersion = 1
)

// fidoMemory is what the FIDO side keeps when it is unplugged, as it lies on disk: JSON, with private keys in the clear.
type fidoMemory struct {
	Format      int
	Attestation fidoKey
	Certificate []byte // of Attestation, DER
	PINHash     []byte // first half of the PIN's SHA-256; nil while there is none
	PINLeft     int
	Counter     uint32 // of signatures, over all credentials
	Credentials []*credential

	dirty bool
}

// credential is a key pair for one relying party. A real key hides the private halves of most credentials in their IDs;
// this one keeps them all.
type credential struct {
	ID          []byte
	RPHash      []byte // SHA-256 of the relying party's ID, or U2F's application parameter
	Key         fidoKey
	Resident    bool
	UserID      []byte
	UserName    string
	DisplayName string
	Protection  int // credProtect: 1 optional, 2 optional with a list of IDs, 3 required
}

// fidoKey is a P-256 key that is PKCS #8 in JSON.
type fidoKey struct{ *ecdsa.PrivateKey }

// MarshalJSON encodes the private key.
func (k fidoKey) MarshalJSON() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("encoding a FIDO key: %w", err)
	}
	return json.Marshal(der)
}

// UnmarshalJSON decodes a P-256 private key.
func (k *fidoKey) UnmarshalJSON(text []byte) error {
	var der []byte
	if err := json.Unmarshal(text, &der); err != nil {
		return err
	}
	signer, err := parsePrivateKey(der)
	if err != nil {
		return fmt.Errorf("decoding a FIDO key: %w", err)
	}
	private, ok := signer.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return errors.New("decoding a FIDO key: it is not on the curve P-256")
	}
	k.PrivateKey = private
	return nil
}

func newFIDOKey() (fidoKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return fidoKey{private}, err
}

// point is the public key, 04 | x | y.
func (k fidoKey) point() []byte {
	point, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err) // of a key that was checked when it was made or read
	}
	return point
}

// sign signs the concatenation of parts with ECDSA and SHA-256.
func (k fidoKey) sign(parts ...[]byte) []byte {
	digest := sha256.Sum256(bytes.Join(parts, nil))
	signature, err := ecdsa.SignASN1(rand.Reader, k.PrivateKey, digest[:])
	if err != nil {
		panic(err) // the same
	}
	return signature
}

// newFIDOMemory is the FIDO side of a key fresh from the factory.
func newFIDOMemory(firmware Firmware, root *authority) (*fidoMemory, error) {
	key, err := newFIDOKey()
	if err != nil {
		return nil, fmt.Errorf("generating the FIDO attestation key: %w", err)
	}
	id, err := asn1.Marshal(firmware.aaguid())
	if err != nil {
		return nil, fmt.Errorf("encoding the AAGUID: %w", err)
	}
	template := &x509.Certificate{ // WebAuthn 2, 8.2.1
		SerialNumber: randomSerialNumber(),
		Subject: pkix.Name{
			Country: []string{"CH"}, Organization: []string{"Touchstone"},
			OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Touchstone Virtual FIDO (software keys)",
		},
		NotBefore: root.certificate.NotBefore, NotAfter: root.certificate.NotAfter,
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: id}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root.certificate, key.Public(), root.private)
	if err != nil {
		return nil, fmt.Errorf("signing the FIDO attestation certificate: %w", err)
	}
	m := &fidoMemory{Format: fidoFormatVersion, Attestation: key, Certificate: der}
	m.factoryReset()
	return m, nil
}

func (m *fidoMemory) factoryReset() {
	m.PINHash, m.PINLeft, m.Credentials, m.dirty = nil, fidoPINTries, nil, true
}

func (m *fidoMemory) hasPIN() bool { return m.PINHash != nil }

// count is the next value of the signature counter.
func (m *fidoMemory) count() uint32 {
	m.Counter++
	m.dirty = true
	return m.Counter
}

// find returns a relying party's credential by its ID, or nil.
func (m *fidoMemory) find(rpHash, id []byte) *credential {
	i := slices.IndexFunc(m.Credentials, func(c *credential) bool {
		return bytes.Equal(c.RPHash, rpHash) && bytes.Equal(c.ID, id)
	})
	if i < 0 {
		return nil
	}
	return m.Credentials[i]
}

// residents are the discoverable credentials of a relying party, or of all if rpHash is nil, the newest first.
func (m *fidoMemory) residents(rpHash []byte) []*credential {
	var found []*credential
	for _, c := range slices.Backward(m.Credentials) {
		if c.Resident && (rpHash == nil || bytes.Equal(c.RPHash, rpHash)) {
			found = append(found, c)
		}
	}
	return found
}

// add keeps a credential. A discoverable one takes the place of the one for the same user.
func (m *fidoMemory) add(c *credential) {
	m.Credentials = slices.DeleteFunc(m.Credentials, c.replaces)
	m.Credentials = append(m.Credentials, c)
	m.dirty = true
}

func (c *credential) replaces(old *credential) bool {
	return c.Resident && old.Resident && bytes.Equal(c.RPHash, old.RPHash) && bytes.Equal(c.UserID, old.UserID)
}

// loadOrMakeFIDOMemory reads the FIDO side of a state folder.
func loadOrMakeFIDOMemory(dir string, firmware Firmware, root *authority) (*fidoMemory, error) {
	path := filepath.Join(dir, fidoFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newFIDOMemory(firmware, root)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the virtual key's credentials: %w", err)
	}
	m := &fidoMemory{}
	if err = json.Unmarshal(text, m); err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the virtual key's credentials in %s: %w", path, err)
	}
	return m, nil
}

// check refuses a file that would make the key panic later.
func (m *fidoMemory) check() error {
	switch {
	case m.Format != fidoFormatVersion:
		return fmt.Errorf("format %d is unknown to this version, which writes %d", m.Format, fidoFormatVersion)
	case m.Attestation.PrivateKey == nil || len(m.Certificate) == 0:
		return errors.New("the attestation key is missing")
	case slices.ContainsFunc(m.Credentials, func(c *credential) bool { return c == nil || c.Key.PrivateKey == nil }):
		return errors.New("a credential has no key")
	default:
		return nil
	}
}

func (m *fidoMemory) saveTo(path string) error {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return replaceFile(path, text)
}
