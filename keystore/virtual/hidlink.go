package virtual

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Times of the wire. They are real ones, also under a ManualClock: the client at the other end lives in real time.
const (
	hidMessageTimeout = 500 * time.Millisecond // between the reports of one message (CTAP 2.1, 11.2.5.2)
	hidKeepaliveEvery = 100 * time.Millisecond
	hidWriteTimeout   = time.Second          // for a client that has stopped reading
	hidLookEvery      = 5 * time.Millisecond // for a client to come (virtual-key sheet, 3.2)
)

// hidPort is the device's end of the cable: the master of a PTY. Reading fails with EIO while nobody has the other end.
type hidPort interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// ceremony is one request under way: how the client takes it back, and how it is told that the key wants a tap.
type ceremony struct {
	ctx   context.Context
	blink func(on bool)
}

// hidDevice answers the messages of a hidLink, one at a time.
type hidDevice interface {
	model() Firmware
	answerCBOR(c ceremony, request []byte) []byte
	answerU2F(request []byte) []byte
	clientLeft() // may come while an answer is being made
}

// hidLink serves one port for as long as the key is plugged in.
type hidLink struct {
	port   hidPort
	device hidDevice
	log    *slog.Logger
	closed chan struct{}
	wg     sync.WaitGroup

	channels map[uint32]struct{} // handed out; the reader's alone, like the next
	partial  *hidMessage

	writing sync.Mutex // held for a whole message

	mu      sync.Mutex
	running *transaction  // guarded by mu
	ended   chan struct{} // closed when the transaction begun last, aborted or not, has ended; guarded by mu
}

// transaction is a request that is being answered.
type transaction struct {
	channel uint32
	cancel  context.CancelFunc
}

func startHIDLink(port hidPort, device hidDevice, log *slog.Logger) *hidLink {
	l := &hidLink{
		port: port, device: device, log: log,
		closed: make(chan struct{}), ended: make(chan struct{}), channels: map[uint32]struct{}{},
	}
	close(l.ended)
	l.wg.Go(l.read)
	return l
}

// close pulls the cable and waits for what was going on.
func (l *hidLink) close() error {
	close(l.closed)
	err := l.port.Close()
	l.abort(hidBroadcast)
	l.wg.Wait()
	return err
}

// read takes the port as a stream of reports, each behind a report number that says nothing.
func (l *hidLink) read() {
	var report [1 + hidReportSize]byte
	filled := 0
	for {
		n, err := l.port.Read(report[filled:])
		filled += n
		switch {
		case filled == len(report):
			filled = 0
			l.receive(parseHIDReport(slices.Clone(report[1:])))
		case errors.Is(err, os.ErrDeadlineExceeded):
			l.giveUpPartial(hidErrTimeout)
		case errors.Is(err, syscall.EIO):
			filled = 0
			if !l.awaitClient() {
				return
			}
		case err != nil:
			return
		}
		l.limitPartial()
	}
}

// awaitClient is a moment without a client. It returns false when the link has been closed.
func (l *hidLink) awaitClient() bool {
	l.partial = nil
	l.abort(hidBroadcast)
	l.device.clientLeft()
	select {
	case <-l.closed:
		return false
	case <-time.After(hidLookEvery):
		return true
	}
}

// limitPartial gives the client a moment for the next report of a message.
func (l *hidLink) limitPartial() {
	deadline := time.Time{}
	if l.partial != nil {
		deadline = time.Now().Add(hidMessageTimeout)
	}
	if err := l.port.SetReadDeadline(deadline); err != nil && !errors.Is(err, os.ErrClosed) {
		l.log.Warn("limiting a FIDO message", "err", err)
	}
}

func (l *hidLink) giveUpPartial(code byte) {
	if m := l.partial; m != nil {
		l.partial = nil
		l.sendError(m.channel, code)
	}
}

// receive takes one report in.
func (l *hidLink) receive(r hidReport) {
	if !r.first {
		l.receiveNext(r)
		return
	}
	if code := l.refuse(r); code != 0 {
		l.sendError(r.channel, code)
		return
	}
	if r.command == hidCancel {
		l.cancel(r.channel)
		return
	}
	l.partial = newHIDMessage(r)
	l.deliver()
}

func (l *hidLink) receiveNext(r hidReport) {
	m := l.partial
	if m == nil || m.channel != r.channel {
		return // of a message that was refused or given up
	}
	if m.sequence != r.sequence {
		l.giveUpPartial(hidErrSequence)
		return
	}
	m.sequence++
	m.add(r.payload)
	l.deliver()
}

// refuse returns the code of the error that a message begins with, or 0.
func (l *hidLink) refuse(r hidReport) byte {
	_, known := l.channels[r.channel]
	init := r.command == hidInit
	switch {
	case !known && (r.channel != hidBroadcast || !init):
		return hidErrChannel
	case r.command == hidCancel:
		return 0
	case l.partial != nil && l.partial.channel != r.channel, !init && l.busy():
		return hidErrBusy
	case l.partial != nil && !init:
		l.partial = nil
		return hidErrSequence
	case r.length > hidMaxMessage:
		return hidErrLength
	default:
		return 0
	}
}

func (l *hidLink) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running != nil
}

// deliver carries the message out once it is complete.
func (l *hidLink) deliver() {
	m := l.partial
	if !m.complete() {
		return
	}
	l.partial = nil
	switch m.command {
	case hidInit:
		l.init(m)
	case hidPing:
		l.send(m.channel, hidPing, m.data)
	case hidWink:
		l.send(m.channel, hidWink, nil)
	case hidCBOR:
		if !l.device.model().hasFIDO2() {
			l.sendError(m.channel, hidErrCommand)
			return
		}
		l.begin(m)
	case hidMsg:
		l.begin(m)
	default:
		l.sendError(m.channel, hidErrCommand)
	}
}

// init hands out a channel, or brings the one it came on back to the start (CTAP 2.1, 11.2.9.1.3).
func (l *hidLink) init(m *hidMessage) {
	if m.length != hidNonceLength {
		l.sendError(m.channel, hidErrLength)
		return
	}
	channel := m.channel
	if channel == hidBroadcast {
		channel = l.newChannel()
	} else {
		l.abort(channel)
	}
	answer := binary.BigEndian.AppendUint32(m.data, channel)
	answer = append(append(append(answer, hidVersion), l.device.model().bytes()...), hidCapabilities(l.device.model()))
	l.send(m.channel, hidInit, answer)
}

func (l *hidLink) newChannel() uint32 {
	for {
		channel := binary.BigEndian.Uint32(randomBytes(4))
		if _, taken := l.channels[channel]; !taken && channel != 0 && channel != hidBroadcast {
			l.channels[channel] = struct{}{}
			return channel
		}
	}
}

// begin has the device answer a message. A transaction that was aborted just before is waited for: the device does
// one thing at a time.
func (l *hidLink) begin(m *hidMessage) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &transaction{channel: m.channel, cancel: cancel}
	ended := make(chan struct{})
	l.mu.Lock()
	previous := l.ended
	l.running, l.ended = t, ended
	l.mu.Unlock()
	l.wg.Go(func() {
		defer close(ended)
		defer cancel()
		<-previous
		answer := l.answer(ctx, m)
		if l.finish(t) {
			l.send(m.channel, m.command, answer)
		}
	})
}

// finish frees the link for the next request, before the client can know that it may send one. It reports whether t
// is still wanted.
func (l *hidLink) finish(t *transaction) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	wanted := l.running == t
	if wanted {
		l.running = nil
	}
	return wanted
}

// cancel ends the request of a channel early; it is still answered.
func (l *hidLink) cancel(channel uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running != nil && l.running.channel == channel {
		l.running.cancel()
	}
}

// abort ends the request of a channel, or of every one if channel is hidBroadcast, without an answer.
func (l *hidLink) abort(channel uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running != nil && (channel == hidBroadcast || l.running.channel == channel) {
		l.running.cancel()
		l.running = nil
	}
}

// answer makes the answer, with a sign of life every now and then.
func (l *hidLink) answer(ctx context.Context, m *hidMessage) []byte {
	if m.command == hidMsg {
		return l.device.answerU2F(m.data)
	}
	var state atomic.Uint32
	state.Store(hidProcessing)
	done := make(chan struct{})
	var alive sync.WaitGroup
	alive.Go(func() { l.keepAlive(m.channel, &state, done) })
	defer alive.Wait()
	defer close(done)
	return l.device.answerCBOR(ceremony{ctx: ctx, blink: func(on bool) {
		state.Store(hidProcessing)
		if on {
			state.Store(hidTapWanted)
			l.send(m.channel, hidKeepalive, []byte{hidTapWanted})
		}
	}}, m.data)
}

func (l *hidLink) keepAlive(channel uint32, state *atomic.Uint32, done <-chan struct{}) {
	tick := time.NewTicker(hidKeepaliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			l.send(channel, hidKeepalive, []byte{byte(state.Load())})
		}
	}
}

func (l *hidLink) sendError(channel uint32, code byte) { l.send(channel, hidError, []byte{code}) }

// send writes a message, each report in one write. A client that does not read, or is gone, misses it.
func (l *hidLink) send(channel uint32, command byte, message []byte) {
	l.writing.Lock()
	defer l.writing.Unlock()
	_ = l.port.SetWriteDeadline(time.Now().Add(hidWriteTimeout)) // fails only on a closed port, as Write will
	for _, report := range hidReports(channel, command, message) {
		if _, err := l.port.Write(report); err != nil {
			l.log.Debug("sending a FIDO report", "err", err)
			return
		}
	}
}
