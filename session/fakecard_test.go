package session

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// fakeCard stands for a key store with one YubiKey: keys in memory, attested by an authority made for the test. What
// the real store does with a card is tested in keystore, and once more in hardware_test.go.
type fakeCard struct {
	root, device       *x509.Certificate
	rootKey, deviceKey *ecdsa.PrivateKey
	// onSign is called before each signature, when set; its error is the signature's.
	onSign func(ctx context.Context, p keystore.Purpose) error
	// onAssert is the security key beside the card; nil for none.
	onAssert func(ctx context.Context, r keystore.AssertRequest) (*fido.Response, error)

	mu       sync.Mutex
	asked    []keystore.Requirement
	signed   []keystore.Purpose
	keys     map[keystore.Slot]*fakeKey
	refuse   error // of key
	attestAs *ecdsa.PublicKey
}

const fakeSerial = 14725836

func newFakeCard(t testing.TB) *fakeCard {
	t.Helper()
	c := &fakeCard{keys: map[keystore.Slot]*fakeKey{}}
	c.rootKey, c.deviceKey = newECDSA(t), newECDSA(t)
	c.root = issueX509(t, authorityTemplate("Test PIV Root CA"), nil, c.rootKey.Public(), c.rootKey)
	c.device = issueX509(t, authorityTemplate("Yubico PIV Attestation"), c.root, c.deviceKey.Public(), c.rootKey)
	return c
}

func (c *fakeCard) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.root)
	return pool
}

// key gives the slot's key, as the real store does.
func (c *fakeCard) key(ctx context.Context, r keystore.Requirement, p keystore.Purpose) (signingKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r)
	if c.refuse != nil {
		return nil, c.refuse
	}
	slot := r.Slot
	if slot == 0 {
		slot = r.Policy.DefaultSlot()
	}
	if k := c.keys[slot]; k != nil {
		return k, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	k := &fakeKey{card: c, private: private, slot: slot, policy: r.Policy}
	k.statement, err = c.attest(k)
	c.keys[slot] = k
	return k, err
}

func (c *fakeCard) open(reference []byte) (signingKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var r struct{ Slot keystore.Slot }
	if err := json.Unmarshal(reference, &r); err != nil {
		return nil, err
	}
	k := c.keys[r.Slot]
	if k == nil {
		return nil, fault.New("The remembered hardware key cannot be used.", "Sign in again to set it up anew.")
	}
	return k, nil
}

// assert asks the security key.
func (c *fakeCard) assert(ctx context.Context, r keystore.AssertRequest) (*fido.Response, error) {
	if c.onAssert == nil {
		return nil, noSecurityKey()
	}
	return c.onAssert(ctx, r)
}

// noSecurityKey is what the key store says.
func noSecurityKey() error {
	return fault.Wrap(fido.ErrNoKey, "No security key is plugged in.", "Plug one in.")
}

// attest makes the slot's certificate with the extensions of the hardware-key sheet, 7.3.
func (c *fakeCard) attest(k *fakeKey) (*wire.AttestationStatement, error) {
	serial, err := asn1.Marshal(fakeSerial)
	if err != nil {
		return nil, err
	}
	template := leafTemplate("YubiKey PIV Attestation " + k.slot.String())
	template.ExtraExtensions = []pkix.Extension{
		{Id: wire.OIDYubicoFirmware, Value: []byte{5, 4, 3}},
		{Id: wire.OIDYubicoSerial, Value: serial},
		{Id: wire.OIDYubicoPolicy, Value: []byte{1 + b2b(k.policy.PIN), 1 + 2*b2b(k.policy.Touch)}},
	}
	subject := &k.private.PublicKey
	if c.attestAs != nil {
		subject = c.attestAs
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.device, subject, c.deviceKey)
	if err != nil {
		return nil, err
	}
	return &wire.AttestationStatement{YubiKey: &wire.YubiKeyAttestation{SlotCert: der, AttestationCert: c.device.Raw}}, nil
}

func b2b(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// signatures returns what the card has signed for so far.
func (c *fakeCard) signatures() []keystore.Purpose {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]keystore.Purpose(nil), c.signed...)
}

// fakeKey is a key on the fake card.
type fakeKey struct {
	card      *fakeCard
	private   *ecdsa.PrivateKey
	slot      keystore.Slot
	policy    keystore.Policy
	statement *wire.AttestationStatement
}

func (k *fakeKey) Public() crypto.PublicKey                { return k.private.Public() }
func (k *fakeKey) Serial() uint32                          { return fakeSerial }
func (k *fakeKey) Slot() keystore.Slot                     { return k.slot }
func (k *fakeKey) slow() bool                              { return k.policy.Touch }
func (k *fakeKey) attestation() *wire.AttestationStatement { return k.statement }

func (k *fakeKey) For(ctx context.Context, p keystore.Purpose) crypto.Signer {
	return fakeSigner{key: k, ctx: ctx, purpose: p}
}

func (k *fakeKey) encode() ([]byte, error) {
	reference, err := json.Marshal(map[string]any{"serial_number": fakeSerial, "slot": k.slot})
	return pem.EncodeToMemory(&pem.Block{Type: pemHardware, Bytes: reference}), err
}

type fakeSigner struct {
	key     *fakeKey
	ctx     context.Context
	purpose keystore.Purpose
}

func (s fakeSigner) Public() crypto.PublicKey { return s.key.Public() }

func (s fakeSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if on := s.key.card.onSign; on != nil {
		if err := on(s.ctx, s.purpose); err != nil {
			return nil, err
		}
	}
	s.key.card.mu.Lock()
	s.key.card.signed = append(s.key.card.signed, s.purpose)
	s.key.card.mu.Unlock()
	return s.key.private.Sign(rand.Reader, digest, opts)
}

// noKeys is a key store without any card.
type noKeys struct{}

var errNoCardHere = fault.New("No YubiKey is plugged in.", "Plug one in and try again.")

func (noKeys) key(context.Context, keystore.Requirement, keystore.Purpose) (signingKey, error) {
	return nil, errNoCardHere
}
func (noKeys) open([]byte) (signingKey, error) { return nil, errors.New("no card") }
func (noKeys) assert(context.Context, keystore.AssertRequest) (*fido.Response, error) {
	return nil, noSecurityKey()
}

func newECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	return key
}

func leafTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func authorityTemplate(name string) *x509.Certificate {
	template := leafTemplate(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	return template
}

// issueX509 signs a certificate; without a parent it signs itself.
func issueX509(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatalf("issuing a certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("reading a certificate: %v", err)
	}
	return cert
}
