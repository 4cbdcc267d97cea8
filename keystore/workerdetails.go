package keystore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"
)

// cardReading is what a card shows of its slots and its management key.
type cardReading struct {
	Slots      []slotReading     `json:"slots"`
	Device     []byte            `json:"device,omitempty"` // DER of the certificate in f9
	Management ManagementDetails `json:"management"`
}

// slotReading is what a card shows of one slot.
type slotReading struct {
	Slot        Slot        `json:"slot"`
	Certificate []byte      `json:"certificate,omitempty"` // DER
	Unreadable  bool        `json:"unreadable,omitempty"`  // the object holds something but no certificate
	Attestation []byte      `json:"attestation,omitempty"` // DER
	Shown       bool        `json:"shown,omitempty"`       // the card shows every key that it holds (firmware 5.3)
	Key         *keyReading `json:"key,omitempty"`         // what it shows; nil where it shows none
}

// keyReading is a card's metadata of a key.
type keyReading struct {
	Algorithm string      `json:"algorithm"`
	PIN       PINPolicy   `json:"pin,omitempty"`
	Touch     TouchPolicy `json:"touch,omitempty"`
	Origin    KeyOrigin   `json:"origin"`
	Public    []byte      `json:"public,omitempty"` // PKIX DER
}

// describe reads all slots on one connection, and about the management key on another (see info).
func (q *request) describe() (*reply, error) {
	answer, err := q.onCard(readSlots)
	if err != nil {
		return nil, err
	}
	about, err := q.management()
	if err != nil {
		return nil, err
	}
	answer.Reading.Management = *about.Management
	return answer, nil
}

// management reads what the card tells about its management key.
func (q *request) management() (*reply, error) {
	answers, err := exchange(q.Reader, selectPIV, metadataManagement, readAdminData)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return &reply{Management: &ManagementDetails{Kind: ManagementUnknown}}, nil
	case err != nil:
		return nil, fmt.Errorf("reading about the management key: %w", err)
	}
	details := managementDetails(answers[1], answers[2])
	return &reply{Management: &details}, nil
}

func readSlots(yk *piv.YubiKey, _ *request) (*reply, error) {
	var read cardReading
	for _, slot := range []Slot{Slot9A, Slot9C, Slot9D, Slot9E} {
		one, err := readSlot(yk, slot)
		if err != nil {
			return nil, err
		}
		read.Slots = append(read.Slots, *one)
	}
	device, err := yk.AttestationCertificate()
	if err == nil {
		read.Device = device.Raw
	} else if pcscFailed(err) {
		return nil, fmt.Errorf("reading the attestation certificate: %w", err)
	}
	return &reply{Reading: &read}, nil
}

// readSlot reads what a card shows of one slot. Whatever it refuses to show is left out.
func readSlot(yk *piv.YubiKey, slot Slot) (*slotReading, error) {
	read := &slotReading{Slot: slot}
	cert, err := yk.Certificate(pivSlots[slot])
	switch {
	case err == nil:
		read.Certificate = cert.Raw
	case pcscFailed(err):
		return nil, fmt.Errorf("reading the certificate in slot %s: %w", slot, err)
	default:
		read.Unreadable = statusOf(err) == 0 // no refusal of the card: something was there
	}
	statement, err := yk.Attest(pivSlots[slot])
	if err == nil {
		read.Attestation = statement.Raw
	} else if pcscFailed(err) {
		return nil, fmt.Errorf("attesting slot %s: %w", slot, err)
	}
	if read.Shown = atLeast(yk.Version(), firstMetadata); !read.Shown {
		return read, nil
	}
	info, err := yk.KeyInfo(pivSlots[slot])
	switch {
	case pcscFailedIn(err):
		return nil, fmt.Errorf("reading about slot %s: %w", slot, err)
	case statusOf(err) == 0:
		read.Key = keyReadingOf(info)
	}
	return read, nil
}

// pcscFailedIn is pcscFailed for errors that may be nil.
func pcscFailedIn(err error) bool { return err != nil && pcscFailed(err) }

// keyReadingOf translates piv-go's words. It is incomplete for a key of a kind that piv-go does not know.
func keyReadingOf(info piv.KeyInfo) *keyReading {
	key := &keyReading{
		Algorithm: algorithmName(info.PublicKey),
		PIN:       pinPolicies[info.PINPolicy],
		Touch:     touchPolicies[info.TouchPolicy],
		Origin:    OriginUnknown,
	}
	switch info.Origin {
	case piv.OriginGenerated:
		key.Origin = OriginGenerated
	case piv.OriginImported:
		key.Origin = OriginImported
	}
	if public, err := x509.MarshalPKIXPublicKey(info.PublicKey); err == nil {
		key.Public = public
	}
	return key
}

func (r *slotReading) state() SlotState {
	switch {
	case r.Key != nil || r.Attestation != nil:
		return SlotKey
	case r.Certificate != nil || r.Unreadable:
		return SlotCertificate
	case r.Shown:
		return SlotEmpty
	default:
		return SlotUnsure
	}
}

// contentsUnsure is SlotDetails.Contents of a slot that looks empty on a card that does not show every key.
const contentsUnsure = "unsure"

// contents is SlotDetails.Contents. The statement is made anew each time, so that only its key counts.
func (r *slotReading) contents() string {
	switch r.state() {
	case SlotEmpty:
		return ""
	case SlotUnsure:
		return contentsUnsure
	}
	h := sha256.New()
	fmt.Fprintf(h, "%x/%v/", r.Certificate, r.Unreadable)
	if statement, err := x509.ParseCertificate(r.Attestation); err == nil {
		fmt.Fprintf(h, "%x", statement.RawSubjectPublicKeyInfo)
	}
	if r.Key != nil {
		fmt.Fprintf(h, "/%x/%s/%s/%s", r.Key.Public, r.Key.PIN, r.Key.Touch, r.Key.Origin)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
