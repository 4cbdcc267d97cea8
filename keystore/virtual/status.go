package virtual

// Status is what a person could see of the card, and its counters.
type Status struct {
	Serial     uint32 `json:"serial"`
	Firmware   string `json:"firmware"`   // "5.4.3"
	Plugged    bool   `json:"plugged"`    // the card is in the computer
	Waiting    bool   `json:"waiting"`    // it blinks: it waits for a touch
	Touches    int    `json:"touches"`    // touches that PIV keys wanted and got, since Start
	Taps       int    `json:"taps"`       // touches that FIDO wanted and got, since Start
	Signatures int    `json:"signatures"` // private key operations that succeeded, since Start
	PINTries   int    `json:"pin_tries"`  // attempts left before the PIN is blocked
	PUKTries   int    `json:"puk_tries"`  // attempts left before the PUK is blocked
}

// Status returns the present state.
func (k *Key) Status() Status {
	s := Status{Firmware: k.card.firmware.String(), Plugged: k.port.plugged()}
	s.Waiting, s.Touches, s.Taps = k.contact.state()
	k.card.describeTo(&s)
	return s
}

func (c *card) describeTo(s *Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Serial, s.Signatures = c.memory.Serial, c.signatures
	s.PINTries, s.PUKTries = c.memory.PIN.Left, c.memory.PUK.Left
}

// Changed returns a channel that is closed when the status next changes. To miss nothing, take the channel before the
// status.
func (k *Key) Changed() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// publish closes the channel of Changed if there is something new. The callers hold no lock.
func (k *Key) publish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.Status(); s != k.last {
		k.last = s
		close(k.changed)
		k.changed = make(chan struct{})
	}
}
