package keystore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// ErrNotMarked says that a slot does not carry the mark of these clusters' clients, so that its key is none of ours to
// use for others.
var ErrNotMarked = errors.New("the slot is not marked")

// MarkedKey names a key for another program: its place, its public half as PKIX DER, and how long its PIN may be kept.
type MarkedKey struct {
	Serial      uint32
	Slot        Slot
	Public      []byte
	PINCacheTTL time.Duration
}

// OpenMarkedKey returns the key in a slot for another program that asks for a signature (hardware-key sheet, 10.3). It
// looks into the slot, changes nothing and asks the person nothing. A slot without the mark is refused with
// ErrNotMarked, one that holds another key than the program believes with ErrSlotChanged: that protects the keys that
// other software has on the card.
func (s *Store) OpenMarkedKey(ctx context.Context, want MarkedKey) (*Key, error) {
	if _, ok := pivSlots[want.Slot]; !ok || want.Serial == 0 {
		return nil, fault.New("A program asked for a key without saying which.", "Nothing was signed; update the program.")
	}
	c, err := s.find(ctx, want.Serial)
	if err != nil {
		return nil, err
	}
	answer, err := c.ask(ctx, &request{Op: opInspect, Serial: want.Serial, Slot: want.Slot})
	if err != nil {
		return nil, c.explain(err)
	}
	cert, err := certificateOf(answer.Slot)
	if err != nil || cert == nil || !isMarker(cert) || answer.Slot.Attestation == nil {
		return nil, notMarkedFault(c.id(), want.Slot)
	}
	key, err := s.attestedKey(want, answer.Slot)
	if err != nil {
		return nil, c.explain(err)
	}
	if !bytes.Equal(key.reference.PublicKey, want.Public) {
		return nil, c.explain(&failure{Kind: kindChanged, Text: "the slot holds another key than the program asks for"})
	}
	return key, nil
}

// attestedKey makes a Key of what a slot holds.
func (s *Store) attestedKey(want MarkedKey, slot *slotContents) (*Key, error) {
	attested, err := ParseAttestation(slot.Attestation, slot.Device, s.roots)
	if err != nil {
		return nil, err
	}
	return s.OpenKey(Reference{
		Serial: want.Serial, SlotKey: uint32(want.Slot), PublicKey: attested.PublicKey,
		Policy:      ReferencePolicy{TouchRequired: attested.Policy.Touch, PINRequired: attested.Policy.PIN},
		Attestation: AttestationStatement{YubiKeyStatement{SlotCert: slot.Attestation, AttestationCert: slot.Device}},
		PINCacheTTL: min(max(want.PINCacheTTL, 0), maxPINCacheTTL),
	})
}

func notMarkedFault(card CardID, slot Slot) error {
	return fault.Wrap(ErrNotMarked, fmt.Sprintf("Slot %s of %s holds no key that was made for signing in to clusters.", slot, card.inside()),
		"Nothing was signed: Touchstone uses for other programs only slots whose certificate has the organisation teleport and "+
			"whose key is attested.")
}

// Agent is another program of this person that signs with the same keys, and asks for PIN and touch itself.
type Agent interface {
	// Sign has the other program sign, and returns the signature in ASN.1 DER. context.Canceled says that the person
	// refused there. After any other error the card is used directly, as the clusters' own clients do.
	Sign(ctx context.Context, r AgentRequest) ([]byte, error)
}

// AgentRequest is a signature that is wanted of an Agent.
type AgentRequest struct {
	Key     Reference
	Purpose Purpose
	Digest  []byte
	Hash    crypto.Hash
}

// viaAgent is what activity calls an Agent.
const viaAgent = "key agent"

// signAnywhere has the agent sign, if there is one, and else the card.
func (k *Key) signAnywhere(ctx context.Context, use keyUse) ([]byte, error) {
	if agent := k.store.agent; agent != nil {
		request := AgentRequest{Key: k.reference, Purpose: use.purpose, Digest: use.digest, Hash: use.hash}
		signature, err := agent.Sign(ctx, request)
		switch {
		case err == nil && ecdsa.VerifyASN1(k.public, use.digest, signature):
			use.entry.note(func(a *Activity) { a.Via = viaAgent })
			return signature, nil
		case err == nil:
			k.store.log.Warn("the key agent's signature is not of the key that was asked for")
		case errors.Is(err, context.Canceled) || ctx.Err() != nil: // asking the person again would be asking too much
			use.entry.note(func(a *Activity) { a.Via = viaAgent })
			return nil, err
		default:
			k.store.log.Debug("the key agent did not sign", "err", err)
		}
	}
	return k.sign(ctx, use)
}
