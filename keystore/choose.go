package keystore

import (
	"context"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// ChoosePrompt asks which of several cards a new key is to live on.
type ChoosePrompt struct {
	Cards   []CardState // two or more, in the order of the readers
	Purpose Purpose
}

// CardChooser is a Prompter that can ask which card to use. With any other Prompter the first one is used.
type CardChooser interface {
	// ChooseCard returns the serial of one of the cards. A refusal is context.Canceled.
	ChooseCard(ctx context.Context, p ChoosePrompt) (uint32, error)
}

// choose settles which card a requirement without a serial is about. It waits until there is one.
func (s *Store) choose(ctx context.Context, purpose Purpose) (uint32, error) {
	first, err := s.reach(ctx, 0, purpose)
	if err != nil {
		return 0, err
	}
	cards := s.readable(ctx)
	chooser, ok := s.prompter.(CardChooser)
	if !ok || len(cards) < 2 {
		return first.id().Serial, nil
	}
	serial, err := chooser.ChooseCard(ctx, ChoosePrompt{Cards: cards, Purpose: purpose})
	if err != nil {
		return 0, first.promptError(ctx, err)
	}
	for _, c := range cards {
		if c.Serial == serial {
			return serial, nil
		}
	}
	return 0, fault.New(fmt.Sprintf("YubiKey %d was not among the keys to choose from.", serial), "Choose one of them.")
}

// readable is the cards that are plugged in and can be read.
func (s *Store) readable(ctx context.Context) []CardState {
	var cards []CardState
	for _, c := range s.plugged() {
		if _, err := c.info(ctx); err == nil {
			cards = append(cards, c.snapshot())
		}
	}
	return cards
}
