package keystore

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/go-piv/piv-go/v2/piv"
)

// generate makes a P-256 key in a slot and marks the slot.
//
// The marker comes first, with a key of its own, and is replaced by one that the slot's key signed. So the slot is
// marked at every moment, and a sign-in that ends between the two, because the touch did not come or the card was
// pulled, finds its own half-made slot again instead of a foreign key.
func generate(yk *piv.YubiKey, q *request) (*reply, error) {
	if err := checkVacant(yk, q); err != nil {
		return nil, err
	}
	public, err := fillSlot(yk, q)
	if err != nil {
		return nil, err
	}
	if err := showPIN(yk, q); err != nil {
		return nil, err
	}
	if err := storeOwnMarker(yk, q, public); err != nil {
		return nil, err
	}
	return inspectKey(yk, q, public)
}

// fillSlot makes the key and the first marker. What is overwritten loses its key first: a marker beside the key of
// somebody else would have us take it for our own later.
func fillSlot(yk *piv.YubiKey, q *request) (public crypto.PublicKey, err error) {
	steps := []func() error{
		func() error { return storePlaceholder(yk, q) },
		func() error { public, err = makeKeyIn(yk, q); return err },
	}
	if q.Contents != "" {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return public, nil
}

func makeKeyIn(yk *piv.YubiKey, q *request) (crypto.PublicKey, error) {
	public, err := manage(yk, q, func(key []byte) (crypto.PublicKey, error) {
		return yk.GenerateKey(key, pivSlots[q.Slot], keyOptions(q.Policy))
	})
	if err != nil {
		return nil, fmt.Errorf("generating a key in slot %s: %w", q.Slot, err)
	}
	return public, nil
}

func storePlaceholder(yk *piv.YubiKey, q *request) error {
	placeholder, err := placeholderMarker(q.Unit)
	if err != nil {
		return err
	}
	return storeMarker(yk, q, placeholder)
}

// checkVacant looks once more, on the connection that will write: another program may have been faster, or an
// earlier try of ours whose answer was lost.
func checkVacant(yk *piv.YubiKey, q *request) error {
	if q.Contents != "" {
		return checkGivenUp(yk, q)
	}
	answer, err := inspect(yk, q)
	if err != nil {
		return err
	}
	cert, err := certificateOf(answer.Slot)
	if err != nil || answer.Slot.Attestation != nil || answer.Slot.Unattested || cert != nil && !isMarker(cert) {
		return &failure{Kind: kindChanged, Text: fmt.Sprintf("slot %s is no longer empty", q.Slot)}
	}
	return nil
}

// checkGivenUp makes sure that the slot holds what the person has given up and nothing else.
func checkGivenUp(yk *piv.YubiKey, q *request) error {
	found, err := readSlot(yk, q.Slot)
	if err != nil {
		return err
	}
	if found.contents() != q.Contents {
		return &failure{Kind: kindChanged, Text: fmt.Sprintf("slot %s holds something else than was shown", q.Slot)}
	}
	return nil
}

// inspectKey reads the slot and makes sure that what the card attests is the key that it has just made.
func inspectKey(yk *piv.YubiKey, q *request, want crypto.PublicKey) (*reply, error) {
	answer, err := inspect(yk, q)
	if err != nil {
		return nil, err
	}
	statement, err := x509.ParseCertificate(answer.Slot.Attestation)
	if err != nil || !samePublic(statement.PublicKey, want) {
		return nil, other("slot %s attests another key than the one that was made", q.Slot)
	}
	return answer, nil
}

// mark replaces the placeholder of a half-made slot by the marker that the slot's key signs.
func mark(yk *piv.YubiKey, q *request) (*reply, error) {
	public, err := q.publicOf()
	if err != nil {
		return nil, err
	}
	if err := checkPublic(yk, q, public); err != nil {
		return nil, err
	}
	if err := showPIN(yk, q); err != nil {
		return nil, err
	}
	if err := storeOwnMarker(yk, q, public); err != nil {
		return nil, err
	}
	return inspectKey(yk, q, public)
}

// storeOwnMarker signs and stores the final marker. This signature is the one touch that a new key costs.
func storeOwnMarker(yk *piv.YubiKey, q *request, public crypto.PublicKey) error {
	signer, err := signerOf(yk, q, public)
	if err != nil {
		return err
	}
	marker, err := newMarker(q.Unit, signer)
	if err != nil {
		return err
	}
	return storeMarker(yk, q, marker)
}

func storeMarker(yk *piv.YubiKey, q *request, marker *x509.Certificate) error {
	_, err := manage(yk, q, func(key []byte) (struct{}, error) {
		return struct{}{}, yk.SetCertificate(key, pivSlots[q.Slot], marker)
	})
	if err != nil {
		return fmt.Errorf("storing the certificate of slot %s: %w", q.Slot, err)
	}
	return nil
}

// keyOptions are the card's words for our policy (hardware-key sheet, 2.1).
func keyOptions(p Policy) piv.Key {
	options := piv.Key{
		Algorithm:   piv.AlgorithmEC256,
		PINPolicy:   piv.PINPolicyNever,
		TouchPolicy: piv.TouchPolicyNever,
	}
	if p.PIN {
		options.PINPolicy = piv.PINPolicyOnce
	}
	if p.Touch {
		options.TouchPolicy = piv.TouchPolicyCached
	}
	return options
}
