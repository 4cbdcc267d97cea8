package keystore

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// Key returns a key that meets the requirement: the one that is in the slot already if it is good enough, else a
// new one in an empty slot. It sets PIN and PUK up where the policy needs a PIN and the card still has a factory
// one. What others put into a slot is left alone, with a fault that names it, unless a SlotPrompter has the person
// decide otherwise; the key may then be in another slot than was asked for. A refused prompt is context.Canceled.
func (s *Store) Key(ctx context.Context, r Requirement, purpose Purpose) (*Key, error) {
	custom := r.Slot != 0
	if !custom {
		r.Slot = r.Policy.DefaultSlot()
	}
	if err := checkSlot(r.Slot); err != nil {
		return nil, err
	}
	if r.Serial == 0 {
		var err error
		if r.Serial, err = s.choose(ctx, purpose); err != nil {
			return nil, err
		}
	}
	var key *Key
	err := s.use(ctx, r.Serial, purpose, func(c *card) error {
		p := preparation{store: s, card: c, purpose: purpose, wish: wish{want: r, custom: custom}}
		return c.explain(c.inTurn(ctx, func() (err error) { key, err = p.run(ctx); return err }))
	})
	return key, err
}

// maxSlotChanges bounds how often a slot may change under our hands, because another program or a broken connection
// got in between, before the preparation gives up.
const maxSlotChanges = 3

// preparation is one call of Store.Key on one card (hardware-key sheet, 4).
type preparation struct {
	wish
	store   *Store
	card    *card
	purpose Purpose
	pin     *secret.Bytes // verified; nil until it was needed

	management management
}

func (p *preparation) run(ctx context.Context) (*Key, error) {
	defer p.wipe()
	info, err := p.card.identifyBusy(ctx, p.store.touchShow(p.card, p.want.Slot, p.purpose))
	if err != nil {
		return nil, err
	}
	for changes := 0; changes < maxSlotChanges; {
		var key *Key
		key, err = p.step(ctx, info)
		var taken *takenError
		switch {
		case errors.As(err, &taken):
			if err := p.decide(ctx, taken); err != nil {
				return nil, err
			}
		case isKind(err, kindChanged):
			p.overwrite = "" // what the person saw is not there any more
			changes++
		default:
			return key, err
		}
	}
	return nil, err
}

// wipe ends the secrets that the preparation needed.
func (p *preparation) wipe() {
	p.pin.Wipe()
	p.management.pin.Wipe()
	p.management.typed.Wipe()
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
	if p.overwrite != "" {
		found = finding{next: opGenerate, policy: p.want.Policy}
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
	q.Unit, q.Public, q.Contents = p.store.unit, found.public, p.overwrite
	answer, err = p.managed(ctx, q)
	if err != nil {
		return nil, err
	}
	p.overwrite = ""
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
	ec, ok := public.(*ecdsa.PublicKey) // else it was refused before
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
