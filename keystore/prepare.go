package keystore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

// Key returns a key that meets the requirement: the one that is in the slot already if it is good enough, else a
// new one in an empty slot. It sets PIN and PUK up where the policy needs a PIN and the card still has a factory
// one. It never overwrites what is in a slot: such a slot is refused with a fault that names what it holds. A
// refused prompt is context.Canceled.
func (s *Store) Key(ctx context.Context, r Requirement, purpose Purpose) (*Key, error) {
	if r.Slot == 0 {
		r.Slot = r.Policy.DefaultSlot()
	}
	if _, ok := pivSlots[r.Slot]; !ok {
		return nil, fault.New(fmt.Sprintf("Slot %s cannot hold a key for signing in.", r.Slot), "Use slot 9a, 9c, 9d or 9e.")
	}
	if r.Serial == 0 {
		var err error
		if r.Serial, err = s.choose(ctx, purpose); err != nil {
			return nil, err
		}
	}
	var key *Key
	err := s.use(ctx, r.Serial, purpose, func(c *card) error {
		p := preparation{store: s, card: c, want: r, purpose: purpose}
		return c.explain(c.inTurn(ctx, func() (err error) { key, err = p.run(ctx); return err }))
	})
	return key, err
}

// maxSlotChanges bounds how often a slot may change under our hands, because another program or a broken connection
// got in between, before the preparation gives up.
const maxSlotChanges = 3

// preparation is one call of Store.Key on one card (hardware-key sheet, 4).
type preparation struct {
	store   *Store
	card    *card
	want    Requirement
	purpose Purpose
	pin     *secret.Bytes // verified; nil until it was needed
}

func (p *preparation) run(ctx context.Context) (*Key, error) {
	defer func() { p.pin.Wipe() }()
	info, err := p.card.identifyBusy(ctx, p.store.touchShow(p.card, p.want.Slot, p.purpose))
	if err != nil {
		return nil, err
	}
	for range maxSlotChanges {
		var key *Key
		key, err = p.step(ctx, info)
		if !isKind(err, kindChanged) {
			return key, err
		}
	}
	return nil, err
}

// step looks at the slot and does what is missing.
func (p *preparation) step(ctx context.Context, info *cardInfo) (*Key, error) {
	answer, err := p.card.ask(ctx, p.request(opInspect, Policy{}))
	if err != nil {
		return nil, err
	}
	found, err := p.judge(answer.Slot)
	if err != nil {
		return nil, err
	}
	if found.policy.PIN && (found.next != "" || !info.Known || info.needsSetUp()) {
		if err := p.settlePIN(ctx, info); err != nil {
			return nil, err
		}
	}
	if found.next == "" {
		return p.key(answer.Slot)
	}
	q := p.request(found.next, found.policy)
	q.Unit, q.Public, q.secrets = p.store.unit, found.public, secrets{PIN: p.pin}
	answer, err = p.card.askTouch(ctx, q, p.store.touchShow(p.card, p.want.Slot, p.purpose))
	if err != nil {
		return nil, err
	}
	if _, err := p.judge(answer.Slot); err != nil { // what the card made must be what it was told to make
		return nil, err
	}
	return p.key(answer.Slot)
}

func (p *preparation) request(what op, policy Policy) *request {
	return &request{
		Op: what, Serial: p.card.id().Serial, Slot: p.want.Slot, Policy: policy, hold: p.store.heldWait(p.purpose),
	}
}

// finding is what a look into the slot led to.
type finding struct {
	next   op     // opGenerate, opMark, or empty when the key is ready
	policy Policy // of the key that is there or will be
	public []byte // PKIX DER of the key that is there
}

// judge decides what to do with what is in the slot, or refuses it.
func (p *preparation) judge(slot *slotContents) (finding, error) {
	cert, err := certificateOf(slot)
	if err != nil || slot.Unattested || cert != nil && !isMarker(cert) {
		return finding{}, p.foreign(slot, cert)
	}
	if slot.Attestation == nil {
		return finding{next: opGenerate, policy: p.want.Policy}, nil
	}
	attested, err := ParseAttestation(slot.Attestation, slot.Device, p.store.roots)
	if err != nil {
		return finding{}, err
	}
	if cert == nil {
		return finding{}, p.foreign(slot, nil)
	}
	if !attested.Policy.Satisfies(p.want.Policy) {
		return finding{}, p.tooWeak(attested.Policy)
	}
	there := finding{policy: attested.Policy, public: attested.PublicKey}
	if slotKey, err := x509.ParsePKIXPublicKey(attested.PublicKey); err == nil && isPlaceholder(cert, slotKey) {
		there.next = opMark
	}
	return there, nil
}

// certificateOf decodes the slot's certificate object; nil if there is none.
func certificateOf(slot *slotContents) (*x509.Certificate, error) {
	if slot.Certificate == nil {
		return nil, nil
	}
	return x509.ParseCertificate(slot.Certificate)
}

// foreign refuses a slot that is not ours and says what is in it.
func (p *preparation) foreign(slot *slotContents, cert *x509.Certificate) error {
	what := fmt.Sprintf("Slot %s of %s holds something that Touchstone did not make: %s.",
		p.want.Slot, p.card.id().inside(), contentsOf(slot, cert))
	return fault.Wrap(ErrSlotTaken, what, fmt.Sprintf("Nothing was changed. Choose another slot, "+
		"or free slot %s with ykman once you are sure that nobody needs what is in it.", p.want.Slot))
}

// contentsOf describes a slot in words: subject, algorithm, and where the key is from.
func contentsOf(slot *slotContents, cert *x509.Certificate) string {
	switch {
	case cert != nil && isMarker(cert):
		return fmt.Sprintf("an imported %s key, which cannot be attested", slot.Algorithm)
	case cert != nil:
		return fmt.Sprintf("a certificate for %q with an %s key", cert.Subject.String(), algorithmName(cert.PublicKey))
	case slot.Unattested:
		return fmt.Sprintf("an imported key without a certificate (%s)", slot.Algorithm)
	default:
		return fmt.Sprintf("a key without a certificate (%s)", attestedAlgorithm(slot))
	}
}

// tooWeak refuses a key whose policy is not enough; replacing it would take it away from whoever uses it.
func (p *preparation) tooWeak(has Policy) error {
	what := fmt.Sprintf("The key in slot %s of %s asks for %s, but %s is required.",
		p.want.Slot, p.card.id().inside(), has, p.want.Policy)
	return fault.Wrap(ErrSlotTaken, what,
		"Choose another slot, or free this one with ykman if no cluster needs its key any more.")
}

// settlePIN makes sure that the card has a PIN of its own, a PUK too, and that the person knows the PIN
// (hardware-key sheet, 6.2).
func (p *preparation) settlePIN(ctx context.Context, info *cardInfo) error {
	if p.pin != nil {
		return nil
	}
	if info.Known && info.PINAttempts == 0 {
		return &failure{Kind: kindPINBlocked, Text: "no attempt is left for the PIN"}
	}
	ask := p.store.pinAsk(p.card, p.want.Slot, p.purpose, p.want.PINCacheTTL)
	pin, err := p.card.withPIN(ctx, ask, func(pin *secret.Bytes) error { return p.verify(ctx, pin) })
	if err != nil {
		pin.Wipe()
		return err
	}
	if isFactoryPIN(pin) || info.needsSetUp() {
		pin.Wipe()
		if pin, err = p.card.chooseNewPIN(ctx, p.store.prompter, p.purpose); err != nil {
			return err
		}
	}
	p.pin = pin
	p.card.keepPIN(pin, p.want.PINCacheTTL)
	return nil
}

func (p *preparation) verify(ctx context.Context, pin *secret.Bytes) error {
	q := p.request(opVerify, Policy{})
	q.secrets.PIN = pin
	_, err := p.card.ask(ctx, q)
	return err
}

// key makes a Key of what is in the slot now.
func (p *preparation) key(slot *slotContents) (*Key, error) {
	attested, err := ParseAttestation(slot.Attestation, slot.Device, p.store.roots)
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(attested.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("decoding the attested key: %w", err)
	}
	ec, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, algorithmFault(p.card.id(), p.want.Slot, algorithmName(public))
	}
	return &Key{store: p.store, public: ec, attested: attested, reference: p.reference(slot, attested)}, nil
}

func (p *preparation) reference(slot *slotContents, attested *Attested) Reference {
	return Reference{
		Serial:      p.card.id().Serial,
		SlotKey:     uint32(p.want.Slot),
		PublicKey:   attested.PublicKey,
		Policy:      ReferencePolicy{TouchRequired: attested.Policy.Touch, PINRequired: attested.Policy.PIN},
		Attestation: AttestationStatement{YubiKeyStatement{SlotCert: slot.Attestation, AttestationCert: slot.Device}},
		PINCacheTTL: min(max(p.want.PINCacheTTL, 0), maxPINCacheTTL),
	}
}

// attestedAlgorithm names the kind of the key that a statement is about.
func attestedAlgorithm(slot *slotContents) string {
	cert, err := x509.ParseCertificate(slot.Attestation)
	if err != nil {
		return "unknown"
	}
	return algorithmName(cert.PublicKey)
}

// algorithmName names the kind of a public key as tools print it.
func algorithmName(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case ed25519.PublicKey:
		return "Ed25519"
	default:
		return "unknown"
	}
}

func algorithmFault(card CardID, slot Slot, algorithm string) error {
	what := fmt.Sprintf("The key in slot %s of %s is %s, which Touchstone cannot sign in with.",
		slot, card.inside(), algorithm)
	return fault.New(what, "Choose a slot with an ECDSA P-256 key, or an empty one.")
}
