package virtual

import (
	"encoding/binary"
	"slices"
)

// CTAPHID, the framing of messages in reports of 64 bytes (CTAP 2.1, 11.2; virtual-key sheet, 3.3).
const (
	hidReportSize        = 64
	hidFirstPayload      = hidReportSize - 7
	hidNextPayload       = hidReportSize - 5
	hidMaxMessage        = hidFirstPayload + 128*hidNextPayload
	hidBroadcast         = 0xffffffff
	hidNonceLength       = 8
	hidFirst             = 0x80 // set in the command of a message's first report
	hidVersion           = 2
	hidCanWink      byte = 0x01
	hidCanCBOR      byte = 0x04
)

// hidCapabilities are what a key can do. All can do MSG, whose bit would say that it is missing.
func hidCapabilities(f Firmware) byte {
	if f.hasFIDO2() {
		return hidCanWink | hidCanCBOR
	}
	return hidCanWink
}

// CTAPHID commands.
const (
	hidPing      = 0x01
	hidMsg       = 0x03
	hidInit      = 0x06
	hidWink      = 0x08
	hidCBOR      = 0x10
	hidCancel    = 0x11
	hidKeepalive = 0x3b
	hidError     = 0x3f
)

// CTAPHID error codes, the one byte of an ERROR.
const (
	hidErrCommand  = 0x01
	hidErrLength   = 0x03
	hidErrSequence = 0x04
	hidErrTimeout  = 0x05
	hidErrBusy     = 0x06
	hidErrChannel  = 0x0b
)

// What a KEEPALIVE says.
const (
	hidProcessing = 1
	hidTapWanted  = 2
)

// hidReport is one report, taken apart.
type hidReport struct {
	channel  uint32
	first    bool
	command  byte // of a first report
	length   int  // of the whole message, in a first report
	sequence byte // of a later report
	payload  []byte
}

// parseHIDReport takes a report of hidReportSize bytes apart; every content means something.
func parseHIDReport(b []byte) hidReport {
	r := hidReport{channel: binary.BigEndian.Uint32(b)}
	if b[4]&hidFirst == 0 {
		r.sequence, r.payload = b[4], b[5:]
		return r
	}
	r.first, r.command = true, b[4]&^hidFirst
	r.length, r.payload = int(binary.BigEndian.Uint16(b[5:])), b[7:]
	return r
}

// hidReports cuts a message into reports.
func hidReports(channel uint32, command byte, message []byte) [][]byte {
	head := binary.BigEndian.AppendUint32(make([]byte, 0, hidReportSize), channel)
	first := binary.BigEndian.AppendUint16(append(slices.Clone(head), command|hidFirst), uint16(len(message)))
	n := min(len(message), hidFirstPayload)
	reports := [][]byte{fillHIDReport(first, message[:n])}
	sequence := byte(0)
	for part := range slices.Chunk(message[n:], hidNextPayload) {
		reports = append(reports, fillHIDReport(append(slices.Clone(head), sequence), part))
		sequence++
	}
	return reports
}

func fillHIDReport(head, payload []byte) []byte {
	report := make([]byte, hidReportSize)
	copy(report[copy(report, head):], payload)
	return report
}

// hidMessage is a message on its way in.
type hidMessage struct {
	channel  uint32
	command  byte
	length   int
	data     []byte
	sequence byte // of the report that must come next
}

func newHIDMessage(r hidReport) *hidMessage {
	m := &hidMessage{channel: r.channel, command: r.command, length: r.length}
	m.add(r.payload)
	return m
}

// add appends as much of payload as belongs to the message.
func (m *hidMessage) add(payload []byte) {
	m.data = append(m.data, payload[:min(len(payload), m.length-len(m.data))]...)
}

func (m *hidMessage) complete() bool { return len(m.data) == m.length }
