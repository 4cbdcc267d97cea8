package virtual

import (
	"encoding/binary"
	"slices"
)

// U2F over CTAPHID_MSG: APDUs with an extended length (U2F raw message formats 1.2; virtual-key sheet, 3.4).
const (
	u2fRegister     = 0x01
	u2fAuthenticate = 0x02
	u2fGetVersion   = 0x03

	u2fCheckOnly = 0x07 // P1 of AUTHENTICATE: is this handle mine?
	u2fEnforce   = 0x03 // P1: sign, with a tap
	u2fDontMind  = 0x08 // P1: sign, without one

	u2fParameter    = 32 // bytes of challenge and application
	u2fRegistered   = 0x05
	u2fUserPresence = 0x01

	swConditionsNotSatisfied sw = 0x6985
)

// answerU2F carries out a U2F command. It never blocks: until the key is tapped the answer is 6985, and the client asks
// again.
func (a *authenticator) answerU2F(request []byte) []byte {
	a.busy <- struct{}{}
	defer func() { <-a.busy }()
	answer, word := a.executeU2F(request)
	if err := a.keep(); err != nil {
		a.log.Error("saving the virtual key's credentials", "err", err)
		answer, word = nil, swMemoryFailure
	}
	return binary.BigEndian.AppendUint16(answer, uint16(word))
}

func (a *authenticator) executeU2F(request []byte) ([]byte, sw) {
	cmd, word := parseCommand(request)
	if word != swOK {
		return nil, word
	}
	if cmd.cla != 0 {
		return nil, swUnknownCLA
	}
	switch cmd.ins {
	case u2fRegister:
		return a.registerU2F(cmd.data)
	case u2fAuthenticate:
		return a.authenticateU2F(cmd.p1, cmd.data)
	case u2fGetVersion:
		return []byte("U2F_V2"), swOK
	default:
		return nil, swUnknownINS
	}
}

func (a *authenticator) registerU2F(data []byte) ([]byte, sw) {
	if len(data) != 2*u2fParameter {
		return nil, swWrongLength
	}
	if !a.polledTap() {
		return nil, swConditionsNotSatisfied
	}
	challenge, application := data[:u2fParameter], data[u2fParameter:]
	key, err := newFIDOKey()
	if err != nil {
		a.log.Error("making a credential", "err", err)
		return nil, swMemoryFailure
	}
	c := &credential{ID: randomBytes(64), RPHash: slices.Clone(application), Key: key, Protection: 1}
	a.memory.add(c)
	signature := a.memory.Attestation.sign([]byte{0}, application, challenge, c.ID, key.point())
	return slices.Concat(
		[]byte{u2fRegistered}, key.point(), []byte{byte(len(c.ID))}, c.ID, a.memory.Certificate, signature), swOK
}

func (a *authenticator) authenticateU2F(control byte, data []byte) ([]byte, sw) {
	if len(data) < 2*u2fParameter+1 || len(data) != 2*u2fParameter+1+int(data[2*u2fParameter]) {
		return nil, swWrongLength
	}
	challenge, application, handle := data[:u2fParameter], data[u2fParameter:2*u2fParameter], data[2*u2fParameter+1:]
	c := a.memory.find(application, handle)
	switch {
	case c == nil:
		return nil, swWrongData
	case control == u2fCheckOnly:
		return nil, swConditionsNotSatisfied // which here says: it is mine
	case control != u2fEnforce && control != u2fDontMind:
		return nil, swWrongParameters
	case control == u2fEnforce && !a.polledTap():
		return nil, swConditionsNotSatisfied
	}
	presence := byte(u2fUserPresence)
	if control == u2fDontMind {
		presence = 0
	}
	told := binary.BigEndian.AppendUint32([]byte{presence}, a.memory.count())
	return append(told, c.Key.sign(application, told, challenge)...), swOK
}

// polledTap reports whether the key has been tapped since the first of the client's questions. The first one makes it
// blink.
func (a *authenticator) polledTap() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.u2fTouch == nil {
		a.u2fTouch = a.contact.begin(true, tapTimeout)
		a.contact.notify()
	}
	touched, over := a.contact.poll(a.u2fTouch)
	if over {
		a.u2fTouch = nil
	}
	return touched
}

// clientLeft ends the blinking for a U2F client that does not ask any more.
func (a *authenticator) clientLeft() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.u2fTouch != nil {
		a.contact.settle(a.u2fTouch)
		a.u2fTouch = nil
	}
}
