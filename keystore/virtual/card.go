package virtual

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// formFactorCKeychain is that of a YubiKey 5C NFC (virtual-key sheet, 2.6).
const formFactorCKeychain byte = 0x03

// errPowerLost ends a command that was running when the card was reset or pulled.
var errPowerLost = errors.New("the card lost power")

// applet is what the last SELECT chose.
type applet int

const (
	noApplet applet = iota
	pivApplet
	managementApplet
	otpApplet
)

// session is everything the card forgets when it is reset.
type session struct {
	framing
	applet      applet
	pinVerified bool
	pinFresh    bool       // VERIFY was the command just before
	managed     bool       // the management key was authenticated
	challenge   *challenge // of a management key authentication under way
	ended       chan struct{}
}

// card is the YubiKey behind the reader: one applet at a time, one command at a time.
type card struct {
	contact  *contact
	firmware Firmware
	save     func(*memory) error // writes the memory where it outlives the process
	log      *slog.Logger

	busy chan struct{} // holds one token while a command runs, even while it waits for a touch

	mu         sync.Mutex // never held during a touch wait
	memory     *memory    // guarded by mu
	session    *session   // guarded by mu
	signatures int        // guarded by mu
	dirty      bool       // memory differs from what was saved; guarded by mu
}

func newCard(m *memory, finger *contact, save func(*memory) error, log *slog.Logger) *card {
	return &card{
		contact: finger, firmware: m.Firmware, save: save, log: log, memory: m,
		busy: make(chan struct{}, 1), session: newSession(),
	}
}

func newSession() *session { return &session{ended: make(chan struct{})} }

// reset forgets the selected applet, all verified states and a wait for touch (virtual-key sheet, 1.5).
func (c *card) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.session.ended)
	c.session = newSession()
}

// powered is closed when the card is reset, pulled or loses power.
func (c *card) powered() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.ended
}

// powerOff is reset plus what only lives in the card's RAM.
func (c *card) powerOff() {
	c.reset()
	c.contact.powerOff()
}

// transmit carries out one command APDU and returns the answer with its status word. It blocks while the card waits
// for a touch; only a touch, the timeout or a reset end that (virtual-key sheet, 2.5).
func (c *card) transmit(raw []byte) ([]byte, error) {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-s.ended:
		return nil, errPowerLost
	}
	cmd, answer, err := c.start(s, raw)
	if err != nil || answer.afterTouch == nil {
		return c.finish(s, cmd, answer, err)
	}
	if !c.contact.await(s.ended) {
		return c.finish(s, cmd, just(swSecurityStatus), nil)
	}
	c.mu.Lock()
	if c.session == s {
		answer = answer.afterTouch()
	}
	c.mu.Unlock()
	return c.finish(s, cmd, answer, nil)
}

// start parses raw and runs it up to a possible touch.
func (c *card) start(s *session, raw []byte) (command, reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != s {
		return command{}, reply{}, errPowerLost
	}
	part, word := parseCommand(raw)
	if word != swOK {
		return part, just(word), nil
	}
	if part.cla&^classChained != 0 {
		return part, just(swUnknownCLA), nil
	}
	if part.ins == insGetResponse {
		return part, success(s.rest), nil
	}
	cmd, answer, complete := s.collect(part)
	if !complete {
		return part, answer, nil
	}
	return cmd, c.execute(s, cmd), nil
}

// finish saves what the command changed before the client learns that it was done, and frames the answer.
func (c *card) finish(s *session, cmd command, answer reply, err error) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if saveErr := c.saveLocked(); saveErr != nil {
		c.log.Error("saving the virtual key", "err", saveErr)
		answer = just(swMemoryFailure)
	}
	if err != nil || c.session != s {
		return nil, errPowerLost
	}
	return s.send(answer, cmd.le), nil
}

func (c *card) saveLocked() error {
	if !c.dirty {
		return nil
	}
	if err := c.save(c.memory); err != nil {
		return err
	}
	c.dirty = false
	return nil
}

const insSelect = 0xa4

// execute hands a whole command to the selected applet.
func (c *card) execute(s *session, cmd command) reply {
	if cmd.ins == insSelect {
		return c.selectApplet(s, cmd)
	}
	switch s.applet {
	case pivApplet:
		return c.executePIV(s, cmd)
	case managementApplet:
		return c.executeManagement(cmd)
	case otpApplet:
		return c.executeOTP(cmd)
	default:
		return just(swUnknownINS)
	}
}

// Application identifiers (virtual-key sheet, 2.2). PIV is also selected by any prefix of at least five bytes.
var (
	aidPIV        = []byte{0xa0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0}
	aidManagement = []byte{0xa0, 0, 0, 5, 0x27, 0x47, 0x11, 0x17}
	aidOTP        = []byte{0xa0, 0, 0, 5, 0x27, 0x20, 1, 1}
)

const (
	selectByName = 0x04
	minPIVPrefix = 5
)

// selectApplet changes the applet. Another applet forgets PIN and management key; the same one keeps them, except
// that a VERIFY no longer counts as "just before" (SP 800-73-4 part 2, 3.1.1; virtual-key sheet, 2.2).
func (c *card) selectApplet(s *session, cmd command) reply {
	if cmd.p1 != selectByName {
		return just(swWrongParameters)
	}
	next, answer := c.findApplet(cmd.data)
	if next == noApplet {
		return just(swNotFound)
	}
	if next != s.applet {
		s.pinVerified, s.managed = false, false
	}
	s.applet, s.pinFresh, s.challenge = next, false, nil
	return success(answer)
}

func (c *card) findApplet(aid []byte) (applet, []byte) {
	switch {
	case len(aid) >= minPIVPrefix && bytes.HasPrefix(aidPIV, aid):
		return pivApplet, []byte{
			0x61, 0x11, 0x4f, 6, 0, 0, 0x10, 0, 1, 0, // application template, AID without RID
			0x79, 7, 0x4f, 5, 0xa0, 0, 0, 3, 8, // allocation authority
		}
	case bytes.Equal(aid, aidManagement):
		return managementApplet, fmt.Appendf(nil, "Virtual mgr - FW version %s", c.firmware)
	case bytes.Equal(aid, aidOTP):
		return otpApplet, c.otpStatus()
	default:
		return noApplet, nil
	}
}

func (c *card) serialBytes() []byte { return binary.BigEndian.AppendUint32(nil, c.memory.Serial) }
