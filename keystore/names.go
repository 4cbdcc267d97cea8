package keystore

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Names remembers what people call their cards. Its methods are called from many goroutines.
type Names interface {
	// Name is the name of the card with this serial, or "".
	Name(serial uint32) string
	// SetName gives a card a name that the store has checked; "" takes it away.
	SetName(serial uint32, name string) error
}

// maxName is the longest name of a card, in characters: it has to fit into prompts.
const maxName = 32

// Name is what the person calls the card with this serial, plugged in or not; "" if it has no name.
func (s *Store) Name(serial uint32) string { return s.names.Name(serial) }

// SetName has every prompt and snapshot call the card with this serial by a name of up to 32 printable characters; an
// empty one takes its name away. The card itself is not written to. The error is a fault.
func (s *Store) SetName(serial uint32, name string) error {
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxName {
		return fault.New("The name is too long.", fmt.Sprintf("Use up to %d characters.", maxName))
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fault.New("The name has a character that cannot be shown.", "Use letters, digits, spaces and signs.")
	}
	if err := s.names.SetName(serial, name); err != nil {
		return fault.Wrap(err, fmt.Sprintf("The name of YubiKey %d could not be kept.", serial),
			"See whether there is space left in your configuration folder, and try again.")
	}
	s.publish()
	return nil
}

// memoryNames is Names for stores that remember nothing beyond their own life.
type memoryNames struct{ names sync.Map }

func (m *memoryNames) Name(serial uint32) string {
	name, _ := m.names.Load(serial)
	text, _ := name.(string)
	return text
}

func (m *memoryNames) SetName(serial uint32, name string) error {
	m.names.Store(serial, name)
	return nil
}
