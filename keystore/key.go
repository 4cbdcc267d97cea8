package keystore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

// Key is a private key in a slot of a card. It holds no connection and no secret; the card need not even be plugged
// in until a signature is wanted.
type Key struct {
	store     *Store
	public    *ecdsa.PublicKey
	attested  *Attested
	reference Reference
}

// OpenKey returns the key that a reference names. It touches no card. It fails for references that are incomplete or
// contradict themselves.
func (s *Store) OpenKey(r Reference) (*Key, error) {
	public, attested, err := r.parse(s.roots)
	if err != nil {
		return nil, fault.Wrap(err, "The remembered hardware key cannot be used.", "Sign in again to set it up anew.")
	}
	ec, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, algorithmFault(CardID{Serial: r.Serial}, Slot(r.SlotKey), algorithmName(public))
	}
	return &Key{store: s, public: ec, attested: attested, reference: r}, nil
}

// Public is the public half.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Slot is where the key lives.
func (k *Key) Slot() Slot { return Slot(k.reference.SlotKey) }

// Serial is the card that the key lives on.
func (k *Key) Serial() uint32 { return k.reference.Serial }

// Policy is what a signature costs, as the card attests; it can be more than what was required.
func (k *Key) Policy() Policy { return k.attested.Policy }

// Attested is what the card says about the key.
func (k *Key) Attested() Attested { return *k.attested }

// Attestation is the card's certificate about the key and the certificate of the card, both DER.
func (k *Key) Attestation() (slotCert, deviceCert []byte) {
	statement := k.reference.Attestation.YubiKey
	return slices.Clone(statement.SlotCert), slices.Clone(statement.AttestationCert)
}

// For binds the key to a purpose, which its prompts show, and to a context, which ends its waiting. A refused prompt
// is context.Canceled; other errors hold a fault.
func (k *Key) For(ctx context.Context, purpose Purpose) crypto.Signer {
	return &signer{key: k, ctx: ctx, purpose: purpose}
}

// signer is a crypto.Signer, whose Sign has no context of its own: it lives for one purpose.
type signer struct {
	key     *Key
	ctx     context.Context
	purpose Purpose
}

// Public is the public half of the key.
func (s *signer) Public() crypto.PublicKey { return s.key.public }

// Sign signs a digest and returns the signature in ASN.1 DER. The randomness is the card's own.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := opts.HashFunc()
	if hash == 0 || len(digest) != hash.Size() {
		return nil, fmt.Errorf("signing: a digest of %d bytes does not fit hash %v", len(digest), hash)
	}
	return s.key.record(s.ctx, keyUse{key: s.key, purpose: s.purpose, digest: digest, hash: hash})
}

// sign finds the card and has it sign.
func (k *Key) sign(ctx context.Context, use keyUse) (signature []byte, _ error) {
	err := k.store.use(ctx, k.Serial(), use.purpose, func(c *card) (err error) {
		signature, err = use.on(ctx, c)
		return err
	})
	return signature, err
}

// keyUse is one signature in the making.
type keyUse struct {
	key     *Key
	purpose Purpose
	digest  []byte
	hash    crypto.Hash
	card    *card
	entry   *entry // what is noted about it
}

// on makes the signature on a card.
func (u keyUse) on(ctx context.Context, c *card) (signature []byte, err error) {
	u.card = c
	if u.key.Policy().PIN {
		err = c.inTurn(ctx, func() (err error) { signature, err = u.withPIN(ctx); return err })
	} else {
		signature, err = u.attempt(ctx, nil)
	}
	if err != nil {
		return nil, c.explain(err)
	}
	if !ecdsa.VerifyASN1(u.key.public, u.digest, signature) { // old firmware cannot be asked beforehand
		return nil, c.explain(&failure{Kind: kindChanged, Text: "the signature is not of the key that was expected"})
	}
	return signature, nil
}

// withPIN tries without a PIN first, because the card may remember one, and asks for it with the card released.
func (u keyUse) withPIN(ctx context.Context) ([]byte, error) {
	signature, err := u.attempt(ctx, nil)
	if !isKind(err, kindPINNeeded) {
		return signature, err
	}
	ask := u.key.store.pinAsk(u.card, u.key.Slot(), u.purpose, u.key.reference.PINCacheTTL)
	ask.prompt.MayBeDefault = false // setting a PIN up belongs to signing in
	if left := attemptsOf(err); left > 0 {
		ask.prompt.AttemptsLeft = left
	}
	pin, err := u.card.withPIN(ctx, ask, func(pin *secret.Bytes) error {
		if isFactoryPIN(pin) {
			return factoryPINFault(u.card.id())
		}
		var err error
		signature, err = u.attempt(ctx, pin)
		return err
	})
	defer pin.Wipe()
	if err == nil || isKind(err, kindNoTouch) { // the card asks for a touch only after the PIN was right
		u.card.keepPIN(pin, ask.ttl)
	}
	return signature, err
}

// attempt asks the card for the signature once, with the PIN if there is one.
func (u keyUse) attempt(ctx context.Context, pin *secret.Bytes) ([]byte, error) {
	q := &request{
		Op: opSign, Serial: u.key.Serial(), Slot: u.key.Slot(), Policy: u.key.Policy(),
		Public: u.key.reference.PublicKey, Digest: u.digest, Hash: u.hash, Always: u.key.attested.pinAlways,
		Hold: pin == nil, secrets: secrets{PIN: pin},
	}
	answer, err := u.card.askTouch(ctx, q, u.noted(u.key.store.touchShow(u.card, u.key.Slot(), u.purpose)))
	if err != nil {
		return nil, err
	}
	return answer.Signature, nil
}

// keepPIN puts a PIN that the card has just accepted into the cache.
func (c *card) keepPIN(pin *secret.Bytes, ttl time.Duration) {
	c.pins.put(pin, ttl)
	c.changed()
}

func (s *Store) heldWait(purpose Purpose) *heldWait {
	return &heldWait{store: s, purpose: purpose, after: s.heldDelay}
}

func (s *Store) touchShow(c *card, slot Slot, purpose Purpose) touchShow {
	prompt := TouchPrompt{Card: c.id(), Slot: slot, Purpose: purpose}
	return touchShow{prompter: s.prompter, prompt: prompt, delay: s.touchDelay, hold: s.heldWait(purpose)}
}

func (s *Store) pinAsk(c *card, slot Slot, purpose Purpose, ttl time.Duration) pinAsk {
	prompt := PINPrompt{Card: c.id(), Slot: slot, Purpose: purpose}
	if info := c.known(); info != nil {
		prompt.AttemptsLeft, prompt.MayBeDefault = info.PINAttempts, info.mayHaveDefaultPIN()
	}
	return pinAsk{prompter: s.prompter, prompt: prompt, ttl: ttl}
}

// attemptsOf is how many attempts a failure says are left, or 0.
func attemptsOf(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.Attempts
	}
	return 0
}
