package keystore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// ResetPIV gives the PIV application of a card its factory state: all keys and certificates in it are destroyed, PIN,
// PUK and management key are the factory ones. Security key credentials and other applications stay. It does nothing
// unless confirm is the card's serial number, as the person typed it (ErrNotConfirmed). It returns what the card held.
//
// A card lets itself be reset only when PIN and PUK are blocked; they are blocked first. Once that has begun, the end
// of ctx does not stop it.
func (s *Store) ResetPIV(ctx context.Context, serial uint32, confirm string) (*CardDetails, error) {
	if serial == 0 || confirm != strconv.FormatUint(uint64(serial), 10) {
		return nil, fault.Wrap(ErrNotConfirmed, fmt.Sprintf("%s was not reset: the number typed is not its serial number.", CardID{Serial: serial}),
			fmt.Sprintf("Type %d to destroy all PIV keys on it, or leave it as it is.", serial))
	}
	c, err := s.find(ctx, serial)
	if err != nil {
		return nil, err
	}
	var destroyed *CardDetails
	err = c.inTurn(ctx, func() (err error) { destroyed, err = s.reset(ctx, c); return err })
	return destroyed, c.explain(err)
}

func (s *Store) reset(ctx context.Context, c *card) (*CardDetails, error) {
	held, err := s.describe(ctx, c)
	if err != nil {
		return nil, err
	}
	c.pins.forget()
	_, err = c.ask(context.WithoutCancel(ctx), &request{Op: opReset, Serial: held.Serial})
	_, _ = c.identify(ctx) // whatever happened, show what the card says now
	if err != nil {
		return nil, resetFault(c.id(), err)
	}
	s.puks.note(held.Serial, nil)
	return held, nil
}

// resetFault says how far a reset may have come, where the card was lost on the way.
func resetFault(card CardID, err error) error {
	if !isKind(err, kindBroken, kindGone) && !errors.Is(err, errNoAnswer) && !errors.Is(err, errWorkerGone) {
		return err
	}
	return fault.Wrap(err, fmt.Sprintf("The connection to %s broke while it was being reset.", card.inside()),
		"Plug it in again and reset it once more: its PIN and PUK may be blocked already.")
}
