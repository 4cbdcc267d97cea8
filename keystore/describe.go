package keystore

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Describe reads everything that a card tells about itself: its secrets' state, its slots and what it attests about
// their keys. A serial of 0 is the first card found. It asks for nothing, needs no secret and works with every
// firmware; what an older one does not tell is left unknown. Errors hold a fault.
func (s *Store) Describe(ctx context.Context, serial uint32) (*CardDetails, error) {
	c, err := s.find(ctx, serial)
	if err != nil {
		return nil, err
	}
	details, err := s.describe(ctx, c)
	return details, c.explain(err)
}

// Attestation is the card's statement about the key in a slot. A slot without a key, and one with a key that was
// imported, is ErrNotAttested.
func (s *Store) Attestation(ctx context.Context, serial uint32, slot Slot) (*Attestation, error) {
	if err := checkSlot(slot); err != nil {
		return nil, err
	}
	details, err := s.Describe(ctx, serial)
	if err != nil {
		return nil, err
	}
	if found := details.Slot(slot); found.Attestation == nil {
		return nil, unattestedFault(details.CardID, found)
	} else {
		return found.Attestation, nil
	}
}

// describe is Describe for one card. Its errors are explained by the caller.
func (s *Store) describe(ctx context.Context, c *card) (*CardDetails, error) {
	info, err := c.identify(ctx)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, c, info)
}

// read is describe for a card that was asked who it is just now.
func (s *Store) read(ctx context.Context, c *card, info *cardInfo) (*CardDetails, error) {
	answer, err := c.ask(ctx, &request{Op: opDescribe, Serial: info.Serial})
	if err != nil {
		return nil, err
	}
	return s.detailsOf(info, answer.Reading), nil
}

func (s *Store) detailsOf(info *cardInfo, read *cardReading) *CardDetails {
	d := &CardDetails{
		CardID:     CardID{Serial: info.Serial, Model: info.Model},
		Firmware:   info.Firmware,
		FormFactor: info.FormFactor,
		PIN:        s.secretDetails(info, "PIN"),
		PUK:        s.secretDetails(info, "PUK"),
		Management: read.Management,
	}
	if device, err := x509.ParseCertificate(read.Device); err == nil {
		d.Device = device
	}
	for _, one := range read.Slots {
		d.Slots = append(d.Slots, one.details(read.Device, s.roots))
	}
	return d
}

func (i *cardInfo) pinDetails() SecretDetails {
	if i.Known {
		return SecretDetails{Ownership: ownership(i.PINIsDefault), AttemptsLeft: i.PINAttempts, Attempts: i.PINTotal}
	}
	left := AttemptsUnknown
	if i.PINTold {
		left = i.PINAttempts
	}
	return SecretDetails{Ownership: OwnershipUnknown, AttemptsLeft: left, Attempts: AttemptsUnknown}
}

func (i *cardInfo) pukDetails() SecretDetails {
	if i.Known {
		return SecretDetails{Ownership: ownership(i.PUKIsDefault), AttemptsLeft: i.PUKAttempts, Attempts: i.PUKTotal}
	}
	return SecretDetails{Ownership: OwnershipUnknown, AttemptsLeft: AttemptsUnknown, Attempts: AttemptsUnknown}
}

func ownership(isFactory bool) Ownership {
	if isFactory {
		return OwnershipFactory
	}
	return OwnershipOwn
}

// details puts together what the certificate, the statement and the metadata of a slot say.
func (r *slotReading) details(device []byte, roots *x509.CertPool) SlotDetails {
	d := SlotDetails{Slot: r.Slot, State: r.state(), Unreadable: r.Unreadable, Contents: r.contents()}
	if cert, err := x509.ParseCertificate(r.Certificate); err == nil {
		d.Certificate = cert
		d.Algorithm = algorithmName(cert.PublicKey)
	}
	if d.State != SlotEmpty && d.State != SlotUnsure {
		d.Owner = ownerOf(d.Certificate)
	}
	if d.State == SlotCertificate && !r.Shown {
		d.Origin = OriginUnknown
	}
	if r.Attestation != nil {
		d.Attestation, d.AttestationProblem = ReadAttestation(r.Attestation, device, roots)
	}
	if a := d.Attestation; a != nil {
		d.Origin, d.PIN, d.Touch, d.PublicKey = OriginGenerated, a.PIN, a.Touch, a.PublicKey
		d.Algorithm = algorithmName(a.Chain[0].PublicKey)
	}
	if key := r.Key; key != nil {
		d.Origin, d.PIN, d.Touch, d.PublicKey, d.Algorithm = key.Origin, key.PIN, key.Touch, key.Public, key.Algorithm
	}
	return d
}

// checkSlot refuses slots that hold no keys of people.
func checkSlot(slot Slot) error {
	if _, ok := pivSlots[slot]; !ok {
		return fault.New(fmt.Sprintf("Slot %s cannot hold a key for signing in.", slot), "Use slot 9a, 9c, 9d or 9e.")
	}
	return nil
}

// unattestedFault says why there is no statement about what is in a slot.
func unattestedFault(card CardID, found SlotDetails) error {
	where := fmt.Sprintf("Slot %s of %s", found.Slot, card.inside())
	switch {
	case found.AttestationProblem != nil:
		return fault.Wrap(fmt.Errorf("%w: %w", ErrNotAttested, found.AttestationProblem),
			where+" has an attestation that proves nothing.", "Make a new key in the slot, or use another YubiKey.")
	case found.State == SlotKey && found.Origin == OriginGenerated:
		return fault.Wrap(ErrNotAttested, where+" holds a key that the card does not attest.",
			"Make a key of another kind in the slot, or choose another slot.")
	case found.State == SlotKey:
		return fault.Wrap(ErrNotAttested, where+" holds a key that was imported, which cannot be attested.",
			"Make a key in the slot itself; only such a key is known never to have left the card.")
	case found.State == SlotCertificate:
		return fault.Wrap(ErrNotAttested, where+" holds a certificate but no key that the card can attest.",
			"Make a key in the slot; an imported one cannot be attested.")
	default:
		return fault.Wrap(ErrNotAttested, where+" holds no key that could be attested.", "Make a key in the slot, or choose another slot.")
	}
}
