package keystore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

// LastAttempt says whether the last attempt before a PIN or PUK is blocked may be spent. Only somebody who has been
// told that it is the last one can say so.
type LastAttempt bool

// What may become of the last attempt.
const (
	KeepLast  LastAttempt = false // ErrLastAttempt instead
	SpendLast LastAttempt = true
)

// ChangePIN replaces the PIN of a card; was is the present one. It wipes neither. With one attempt left it does
// nothing unless last allows it. A wrong PIN is a *WrongPINError, a blocked one ErrPINBlocked; a cached PIN is
// forgotten.
func (s *Store) ChangePIN(ctx context.Context, serial uint32, was, pin *secret.Bytes, last LastAttempt) error {
	if err := checkPresent("PIN", was.Reveal()); err != nil {
		return err
	}
	if err := CheckNewPIN(pin.Reveal()); err != nil {
		return err
	}
	return s.change(ctx, serial, change{op: opChangePIN, what: "PIN", shows: "PIN", last: last, secrets: secrets{PIN: was, NewPIN: pin}})
}

// ChangePUK replaces the PUK of a card; was is the present one. It wipes neither. A wrong PUK is a *WrongPUKError, a
// blocked one ErrPUKBlocked; the last attempt is as in ChangePIN.
func (s *Store) ChangePUK(ctx context.Context, serial uint32, was, puk *secret.Bytes, last LastAttempt) error {
	if err := checkPresent("PUK", was.Reveal()); err != nil {
		return err
	}
	if err := CheckNewPUK(puk.Reveal(), nil); err != nil {
		return err
	}
	return s.change(ctx, serial, change{op: opChangePUK, what: "PUK", shows: "PUK", last: last, secrets: secrets{PUK: was, NewPIN: puk}})
}

// UnblockPIN gives a card a new PIN with the authority of the PUK, whether the PIN was blocked or not. It wipes
// neither. Errors are those of ChangePUK.
func (s *Store) UnblockPIN(ctx context.Context, serial uint32, puk, pin *secret.Bytes, last LastAttempt) error {
	if err := checkPresent("PUK", puk.Reveal()); err != nil {
		return err
	}
	if err := CheckNewPIN(pin.Reveal()); err != nil {
		return err
	}
	if err := checkPresentPUK(puk.Reveal(), pin.Reveal()); err != nil {
		return err
	}
	return s.change(ctx, serial, change{op: opUnblock, what: "PIN", shows: "PUK", last: last, secrets: secrets{PUK: puk, NewPIN: pin}})
}

// change is the replacement of one secret.
type change struct {
	op      op
	what    string // the secret that changes
	shows   string // the secret whose attempts are at stake
	last    LastAttempt
	secrets secrets
}

func (s *Store) change(ctx context.Context, serial uint32, ch change) error {
	c, err := s.find(ctx, serial)
	if err != nil {
		return err
	}
	return c.inTurn(ctx, func() error { return c.explain(s.changeOn(ctx, c, ch)) })
}

// changeOn asks the card how many attempts are left, then makes the change, then shows what the card says.
func (s *Store) changeOn(ctx context.Context, c *card, ch change) error {
	info, err := c.identify(ctx)
	if err != nil {
		return err
	}
	if err := ch.mayTry(c.id(), s.secretDetails(info, ch.shows)); err != nil {
		return err
	}
	if ch.what == "PIN" {
		c.pins.forget()
	}
	q := &request{Op: ch.op, Serial: info.Serial, secrets: ch.secrets}
	_, err = c.ask(ctx, q)
	if ch.shows == "PUK" {
		s.puks.note(info.Serial, err)
	}
	_, _ = c.identify(ctx) // whatever happened, show what the card says now
	return ch.explain(c.id(), q, err)
}

// mayTry spares the last attempt, and the card a try that is bound to fail.
func (ch change) mayTry(card CardID, state SecretDetails) error {
	switch {
	case state.Blocked() && ch.shows == "PIN":
		return &failure{Kind: kindPINBlocked, Text: "no attempt is left for the PIN"}
	case state.Blocked():
		return &failure{Kind: kindPUKBlocked, Text: "no attempt is left for the PUK"}
	case state.AttemptsLeft == 1 && ch.last == KeepLast:
		return lastAttemptFault(card, ch.shows)
	default:
		return nil
	}
}

// explain has the sentences for what can go wrong with a change only.
func (ch change) explain(card CardID, q *request, err error) error {
	f := failureOf(err)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case isKind(err, kindBroken, kindGone) && isSpent(q, err), errors.Is(err, errWorkerGone), errors.Is(err, errNoAnswer):
		return fault.Wrap(err, fmt.Sprintf("The connection to %s broke while its %s was being changed.", card.inside(), ch.what),
			fmt.Sprintf("Try the new %s first; if it is refused, the old one still holds.", ch.what))
	case f.Kind == kindOther && f.Status == 0x6a80: // too simple for the card (firmware 5.7 and FIPS models)
		return fault.Wrap(err, fmt.Sprintf("%s refuses the new %s.", card, ch.what),
			"Choose a less simple one; this card's rules are stricter than 6 to 8 characters. Nothing was changed.")
	default:
		return err
	}
}

// lastAttemptFault asks for a decision before the last attempt is spent.
func lastAttemptFault(card CardID, name string) error {
	cost := "blocks it, and then only the PUK helps"
	if name == "PUK" {
		cost = "blocks it, and then nothing but a reset, which destroys all PIV keys, lifts a blocked PIN"
	}
	return fault.Wrap(ErrLastAttempt, fmt.Sprintf("1 attempt is left for the %s of %s.", name, card.inside()),
		fmt.Sprintf("Make sure of the %s, then say that the last attempt may be spent: a wrong one %s.", name, cost))
}

// checkPresent spares the card an attempt for a PIN or PUK that no card can have.
func checkPresent(name string, text []byte) error {
	if len(text) >= minSecret && len(text) <= maxPIV {
		return nil
	}
	return fault.New(fmt.Sprintf("This cannot be the present %s: every %s has 6 to 8 characters.", name, name),
		"Try again; no attempt was spent.")
}

// secretDetails is the state of the PIN or PUK that name says.
func (s *Store) secretDetails(info *cardInfo, name string) SecretDetails {
	if name == "PIN" {
		return info.pinDetails()
	}
	details := info.pukDetails()
	if left, ok := s.puks.left(info.Serial); ok && details.AttemptsLeft == AttemptsUnknown {
		details.AttemptsLeft = left
	}
	return details
}

// pukMemory is what cards said at the last wrong PUK. Firmware before 5.3 tells at no other time. The zero pukMemory is
// ready, and safe for concurrent use.
type pukMemory struct {
	mu   sync.Mutex
	seen map[uint32]int // attempts left by serial number; guarded by mu
}

// note learns from the result of an operation that showed a PUK.
func (m *pukMemory) note(serial uint32, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case isKind(err, kindPUKWrong, kindPUKBlocked):
		if m.seen == nil {
			m.seen = make(map[uint32]int)
		}
		m.seen[serial] = attemptsOf(err)
	case err == nil:
		delete(m.seen, serial)
	}
}

func (m *pukMemory) left(serial uint32) (int, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	left, ok := m.seen[serial]
	return left, ok
}
