package pcsc

import "fmt"

// Reader is one reader at one moment.
type Reader struct {
	Name    string
	Events  uint16 // rises with every insertion and removal of a card
	Present bool   // a card is in it
	InUse   bool   // a program is connected to the card
}

// Error is a return code of the smart-card service, for example 0x8010000B.
type Error uint32

// Error prints the code; whoever shows errors to a person has better words for the codes that matter.
func (e Error) Error() string { return fmt.Sprintf("PC/SC error %08x", uint32(e)) }
