package virtual

import (
	"fmt"
	"log/slog"
	"sync"
)

// ctapStatus is the first byte of an answer to a CTAP2 command (CTAP 2.1, 8.2).
type ctapStatus byte

const (
	ctapOK                ctapStatus = 0x00
	ctapInvalidCommand    ctapStatus = 0x01
	ctapInvalidParameter  ctapStatus = 0x02
	ctapInvalidLength     ctapStatus = 0x03
	ctapUnexpectedType    ctapStatus = 0x11
	ctapInvalidCBOR       ctapStatus = 0x12
	ctapMissingParameter  ctapStatus = 0x14
	ctapExcluded          ctapStatus = 0x19
	ctapNoAlgorithm       ctapStatus = 0x26
	ctapKeyStoreFull      ctapStatus = 0x28
	ctapUnsupportedOption ctapStatus = 0x2b
	ctapInvalidOption     ctapStatus = 0x2c
	ctapCancelled         ctapStatus = 0x2d
	ctapNoCredentials     ctapStatus = 0x2e
	ctapActionTimeout     ctapStatus = 0x2f
	ctapNotAllowed        ctapStatus = 0x30
	ctapPINInvalid        ctapStatus = 0x31
	ctapPINBlocked        ctapStatus = 0x32
	ctapPINAuthInvalid    ctapStatus = 0x33
	ctapPINAuthBlocked    ctapStatus = 0x34
	ctapPINNotSet         ctapStatus = 0x35
	ctapPINRequired       ctapStatus = 0x36
	ctapPINPolicy         ctapStatus = 0x37
	ctapInvalidSubcommand ctapStatus = 0x3e
	ctapOther             ctapStatus = 0x7f
)

// CTAP2 commands.
const (
	ctapMakeCredential   = 0x01
	ctapGetAssertion     = 0x02
	ctapGetInfo          = 0x04
	ctapClientPIN        = 0x06
	ctapReset            = 0x07
	ctapGetNextAssertion = 0x08
	ctapSelection        = 0x0b
)

// Limits that getInfo tells.
const (
	maxCTAPMessage      = 1200
	maxAllowedInList    = 8
	maxCredentialID     = 128
	publicKeyCredential = "public-key"
)

// authenticator is the FIDO2 and U2F side of the key. Its hidLink has it do one thing at a time.
//
// It differs from a YubiKey 5.4.3 in what it leaves out: credential management, and hmac-secret, which getInfo does not
// list therefore; and it may be reset at any time, not only just after it was plugged in.
type authenticator struct {
	contact  *contact
	firmware Firmware
	memory   *fidoMemory
	save     func(*fidoMemory) error
	log      *slog.Logger
	busy     chan struct{} // holds one token while a command runs, even while it waits for a tap

	// All of this is gone when the key is unplugged.
	pin      pinSession
	next     []assertion // for getNextAssertion
	mu       sync.Mutex
	u2fTouch *touchWait // of a U2F client that asks again and again; guarded by mu
}

func newAuthenticator(firmware Firmware, m *fidoMemory, finger *contact, save func(*fidoMemory) error, log *slog.Logger) *authenticator {
	return &authenticator{
		contact: finger, firmware: firmware, memory: m, save: save, log: log, busy: make(chan struct{}, 1), pin: newPINSession(),
	}
}

func (a *authenticator) model() Firmware { return a.firmware }

// powerOff forgets what only lives in RAM. Nothing may be under way.
func (a *authenticator) powerOff() {
	a.clientLeft()
	a.pin, a.next = newPINSession(), nil
}

// answerCBOR carries out a CTAP2 command and returns the status, with a map behind it if there is one to return.
func (a *authenticator) answerCBOR(c ceremony, request []byte) []byte {
	a.busy <- struct{}{}
	defer func() { <-a.busy }()
	a.clientLeft() // who speaks CTAP2 has stopped polling over U2F
	if len(request) == 0 {
		return []byte{byte(ctapInvalidLength)}
	}
	answer, status := a.execute(c, request[0], request[1:])
	if err := a.keep(); err != nil {
		a.log.Error("saving the virtual key's credentials", "err", err)
		return []byte{byte(ctapOther)}
	}
	if status != ctapOK || answer == nil {
		return []byte{byte(status)}
	}
	return append([]byte{byte(ctapOK)}, encodeCBOR(answer)...)
}

// keep saves what a command changed.
func (a *authenticator) keep() error {
	if !a.memory.dirty {
		return nil
	}
	if err := a.save(a.memory); err != nil {
		return err
	}
	a.memory.dirty = false
	return nil
}

// execute runs one command. Any command but getNextAssertion ends what getAssertion has left to tell.
func (a *authenticator) execute(c ceremony, command byte, body []byte) (cborMap, ctapStatus) {
	if command != ctapGetNextAssertion {
		a.next = nil
	}
	switch command {
	case ctapGetInfo:
		return a.info(), ctapOK
	case ctapReset:
		return nil, a.reset(c)
	case ctapSelection:
		return nil, a.tap(c)
	case ctapGetNextAssertion:
		return a.nextAssertion()
	}
	run, known := map[byte]func(ceremony, *fields) (cborMap, ctapStatus){
		ctapMakeCredential: a.makeCredential, ctapGetAssertion: a.getAssertion, ctapClientPIN: a.clientPIN,
	}[command]
	if !known {
		return nil, ctapInvalidCommand
	}
	request, err := decodeCBOR(body)
	if err != nil {
		return nil, ctapInvalidCBOR
	}
	m, ok := request.(cborMap)
	if !ok {
		return nil, ctapUnexpectedType
	}
	return run(c, &fields{m: m})
}

func (a *authenticator) info() cborMap {
	versions := []any{"U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE"}
	options := cborMap{"rk": true, "up": true, "plat": false, "clientPin": a.memory.hasPIN()}
	if a.firmware.hasFIDO21() {
		versions = append(versions, "FIDO_2_1")
		options["pinUvAuthToken"] = true
	}
	return cborMap{
		1: versions,
		2: []any{"credProtect"},
		3: a.firmware.aaguid(),
		4: options,
		5: maxCTAPMessage,
		6: []any{pinProtocolTwo, pinProtocolOne},
		7: maxAllowedInList, 8: maxCredentialID,
		9:    []any{"nfc", "usb"},
		0x0a: []any{cborMap{"alg": coseES256, "type": publicKeyCredential}},
		0x0d: minFIDOPIN, 0x0e: a.firmware.number(),
	}
}

// tap asks for user presence.
func (a *authenticator) tap(c ceremony) ctapStatus {
	c.blink(true)
	defer c.blink(false)
	switch {
	case a.contact.awaitTap(c.ctx.Done()):
		return ctapOK
	case c.ctx.Err() != nil:
		return ctapCancelled
	default:
		return ctapActionTimeout
	}
}

// reset forgets every credential and the PIN.
func (a *authenticator) reset(c ceremony) ctapStatus {
	if status := a.tap(c); status != ctapOK {
		return status
	}
	a.memory.factoryReset()
	a.pin = newPINSession()
	return ctapOK
}

// fields reads a map of parameters. The first thing that is wrong with it stays in status.
type fields struct {
	m      cborMap
	status ctapStatus
}

// optional returns the parameter of a key, if it is there and of type T.
func optional[T any](f *fields, key any) (value T, ok bool) {
	raw, there := f.m[key]
	if !there {
		return value, false
	}
	value, ok = raw.(T)
	if !ok && f.status == ctapOK {
		f.status = ctapUnexpectedType
	}
	return value, ok
}

// required is optional for a parameter that must be there.
func required[T any](f *fields, key any) T {
	value, _ := optional[T](f, key)
	if _, there := f.m[key]; !there && f.status == ctapOK {
		f.status = ctapMissingParameter
	}
	return value
}

// sub reads the parameters inside a map; what is wrong there is passed on by join.
func (f *fields) sub(key any) *fields {
	m, _ := optional[cborMap](f, key)
	return &fields{m: m}
}

func (f *fields) join(inner *fields) {
	if f.status == ctapOK {
		f.status = inner.status
	}
}

// ids reads a list of credential descriptors. present says that there is a list, even an empty one.
func (f *fields) ids(key any) (ids [][]byte, present bool) {
	list, present := optional[[]any](f, key)
	for _, one := range list {
		m, ok := one.(cborMap)
		if !ok {
			m = cborMap{}
		}
		inner := &fields{m: m}
		id, kind := required[[]byte](inner, "id"), required[string](inner, "type")
		f.join(inner)
		if kind == publicKeyCredential {
			ids = append(ids, id)
		}
	}
	return ids, present
}

// String names the status for logs and tests.
func (s ctapStatus) String() string { return fmt.Sprintf("CTAP status %#02x", byte(s)) }

var _ hidDevice = (*authenticator)(nil)
