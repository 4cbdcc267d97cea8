package keystore

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/touchstone-app/touchstone/keystore/pcsc"
)

// Commands that piv-go has no function for (virtual-key sheet, 2.2, 2.6 and 2.7).
var (
	selectPIV        = []byte{0x00, 0xa4, 0x04, 0x00, 0x05, 0xa0, 0x00, 0x00, 0x03, 0x08}
	selectManagement = []byte{0x00, 0xa4, 0x04, 0x00, 0x08, 0xa0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17}
	readConfig       = []byte{0x00, 0x1d, 0x00, 0x00, 0x00}
	metadataPIN      = []byte{0x00, 0xf7, 0x00, 0x80, 0x00}
	metadataPUK      = []byte{0x00, 0xf7, 0x00, 0x81, 0x00}
)

// info reads what a card says about itself.
func (q *request) info() (*reply, error) {
	answer, err := q.onCard(identify)
	if err != nil {
		return nil, err
	}
	// piv-go discards what GET METADATA says about PIN and PUK, so these commands go past it, on a connection of
	// their own: piv-go's is exclusive.
	commands := [][]byte{selectPIV, metadataPIN, metadataPUK}
	if q.Model == "" { // asking another applet makes the card forget that the PIN is verified
		commands = append(commands, selectManagement, readConfig)
	}
	answers, err := exchange(q.Reader, commands...)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return answer, nil
	case err != nil:
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	answer.Card.addMetadata(answers[1], answers[2])
	answer.Card.Model, answer.Card.FormFactor = q.Model, q.Form
	if q.Model == "" {
		form, _ := formOf(answers[4])
		answer.Card.Model, answer.Card.FormFactor = modelName(answer.Card.Firmware, answers[4]), formFactorName(form)
	}
	return answer, nil
}

// A card that was just closed takes some 5 ms before it can be opened again (hardware-key sheet, 3).
const (
	reopenTries = 20
	reopenPause = 5 * time.Millisecond
)

// exchange is pcsc.Exchange on a card that was closed just before.
func exchange(reader string, commands ...[]byte) (answers [][]byte, err error) {
	for range reopenTries {
		answers, err = pcsc.Exchange(reader, commands...)
		if !errors.Is(err, pcsc.Error(scardSharingViolation)) {
			break
		}
		time.Sleep(reopenPause)
	}
	return answers, err
}

func identify(yk *piv.YubiKey, _ *request) (*reply, error) {
	serial, err := yk.Serial()
	if err != nil {
		return nil, fmt.Errorf("reading the serial number: %w", err)
	}
	v := yk.Version()
	firmware := fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
	card := &cardInfo{Serial: serial, Firmware: firmware, Model: modelName(firmware, nil)}
	if atLeast(v, firstMetadata) {
		return &reply{Card: card}, nil
	}
	if left, err := yk.Retries(); err == nil { // all that old firmware tells; no answer once the PIN is verified
		card.PINAttempts, card.PINTold = left, true
	}
	return &reply{Card: card}, nil
}

// addMetadata reads the answers to GET METADATA for PIN and PUK. A card that does not know the command leaves the
// state unknown (hardware-key sheet, 6.3: 6D00 from an old applet).
func (c *cardInfo) addMetadata(pin, puk []byte) {
	pinDefault, pinTotal, pinLeft, ok := secretState(pin)
	if !ok {
		return
	}
	pukDefault, pukTotal, pukLeft, ok := secretState(puk)
	if !ok {
		return
	}
	c.Known = true
	c.PINIsDefault, c.PINTotal, c.PINAttempts = pinDefault, pinTotal, pinLeft
	c.PUKIsDefault, c.PUKTotal, c.PUKAttempts = pukDefault, pukTotal, pukLeft
}

// secretState reads one answer to GET METADATA for a PIN or PUK: tag 05 says whether it is the factory one, tag 06
// holds the attempts in all and the attempts left (virtual-key sheet, 2.6).
func secretState(answer []byte) (isDefault bool, total, left int, ok bool) {
	body, good := succeeded(answer)
	if !good {
		return false, 0, 0, false
	}
	var seen int
	for tag, value := range records(body) {
		switch {
		case tag == 0x05 && len(value) == 1:
			isDefault = value[0] != 0
			seen++
		case tag == 0x06 && len(value) == 2:
			total, left = int(value[0]), int(value[1])
			seen++
		}
	}
	return isDefault, total, left, seen == 2
}

// modelName names a YubiKey as its packaging does. config is the answer to the management applet's read command,
// nil where it could not be asked (virtual-key sheet, 2.7).
func modelName(firmware string, config []byte) string {
	series := "YubiKey"
	if len(firmware) > 0 {
		series += " " + firmware[:1]
	}
	form, nfc := formOf(config)
	name := series + formSuffix(form&0x7f)
	if nfc {
		name += " NFC"
	}
	if form&0x80 != 0 {
		name += " FIPS"
	}
	return name
}

// formOf is the form factor in the answer to the management applet's read command, zero where it holds none, and
// whether the key has an antenna.
func formOf(config []byte) (form byte, nfc bool) {
	body, ok := succeeded(config)
	if !ok || len(body) == 0 {
		return 0, false
	}
	for tag, value := range records(body[1:]) {
		switch {
		case tag == 0x04 && len(value) == 1:
			form = value[0]
		case tag == 0x0d: // NFC capabilities: present and not zero on keys with an antenna
			nfc = !isZero(value)
		}
	}
	return form, nfc
}

// formSuffix is what the form factor adds to a model's name (virtual-key sheet, 2.6, extension .9).
func formSuffix(form byte) string {
	switch form {
	case 0x02:
		return " Nano"
	case 0x03:
		return "C"
	case 0x04:
		return "C Nano"
	case 0x05:
		return "Ci"
	case 0x06:
		return " Bio"
	case 0x07:
		return "C Bio"
	default:
		return ""
	}
}

func isZero(value []byte) bool {
	for _, b := range value {
		if b != 0 {
			return false
		}
	}
	return true
}

// succeeded strips the status word off an answer and reports whether it was 9000.
func succeeded(answer []byte) ([]byte, bool) {
	n := len(answer) - 2
	if n < 0 || answer[n] != 0x90 || answer[n+1] != 0x00 {
		return nil, false
	}
	return answer[:n], true
}

// records yields tag and value of each record, and stops at the first that is malformed.
func records(body []byte) func(yield func(tag byte, value []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for len(body) > 0 {
			var record asn1.RawValue // the tags used here are single bytes, so DER's rules fit
			rest, err := asn1.Unmarshal(body, &record)
			if err != nil || !yield(body[0], record.Bytes) {
				return
			}
			body = rest
		}
	}
}
