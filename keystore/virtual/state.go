package virtual

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

const (
	cardFile      = "card.json"
	formatVersion = 1
)

// memory is the card's EEPROM: what survives pulling it. On disk it is JSON with the private keys in the clear, because
// this card is software; only the file's permissions protect them.
type memory struct {
	Firmware   Firmware
	Serial     uint32
	PIN, PUK   pinReference
	Management managementKey
	Keys       map[ref]*slotKey
	Objects    map[objectID][]byte
}

// newMemory is a card fresh from the factory.
func newMemory(firmware Firmware, serial uint32, root *authority) (*memory, error) {
	key, certificate, err := newAttestationKey(firmware, root)
	if err != nil {
		return nil, err
	}
	m := &memory{
		Firmware: firmware,
		Serial:   serial,
		Keys:     map[ref]*slotKey{slotAttestation: key},
		Objects:  map[objectID][]byte{objectAttestationCert: certificateObject(certificate)},
	}
	m.factoryReset()
	return m, nil
}

// factoryReset empties everything but the attestation key and its certificate.
func (m *memory) factoryReset() {
	m.PIN = newPINReference(defaultPIN, defaultRetries)
	m.PUK = newPINReference(defaultPUK, defaultRetries)
	m.Management = newManagementKey(m.Firmware)
	maps.DeleteFunc(m.Keys, func(slot ref, _ *slotKey) bool { return slot != slotAttestation })
	maps.DeleteFunc(m.Objects, func(id objectID, _ []byte) bool { return id != objectAttestationCert })
}

// storedCard is memory as it lies on disk.
type storedCard struct {
	Format     int
	Firmware   string `json:",omitempty"` // of DefaultFirmware where it is missing
	Serial     uint32
	PIN, PUK   pinReference
	Management managementKey
	Keys       map[ref]storedKey
	Objects    map[objectID][]byte
}

type storedKey struct {
	Algorithm   byte
	PINPolicy   pinPolicy
	TouchPolicy touchPolicy
	Origin      origin
	PKCS8       []byte
}

func (m *memory) encode() ([]byte, error) {
	stored := storedCard{
		Format: formatVersion, Firmware: m.Firmware.String(), Serial: m.Serial, PIN: m.PIN, PUK: m.PUK, Management: m.Management,
		Keys: make(map[ref]storedKey, len(m.Keys)), Objects: m.Objects,
	}
	for slot, key := range m.Keys {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key.private)
		if err != nil {
			return nil, fmt.Errorf("encoding the key in slot %02x: %w", byte(slot), err)
		}
		stored.Keys[slot] = storedKey{key.Algorithm, key.PINPolicy, key.TouchPolicy, key.Origin, pkcs8}
	}
	return json.MarshalIndent(stored, "", "\t")
}

func decodeMemory(text []byte) (*memory, error) {
	var stored storedCard
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, err
	}
	if stored.Format != formatVersion {
		return nil, fmt.Errorf("format %d is unknown to this version, which writes %d", stored.Format, formatVersion)
	}
	firmware, err := ParseFirmware(stored.Firmware)
	if err != nil {
		return nil, err
	}
	m := &memory{
		Firmware: cmp.Or(firmware, DefaultFirmware), Serial: stored.Serial, PIN: stored.PIN, PUK: stored.PUK, Management: stored.Management,
		Keys: make(map[ref]*slotKey, len(stored.Keys)), Objects: stored.Objects,
	}
	if m.Objects == nil {
		m.Objects = map[objectID][]byte{}
	}
	for slot, key := range stored.Keys {
		private, err := parseSlotKey(key.PKCS8)
		if err != nil {
			return nil, fmt.Errorf("reading the key in slot %02x: %w", byte(slot), err)
		}
		m.Keys[slot] = &slotKey{key.Algorithm, key.PINPolicy, key.TouchPolicy, key.Origin, private}
	}
	return m, m.check()
}

func parseSlotKey(pkcs8 []byte) (privateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	private, ok := key.(privateKey)
	if !ok {
		return nil, fmt.Errorf("a %T is no key of a slot", key)
	}
	return private, nil
}

// check refuses a file that would make the card panic later.
func (m *memory) check() error {
	want, known := managementKeyLengths[m.Management.Algorithm]
	switch {
	case len(m.PIN.Value) != pinLength || len(m.PUK.Value) != pinLength:
		return errors.New("PIN or PUK has a wrong length")
	case !known || len(m.Management.Value) != want:
		return errors.New("the management key does not fit its algorithm")
	case m.Keys[slotAttestation] == nil && !m.Firmware.hasMove(): // which could have deleted it
		return errors.New("the attestation key is missing")
	default:
		return nil
	}
}

// What Start says to a state folder that holds another card.
var (
	errSerial   = errors.New("the state folder holds a card with another serial number")
	errFirmware = errors.New("the state folder holds a card with other firmware")
)

// loadOrMakeMemory reads the card of a state folder. A zero firmware or serial takes whatever is there.
func loadOrMakeMemory(dir string, firmware Firmware, serial uint32, root *authority) (*memory, error) {
	path := filepath.Join(dir, cardFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeMemory(path, firmware, serial, root)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the virtual key: %w", err)
	}
	m, err := decodeMemory(text)
	if err != nil {
		return nil, fmt.Errorf("reading the virtual key in %s: %w", path, err)
	}
	if serial != 0 && serial != m.Serial {
		return nil, fmt.Errorf("opening %s for serial %d: %w: %d", dir, serial, errSerial, m.Serial)
	}
	if firmware != (Firmware{}) && firmware != m.Firmware {
		return nil, fmt.Errorf("opening %s for firmware %s: %w: %s", dir, firmware, errFirmware, m.Firmware)
	}
	return m, nil
}

func makeMemory(path string, firmware Firmware, serial uint32, root *authority) (*memory, error) {
	m, err := newMemory(cmp.Or(firmware, DefaultFirmware), serialOrRandom(serial), root)
	if err != nil {
		return nil, err
	}
	return m, m.save(path)
}

func (m *memory) save(path string) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	return replaceFile(path, text)
}
