package keystore

import "crypto/x509"

// CardDetails is everything that a card tells about itself without a secret. Store.Describe makes it; it never
// changes afterwards.
type CardDetails struct {
	CardID
	Firmware   string // "5.4.3"
	FormFactor string // "USB-C keychain"; empty where the card does not tell
	PIN, PUK   SecretDetails
	Management ManagementDetails
	Slots      []SlotDetails // 9a, 9c, 9d and 9e, in this order
	// Device is the certificate in slot f9, of the key with which the card attests others; nil where there is none.
	Device *x509.Certificate
}

// Slot is what is in one of the four slots.
func (d *CardDetails) Slot(slot Slot) SlotDetails {
	for _, s := range d.Slots {
		if s.Slot == slot {
			return s
		}
	}
	return SlotDetails{Slot: slot, State: SlotEmpty}
}

// Ownership says whether a secret of a card is still the one that every new card has.
type Ownership string

// Whose secret it is.
const (
	OwnershipUnknown Ownership = "unknown" // firmware before 5.3 does not tell
	OwnershipFactory Ownership = "factory"
	OwnershipOwn     Ownership = "own"
)

// AttemptsUnknown stands for a number of attempts that the card does not tell.
const AttemptsUnknown = -1

// SecretDetails is the state of a PIN or PUK.
type SecretDetails struct {
	Ownership Ownership
	// AttemptsLeft before it is blocked, and Attempts after a right one; AttemptsUnknown where the card does not tell.
	// Firmware before 5.3 tells only the attempts left for the PIN, and those of the PUK after a wrong one.
	AttemptsLeft, Attempts int
}

// Blocked reports whether no attempt is left, as far as the card tells.
func (s SecretDetails) Blocked() bool { return s.AttemptsLeft == 0 }

// ManagementKind says how the management key of a card is kept.
type ManagementKind string

// The kinds of management keys.
const (
	ManagementUnknown   ManagementKind = "unknown"   // firmware before 5.3 does not tell
	ManagementFactory   ManagementKind = "factory"   // the one that every new card has
	ManagementProtected ManagementKind = "protected" // stored on the card behind the PIN, as ykman does
	ManagementOwn       ManagementKind = "own"       // somebody has it
)

// ManagementDetails is the state of the management key, which is needed to make keys and to store certificates.
type ManagementDetails struct {
	Kind      ManagementKind
	Algorithm string // "3DES", "AES-192"; empty where the card does not tell
	Touch     bool   // its use costs a touch
}

// SlotState says what kind of thing is in a slot.
type SlotState string

// What can be in a slot.
const (
	SlotEmpty SlotState = "empty"
	SlotKey   SlotState = "key"
	// SlotCertificate is a certificate beside which the card shows no key. Firmware before 5.3 does not show keys that
	// were imported.
	SlotCertificate SlotState = "certificate"
	// SlotUnsure is a slot that looks empty on a card that would not show an imported key (firmware before 5.3).
	SlotUnsure SlotState = "unsure"
)

// PINPolicy says when a key asks for the PIN, in the card's words.
type PINPolicy string

// The PIN policies of keys; the last two are for cards with a finger print reader.
const (
	PINNever       PINPolicy = "never"
	PINOnce        PINPolicy = "once"
	PINAlways      PINPolicy = "always"
	PINMatchOnce   PINPolicy = "match once"
	PINMatchAlways PINPolicy = "match always"
)

// TouchPolicy says when a key asks for a touch, in the card's words.
type TouchPolicy string

// The touch policies of keys.
const (
	TouchNever  TouchPolicy = "never"
	TouchAlways TouchPolicy = "always"
	TouchCached TouchPolicy = "cached" // a touch is good for 15 s
)

// KeyOrigin says where a key was made.
type KeyOrigin string

// Where keys come from.
const (
	OriginUnknown   KeyOrigin = "unknown"
	OriginGenerated KeyOrigin = "generated" // in the card, which it never left
	OriginImported  KeyOrigin = "imported"  // elsewhere: there may be copies
)

// OwnerKind says who put something into a slot.
type OwnerKind string

// Who can own a slot.
const (
	OwnerNobody     OwnerKind = ""           // the slot is empty
	OwnerTouchstone OwnerKind = "touchstone" // marked by this program
	OwnerTeleport   OwnerKind = "teleport"   // marked by another client of the same clusters
	OwnerForeign    OwnerKind = "foreign"    // anything else
)

// SlotOwner is who put something into a slot, as the slot's certificate tells.
type SlotOwner struct {
	Kind OwnerKind
	// Program is the version that a marker names, "Touchstone 1.2.3" or "14.1.0"; empty without a marker.
	Program string
}

// SlotDetails is what is in one slot.
type SlotDetails struct {
	Slot  Slot
	State SlotState
	Owner SlotOwner
	// Algorithm is that of the key, "ECDSA P-256"; empty where the card does not tell.
	Algorithm string
	PIN       PINPolicy   // empty where the card does not tell
	Touch     TouchPolicy // empty where the card does not tell
	Origin    KeyOrigin   // empty without a key
	PublicKey []byte      // PKIX DER; nil where the card does not tell
	// Certificate is what the slot's certificate object holds. Unreadable says that it holds something else.
	Certificate *x509.Certificate
	Unreadable  bool
	// Attestation is what the card proves about the key; nil for keys that were imported and in empty slots.
	// AttestationProblem says why a statement of the card could not be used.
	Attestation        *Attestation
	AttestationProblem error
	// Contents changes with what is in the slot and is empty for an empty one. A Generation that may overwrite the slot
	// names it, so that nothing is destroyed but what the person saw.
	Contents string
}

// Policy is what a signature with the key in the slot costs the person, as far as the card tells.
func (s SlotDetails) Policy() Policy {
	return Policy{Touch: s.Touch != "" && s.Touch != TouchNever, PIN: s.PIN != "" && s.PIN != PINNever}
}

// Verifier says whose root an attestation chains to.
type Verifier string

// Who can vouch for a card.
const (
	VerifiedByNobody Verifier = ""       // the card says so itself
	VerifiedByYubico Verifier = "yubico" // the maker of the card
	VerifiedByExtra  Verifier = "extra"  // a root of Config.Roots
)

// Attestation is a card's statement about a key, with the certificates that prove it.
type Attestation struct {
	Attested
	FormFactor string // "USB-C keychain"; empty where the statement does not tell
	PIN        PINPolicy
	Touch      TouchPolicy
	Verified   Verifier
	// Chain is the statement, the certificate of the card, and what is known above it, up to the root.
	Chain []*x509.Certificate
}
