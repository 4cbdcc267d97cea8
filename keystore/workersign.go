package keystore

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-piv/piv-go/v2/piv"
)

// statusNotSatisfied is the card's word both for a missing PIN and for a touch that did not come (hardware-key
// sheet, 6.3).
const statusNotSatisfied = 0x6982

// statusUnknownCommand is the word of firmware that is older than a command.
const statusUnknownCommand = 0x6d00

// sign makes one signature. Without a PIN in the request it tries all the same, because the card may remember one;
// the answer then tells whether the PIN is missing (hardware-key sheet, 6.2).
func sign(yk *piv.YubiKey, q *request) (*reply, error) {
	public, err := q.publicOf()
	if err != nil {
		return nil, err
	}
	if err := q.held.makeSure(q, public); err != nil {
		return nil, err
	}
	if err := showPIN(yk, q); err != nil {
		return nil, err
	}
	signer, err := signerOf(yk, q, public)
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(rand.Reader, q.Digest, q.Hash)
	if err != nil {
		return nil, err
	}
	return &reply{Signature: signature}, nil
}

// showPIN verifies the request's PIN, if there is one.
//
// piv-go takes PINs as strings and copies them into its command buffers; nobody can wipe those. That is why the
// store throws a worker away that has seen a PIN.
func showPIN(yk *piv.YubiKey, q *request) error {
	if q.secrets.PIN.Len() == 0 {
		return nil
	}
	err := yk.VerifyPIN(string(q.secrets.PIN.Reveal()))
	if err != nil {
		return secretFailure(err, kindPINWrong, kindPINBlocked)
	}
	return nil
}

// signerOf is the private key in a slot. The PIN policy "never" keeps piv-go from asking for a PIN by itself, which
// it would do while it holds the card.
func signerOf(yk *piv.YubiKey, q *request, public crypto.PublicKey) (crypto.Signer, error) {
	private, err := yk.PrivateKey(pivSlots[q.Slot], public, piv.KeyAuth{PINPolicy: piv.PINPolicyNever})
	if err != nil {
		return nil, fmt.Errorf("preparing slot %s: %w", q.Slot, err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, other("the key in slot %s cannot sign", q.Slot)
	}
	return &patientSigner{Signer: signer, yk: yk, q: q}, nil
}

// patientSigner has a card sign, again and again until the touch comes that the key may want: the card gives up after
// 15 s, whoever waits for the signature does not. It ends early with the process.
type patientSigner struct {
	crypto.Signer
	yk *piv.YubiKey
	q  *request
}

// A card that says three times in a row and within a second each that it was not touched has not waited: something
// else is the matter.
const (
	maxHasty = 3
	hasty    = time.Second
)

// Sign is crypto.Signer's.
func (s *patientSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	for refusals := 0; ; {
		if s.q.Policy.Touch {
			s.q.notify(reply{Waiting: true, Missed: refusals > 0})
		}
		asked := time.Now()
		signature, err := s.Signer.Sign(random, digest, opts)
		if err == nil {
			return signature, nil
		}
		if refusals++; time.Since(asked) > hasty {
			refusals = 1
		}
		if err := signFailure(s.yk, s.q, err); !isKind(err, kindNoTouch) || refusals == maxHasty {
			return nil, err
		}
		if err := s.showPINAgain(); err != nil {
			return nil, err
		}
	}
}

// showPINAgain is for keys that want the PIN right before every try.
func (s *patientSigner) showPINAgain() error {
	if !s.q.Always {
		return nil
	}
	return showPIN(s.yk, s.q)
}

// signFailure finds out what 6982 meant. The card checks the PIN before it waits for a touch, so once the PIN is
// verified, or where none is needed, it was the touch that was missing.
func signFailure(yk *piv.YubiKey, q *request, err error) error {
	f := failureOf(err)
	if f.Status != statusNotSatisfied {
		return fmt.Errorf("signing with slot %s: %w", q.Slot, err)
	}
	if q.Policy.PIN && q.secrets.PIN.Len() == 0 {
		left, missing, askErr := pinMissing(yk)
		if askErr != nil {
			return askErr
		}
		if missing || q.Always {
			return &failure{Kind: kindPINNeeded, Status: f.Status, Attempts: left, Text: err.Error()}
		}
	}
	if q.Policy.Touch {
		f.Kind = kindNoTouch
	}
	return f
}

// pinMissing asks the card with an empty VERIFY whether the PIN is verified, and else how many attempts are left.
// It comes after the failed signature only: some firmware (5.3.1) forgets the PIN when asked.
func pinMissing(yk *piv.YubiKey) (left int, missing bool, err error) {
	left, err = yk.Retries()
	switch {
	case err == nil && left == 0:
		return 0, true, &failure{Kind: kindPINBlocked, Text: "no attempt is left for the PIN"}
	case err == nil:
		return left, true, nil
	case statusOf(err) != 0 || pcscFailed(err):
		return 0, false, fmt.Errorf("asking for the PIN's state: %w", err)
	default: // piv-go expected a refusal and the card gave none: the PIN is verified
		return 0, false, nil
	}
}

// verify checks a PIN on the card.
func verify(yk *piv.YubiKey, q *request) (*reply, error) {
	if q.secrets.PIN.Len() == 0 {
		return nil, errors.New("verifying an empty PIN")
	}
	if err := showPIN(yk, q); err != nil {
		return nil, err
	}
	return &reply{}, nil
}

// setUp replaces the PUK if it is the factory one, sets the PIN with the PUK's authority, which proves the PUK and
// lifts a block, and proves the PIN (hardware-key sheet, 6.2).
func setUp(yk *piv.YubiKey, q *request) (*reply, error) {
	puk, pin := string(q.secrets.PUK.Reveal()), string(q.secrets.NewPIN.Reveal())
	if q.ResetPUK {
		if err := yk.SetPUK(piv.DefaultPUK, puk); err != nil {
			return nil, secretFailure(fmt.Errorf("changing the PUK: %w", err), kindPUKWrong, kindPUKBlocked)
		}
	}
	if err := yk.Unblock(puk, pin); err != nil {
		return nil, secretFailure(fmt.Errorf("setting the PIN: %w", err), kindPUKWrong, kindPUKBlocked)
	}
	if err := yk.VerifyPIN(pin); err != nil {
		return nil, secretFailure(fmt.Errorf("checking the new PIN: %w", err), kindPINWrong, kindPINBlocked)
	}
	return &reply{}, nil
}
