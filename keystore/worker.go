package keystore

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/touchstone-app/touchstone/keystore/pcsc"
)

// RunWorker is the main function of a worker process: it reads requests from in, talks to cards through piv-go and
// writes replies to out. It returns nil when in ends, which it does when the store's process is gone, even while
// a card is still busy; the caller must then end the process.
//
// Card I/O lives in a process of its own because piv-go keeps the exclusive handle of a card that it could not open
// to the end, and because nothing but the end of the process stops a call into libpcsclite.
func RunWorker(in io.Reader, out io.Writer) error {
	requests, ended := make(chan *request), make(chan struct{})
	go func() { // ends with the process: it may be stuck in the card
		defer close(ended)
		var held holder
		defer held.close()
		for q := range requests {
			q.held = &held
			handle(q, out)
		}
	}()
	for {
		q, err := readRequest(in)
		if errors.Is(err, io.EOF) {
			close(requests)
			select {
			case <-ended:
			case <-time.After(releaseTime):
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		requests <- q
	}
}

// handle answers one request. A reply that cannot be written means that the store is gone; so will in be.
func handle(q *request, out io.Writer) {
	defer q.secrets.wipe()
	q.notify = func(n reply) { _ = writeFrame(out, &n) }
	answer, err := q.perform()
	if err != nil {
		answer = &reply{Failure: failureOf(err)}
	}
	if err := writeFrame(out, answer); err != nil {
		_ = writeFrame(out, &reply{Failure: other("writing a reply: %v", err)})
	}
}

// perform does what the request says.
func (q *request) perform() (*reply, error) {
	switch q.Op {
	case opReaders:
		return listReaders()
	case opRelease:
		q.held.close()
		return &reply{}, nil
	case opInfo:
		return q.info()
	case opDescribe:
		return q.describe()
	case opChangePIN:
		return q.onCard(changePIN)
	case opChangePUK:
		return q.onCard(changePUK)
	case opUnblock:
		return q.onCard(unblock)
	case opReset:
		return q.onCard(reset)
	case opManagement:
		return q.management()
	case opInspect:
		return q.onCard(inspect)
	case opGenerate:
		return q.onCard(generate)
	case opMark:
		return q.onCard(mark)
	case opSign:
		return q.onCard(sign)
	case opVerify:
		return q.onCard(verify)
	case opSetUp:
		return q.onCard(setUp)
	default:
		return nil, other("unknown operation %q", q.Op)
	}
}

// onCard opens the card, makes sure that it is the one meant, does one thing and closes it again unless it is to be
// held.
func (q *request) onCard(do func(*piv.YubiKey, *request) (*reply, error)) (*reply, error) {
	yk, err := q.held.open(q, func() { q.notify(reply{Opened: true}) })
	if err != nil {
		return nil, err
	}
	answer, err := do(yk, q)
	if err != nil || !q.Hold {
		q.held.close()
	}
	if err != nil {
		f := failureOf(err)
		f.Opened = true
		return nil, f
	}
	return answer, nil
}

// checkSerial refuses another card in the same reader: it would spend PIN attempts of the wrong card.
func checkSerial(yk *piv.YubiKey, want uint32) error {
	if want == 0 {
		return nil
	}
	got, err := yk.Serial()
	if err != nil {
		return fmt.Errorf("reading the serial number: %w", err)
	}
	if got != want {
		return &failure{Kind: kindOtherCard, Text: fmt.Sprintf("the reader holds card %d, not %d", got, want)}
	}
	return nil
}

// listReaders finds the readers that may hold a YubiKey by name, as every client of these clusters does
// (hardware-key sheet, 3), and leaves out empty ones.
func listReaders() (*reply, error) {
	all, err := pcsc.Readers()
	if errors.Is(err, errors.ErrUnsupported) {
		readers, err := listByName()
		return &reply{Readers: readers}, err
	}
	if err != nil {
		return nil, err
	}
	answer := &reply{Readers: []readerInfo{}}
	for _, r := range all {
		if !isYubiKey(r.Name) || !r.Present {
			continue
		}
		answer.Readers = append(answer.Readers, readerInfo{Name: r.Name, Events: r.Events})
		if r.InUse {
			answer.InUse = append(answer.InUse, r.Name)
		}
	}
	return answer, nil
}

func listByName() ([]readerInfo, error) {
	names, err := piv.Cards()
	if err != nil {
		return nil, err
	}
	readers := []readerInfo{}
	for _, name := range names {
		if isYubiKey(name) {
			readers = append(readers, readerInfo{Name: name})
		}
	}
	return readers, nil
}

func isYubiKey(reader string) bool { return strings.Contains(strings.ToLower(reader), "yubikey") }
