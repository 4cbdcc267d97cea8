//go:build linux || freebsd || openbsd

// Package pcsc asks readers and cards the few questions that piv-go cannot ask: whether a card was pulled and put
// back between two looks, and single commands such as GET METADATA for the PIN. It owns no state: every call
// opens what it needs and closes it again. It knows pcsc-lite only; elsewhere its functions answer
// errors.ErrUnsupported and keystore does without.
package pcsc

// #cgo pkg-config: libpcsclite
// #include <stdlib.h>
// #include <string.h>
// #include <winscard.h>
//
// // look asks for the state of one reader without waiting.
// static LONG look(SCARDCONTEXT context, const char *reader, DWORD *state) {
//	SCARD_READERSTATE rs;
//	memset(&rs, 0, sizeof rs);
//	rs.szReader = reader;
//	rs.dwCurrentState = SCARD_STATE_UNAWARE;
//	LONG rv = SCardGetStatusChange(context, 0, &rs, 1);
//	*state = rs.dwEventState;
//	return rv;
// }
//
// static LONG transmit(SCARDHANDLE card, const BYTE *command, DWORD n, BYTE *answer, DWORD *size) {
//	return SCardTransmit(card, SCARD_PCI_T1, command, n, NULL, answer, size);
// }
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"
)

// maxAnswer is the longest answer to a short command: 256 bytes and the status word (ISO/IEC 7816-4, 5.1).
const maxAnswer = 258

// Readers lists the readers that the smart-card service knows. A service without readers gives an empty list.
func Readers() ([]Reader, error) {
	context, err := establish()
	if err != nil {
		return nil, err
	}
	defer C.SCardReleaseContext(context)
	names, err := list(context)
	if err != nil {
		return nil, err
	}
	readers := make([]Reader, 0, len(names))
	for _, name := range names {
		state, err := look(context, name)
		if isGone(err) {
			continue // unplugged between the two questions
		}
		if err != nil {
			return nil, fmt.Errorf("looking at reader %s: %w", name, err)
		}
		readers = append(readers, Reader{
			Name:    name,
			Events:  uint16(state >> 16), // pcsc-lite counts insertions and removals there
			Present: state&C.SCARD_STATE_PRESENT != 0,
			InUse:   state&(C.SCARD_STATE_INUSE|C.SCARD_STATE_EXCLUSIVE) != 0,
		})
	}
	return readers, nil
}

// Exchange opens the card in the named reader for itself, sends the commands one after the other and returns one
// answer each, status word included. It closes the card and leaves it powered.
func Exchange(reader string, commands ...[]byte) ([][]byte, error) {
	context, err := establish()
	if err != nil {
		return nil, err
	}
	defer C.SCardReleaseContext(context)
	card, err := connect(context, reader)
	if err != nil {
		return nil, fmt.Errorf("connecting to the card: %w", err)
	}
	defer C.SCardDisconnect(card, C.SCARD_LEAVE_CARD)
	var answers [][]byte
	for _, command := range commands {
		answer, err := send(card, command)
		if err != nil {
			return nil, fmt.Errorf("sending command %x: %w", command[1], err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func establish() (C.SCARDCONTEXT, error) {
	var context C.SCARDCONTEXT
	err := check(C.SCardEstablishContext(C.SCARD_SCOPE_SYSTEM, nil, nil, &context))
	if err != nil {
		return 0, fmt.Errorf("reaching the smart-card service: %w", err)
	}
	return context, nil
}

func list(context C.SCARDCONTEXT) ([]string, error) {
	var size C.DWORD
	rv := C.SCardListReaders(context, nil, nil, &size)
	if rv == C.SCARD_E_NO_READERS_AVAILABLE {
		return nil, nil
	}
	if err := check(rv); err != nil {
		return nil, fmt.Errorf("listing readers: %w", err)
	}
	text := make([]byte, max(size, 1))
	rv = C.SCardListReaders(context, nil, (*C.char)(unsafe.Pointer(&text[0])), &size)
	if rv == C.SCARD_E_NO_READERS_AVAILABLE {
		return nil, nil
	}
	if err := check(rv); err != nil {
		return nil, fmt.Errorf("listing readers: %w", err)
	}
	var names []string
	for name := range bytes.SplitSeq(text, []byte{0}) {
		if len(name) > 0 {
			names = append(names, string(name))
		}
	}
	return names, nil
}

func look(context C.SCARDCONTEXT, reader string) (C.DWORD, error) {
	name := C.CString(reader)
	defer C.free(unsafe.Pointer(name))
	var state C.DWORD
	return state, check(C.look(context, name, &state))
}

func connect(context C.SCARDCONTEXT, reader string) (C.SCARDHANDLE, error) {
	name := C.CString(reader)
	defer C.free(unsafe.Pointer(name))
	var card C.SCARDHANDLE
	var protocol C.DWORD
	rv := C.SCardConnect(context, name, C.SCARD_SHARE_EXCLUSIVE, C.SCARD_PROTOCOL_T1, &card, &protocol)
	return card, check(rv)
}

func send(card C.SCARDHANDLE, command []byte) ([]byte, error) {
	var answer [maxAnswer]byte
	size := C.DWORD(len(answer))
	rv := C.transmit(card, (*C.BYTE)(&command[0]), C.DWORD(len(command)), (*C.BYTE)(&answer[0]), &size)
	if err := check(rv); err != nil {
		return nil, err
	}
	if size < 2 {
		return nil, errors.New("the answer has no status word")
	}
	return answer[:size], nil
}

func check(rv C.LONG) error {
	if rv == C.SCARD_S_SUCCESS {
		return nil
	}
	return Error(uint32(rv))
}

// isGone reports whether the reader vanished while it was asked.
func isGone(err error) bool {
	return errors.Is(err, Error(C.SCARD_E_UNKNOWN_READER)) || errors.Is(err, Error(C.SCARD_E_READER_UNAVAILABLE))
}
