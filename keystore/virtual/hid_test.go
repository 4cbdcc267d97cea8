package virtual

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"
)

// FuzzHID has the second door read any reports, and then greets it: whatever came before, it answers.
func FuzzHID(f *testing.F) {
	root, err := newRoot()
	if err != nil {
		f.Fatal(err)
	}
	memory, err := newFIDOMemory(DefaultFirmware, root)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reports(0xffffffff, hidInit, []byte("12345678")))
	f.Add(append(reports(0xffffffff, hidInit, []byte("12345678")), reports(1, hidCBOR, bytes.Repeat([]byte{4}, 300))...))
	f.Add(reports(7, hidPing, make([]byte, 100))[:70])
	f.Fuzz(func(t *testing.T, sent []byte) {
		finger := &contact{clock: realClock{}, delay: time.Nanosecond, notify: func() {}, mode: TouchAuto}
		save := func(*fidoMemory) error { return nil }
		quiet := slog.New(slog.DiscardHandler)
		host, device := net.Pipe()
		link := startHIDLink(device, newAuthenticator(DefaultFirmware, memory, finger, save, quiet), quiet)
		defer link.close()
		defer host.Close()
		whole := len(sent) / (1 + hidReportSize) * (1 + hidReportSize)
		greeting := reports(0xffffffff, hidInit, []byte("greeting"))
		go host.Write(append(sent[:whole:whole], greeting...)) // ends with the pipe
		for report := make([]byte, hidReportSize); ; {
			if _, err := io.ReadFull(host, report); err != nil {
				t.Fatalf("the greeting is not answered: %v", err)
			}
			if report[4] == hidInit|hidFirst && bytes.Equal(report[7:15], []byte("greeting")) {
				return
			}
		}
	})
}

// reports is a message in the reports that a client writes, each behind its number 0.
func reports(channel uint32, command byte, data []byte) []byte {
	var all []byte
	for _, report := range hidReports(channel, command, data) {
		all = append(append(all, 0), report...)
	}
	return all
}
