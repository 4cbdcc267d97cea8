package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// wish is which key is wanted, and what the person has said about what is in its slot.
type wish struct {
	want Requirement
	// custom says that the slot was chosen and is not just the policy's. What is in a chosen slot need not be marked
	// (hardware-key sheet, 4.3).
	custom    bool
	accepted  []byte // PKIX DER of a key of another program that the person wants to be used
	overwrite string // SlotDetails.Contents of what the person has given up
}

// finding is what a look into the slot led to.
type finding struct {
	next   op     // opGenerate, opMark, or empty when the key is ready
	policy Policy // of the key that is there or will be
	public []byte // PKIX DER of the key that is there
}

// takenError says that a slot holds something that is not ours to overwrite.
type takenError struct {
	why *fault.Fault
	// usable is the key of another program that would do, PKIX DER; nil if there is none.
	usable []byte
}

func (e *takenError) Error() string { return e.why.Error() }
func (e *takenError) Unwrap() error { return e.why }

// judge decides what to do with what is in the slot, or refuses it. A slot that others use is a *takenError, unless its
// contents were given up.
func (p *preparation) judge(slot *slotContents) (finding, error) {
	found, err := p.wish.judge(slot, p.card.id(), p.store.roots)
	var taken *takenError
	if p.overwrite != "" && errors.As(err, &taken) {
		return finding{}, nil
	}
	return found, err
}

// judge is the whole table of what is done with a slot: it depends on nothing but the wish and what the card shows.
func (w *wish) judge(slot *slotContents, card CardID, roots *x509.CertPool) (finding, error) {
	cert, err := certificateOf(slot)
	isMarked := err == nil && cert != nil && isMarker(cert)
	switch {
	case err != nil || slot.Unattested || slot.Attestation == nil && cert != nil && (!isMarked || mayHide(slot, cert)):
		return finding{}, w.foreign(slot, cert, card, nil)
	case slot.Attestation == nil:
		return finding{next: opGenerate, policy: w.want.Policy}, nil
	}
	attested, err := ParseAttestation(slot.Attestation, slot.Device, roots)
	if err != nil {
		return finding{}, err
	}
	if !isMarked {
		return w.judgeUnmarked(slot, cert, card, attested)
	}
	there := finding{policy: attested.Policy, public: attested.PublicKey}
	slotKey, err := x509.ParsePKIXPublicKey(attested.PublicKey)
	switch {
	case err != nil || !canSign(slotKey):
		return finding{}, &takenError{why: algorithmFault(card, w.want.Slot, algorithmName(slotKey))}
	case !attested.Policy.Satisfies(w.want.Policy):
		return finding{}, w.tooWeak(cert, card, attested.Policy)
	case isPlaceholder(cert, slotKey):
		there.next = opMark
	}
	return there, nil
}

// mayHide reports whether there may be an imported key beside a marker that the card does not show. Only Touchstone marks
// slots before it makes their keys.
func mayHide(slot *slotContents, marker *x509.Certificate) bool {
	return slot.Hidden && ownerOf(marker).Kind != OwnerTouchstone
}

// judgeUnmarked judges a key that the card made for another program. It does if its slot was chosen or the person wants
// it, and if it is good enough.
func (w *wish) judgeUnmarked(slot *slotContents, cert *x509.Certificate, card CardID, attested *Attested) (finding, error) {
	slotKey, err := x509.ParsePKIXPublicKey(attested.PublicKey)
	if err != nil || !canSign(slotKey) || !attested.Policy.Satisfies(w.want.Policy) {
		return finding{}, w.foreign(slot, cert, card, nil)
	}
	if w.custom || bytes.Equal(attested.PublicKey, w.accepted) {
		return finding{policy: attested.Policy, public: attested.PublicKey}, nil
	}
	return finding{}, w.foreign(slot, cert, card, attested.PublicKey)
}

// canSign reports whether Touchstone signs in with keys of this kind.
func canSign(public crypto.PublicKey) bool {
	_, ok := public.(*ecdsa.PublicKey)
	return ok
}

// certificateOf decodes the slot's certificate object; nil if there is none.
func certificateOf(slot *slotContents) (*x509.Certificate, error) {
	if slot.Certificate == nil {
		return nil, nil
	}
	return x509.ParseCertificate(slot.Certificate)
}

// foreign refuses a slot that is not ours and says what is in it and what it lacks.
func (w *wish) foreign(slot *slotContents, cert *x509.Certificate, card CardID, usable []byte) error {
	what := fmt.Sprintf("Slot %s of %s holds something that Touchstone did not make: %s%s.",
		w.want.Slot, card.inside(), contentsOf(slot, cert), w.lackOf(slot))
	do := fmt.Sprintf("Nothing was changed. Choose another slot, "+
		"or free slot %s with ykman once you are sure that nobody needs what is in it.", w.want.Slot)
	if usable != nil {
		do = fmt.Sprintf("Nothing was changed. Choose slot %s yourself to sign in with the key that is there, or choose another one.", w.want.Slot)
	}
	return &takenError{why: fault.Wrap(ErrSlotTaken, what, do), usable: usable}
}

// lackOf says what an attested key is short of, as the end of a sentence.
func (w *wish) lackOf(slot *slotContents) string {
	if slot.Attestation == nil {
		return ""
	}
	attested, err := ParseAttestation(slot.Attestation, slot.Device, nil)
	if err != nil {
		return ""
	}
	if key, err := x509.ParsePKIXPublicKey(attested.PublicKey); err != nil || !canSign(key) {
		return ", which Touchstone cannot sign in with"
	}
	has, want := attested.Policy, w.want.Policy
	if has.Satisfies(want) {
		return ""
	}
	return fmt.Sprintf(", which does not ask for %s as is required", Policy{Touch: want.Touch && !has.Touch, PIN: want.PIN && !has.PIN})
}

// unreadableCertificate is slotContents.Algorithm of a slot whose certificate object holds something else.
const unreadableCertificate = "an unreadable certificate"

// contentsOf describes a slot in words: subject, issuer, algorithm, and where the key is from.
func contentsOf(slot *slotContents, cert *x509.Certificate) string {
	switch {
	case slot.Algorithm == unreadableCertificate:
		return "something that is no certificate"
	case cert != nil && isMarker(cert) && slot.Hidden:
		return "the mark of another client of Teleport clusters, and maybe an imported key, which this firmware does not show"
	case cert != nil && isMarker(cert):
		return fmt.Sprintf("an imported %s key, which cannot be attested", slot.Algorithm)
	case cert != nil:
		return fmt.Sprintf("a certificate for %q with an %s key%s", cert.Subject.String(), algorithmName(cert.PublicKey), issuerOf(cert))
	case slot.Unattested:
		return fmt.Sprintf("an imported key without a certificate (%s)", slot.Algorithm)
	default:
		return fmt.Sprintf("a key without a certificate (%s)", attestedAlgorithm(slot))
	}
}

// issuerOf says who issued a certificate, unless it is the one that it is for.
func issuerOf(cert *x509.Certificate) string {
	if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
		return ""
	}
	return fmt.Sprintf(" from %q", cert.Issuer.String())
}

// tooWeak refuses a marked key whose policy is not enough; replacing it would take it away from whoever uses it.
func (w *wish) tooWeak(marker *x509.Certificate, card CardID, has Policy) error {
	maker := "another client of Teleport clusters"
	if ownerOf(marker).Kind == OwnerTouchstone {
		maker = "Touchstone"
	}
	what := fmt.Sprintf("The key in slot %s of %s, made by %s, asks for %s, but %s required.",
		w.want.Slot, card.inside(), maker, asked(has), demanded(w.want.Policy))
	return &takenError{why: fault.Wrap(ErrSlotTaken, what,
		"Nothing was changed. Choose another slot, or free this one with ykman if no cluster needs its key any more.")}
}

// asked is what a key asks for, in the middle of a sentence.
func asked(p Policy) string {
	if p == (Policy{}) {
		return "neither touch nor PIN"
	}
	return p.String()
}

// demanded is what is demanded of a key, with its verb.
func demanded(p Policy) string {
	if p.Touch && p.PIN {
		return p.String() + " are"
	}
	return p.String() + " is"
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
	case *ecdh.PublicKey: // cards know no other curve for agreement only
		return "X25519"
	default:
		return "unknown"
	}
}

func algorithmFault(card CardID, slot Slot, algorithm string) *fault.Fault {
	what := fmt.Sprintf("The key in slot %s of %s is %s, which Touchstone cannot sign in with.",
		slot, card.inside(), algorithm)
	return fault.Wrap(ErrSlotTaken, what, "Choose a slot with an ECDSA P-256 key, or an empty one.")
}
