package keystore

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-piv/piv-go/v2/piv"
)

// Commands about the management key, which piv-go has no functions for (virtual-key sheet, 2.3 and 2.6).
var (
	metadataManagement = []byte{0x00, 0xf7, 0x00, 0x9b, 0x00}
	readAdminData      = []byte{0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xff, 0x00, 0x00}
)

// managementAlgorithms are the kinds of management keys (virtual-key sheet, 2.3).
var managementAlgorithms = map[byte]string{0x03: "3DES", 0x08: "AES-128", 0x0a: "AES-192", 0x0c: "AES-256"}

// managementDetails reads the answers to GET METADATA for the management key, which firmware before 5.3 does not know,
// and to GET DATA for ykman's notes about it. ykman notes that it stored the key behind the PIN, but a key that is
// the factory one is that all the same.
func managementDetails(metadata, admin []byte) ManagementDetails {
	d := ManagementDetails{Kind: ManagementUnknown}
	body, _ := succeeded(metadata)
	for tag, value := range records(body) {
		switch {
		case tag == 0x01 && len(value) == 1:
			d.Algorithm = managementAlgorithms[value[0]]
		case tag == 0x02 && len(value) == 2: // its PIN policy says nothing
			d.Touch = value[1] > 1
		case tag == 0x05 && len(value) == 1 && value[0] == 0:
			d.Kind = ManagementOwn
		case tag == 0x05 && len(value) == 1:
			d.Kind = ManagementFactory
		}
	}
	if d.Kind != ManagementFactory && keyIsStored(admin) {
		d.Kind = ManagementProtected
	}
	return d
}

// keyIsStored reads ykman's notes: 53{80{81 flags}}, where flag 02 says that the key is stored behind the PIN.
func keyIsStored(answer []byte) bool {
	body, _ := succeeded(answer)
	for tag, object := range records(body) {
		if tag != 0x53 {
			continue
		}
		for tag, notes := range records(object) {
			if tag != 0x80 {
				continue
			}
			for tag, value := range records(notes) {
				if tag == 0x81 && len(value) == 1 {
					return value[0]&0x02 != 0
				}
			}
		}
	}
	return false
}

// manage does something that needs the management key: the request's, the one that the card stores behind the PIN, or
// the factory's.
func manage[T any](yk *piv.YubiKey, q *request, do func(key []byte) (T, error)) (T, error) {
	var none T
	key := piv.DefaultManagementKey
	switch {
	case q.secrets.Management.Len() > 0:
		key = q.secrets.Management.Reveal()
	case q.Stored:
		stored, err := storedManagementKey(yk, q)
		if err != nil {
			return none, err
		}
		defer clear(stored)
		key = stored
	}
	if q.ManagementTouch {
		q.notify(reply{Waiting: true})
	}
	began := time.Now()
	done, err := do(key)
	if err != nil {
		return none, managementFailure(err, q.ManagementTouch && time.Since(began) > touchTimeout/2)
	}
	return done, nil
}

// storedManagementKey reads the key that ykman stored on the card, which takes the PIN (virtual-key sheet, 2.3).
func storedManagementKey(yk *piv.YubiKey, q *request) ([]byte, error) {
	metadata, err := yk.Metadata(string(q.secrets.PIN.Reveal()))
	if err != nil {
		return nil, secretFailure(fmt.Errorf("reading the stored management key: %w", err), kindPINWrong, kindPINBlocked)
	}
	if metadata.ManagementKey == nil {
		return nil, &failure{Kind: kindManagement, Text: "no management key is stored on the card"}
	}
	return *metadata.ManagementKey, nil
}

// managementFailure marks a refusal of the management key: 6982 while authenticating, 6A80 where the card's key is of
// another kind (hardware-key sheet, 4.4), or a length that no key of that kind has. late says that the card has waited
// for a touch before it refused.
func managementFailure(err error, late bool) error {
	f := failureOf(err)
	switch {
	case f.Status == statusNotSatisfied && late:
		f.Kind = kindNoTouch
	case f.Status == statusNotSatisfied, f.Status == 0x6a80,
		strings.Contains(f.Text, "invalid management key length"):
		f.Kind = kindManagement
	}
	return f
}
