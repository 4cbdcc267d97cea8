package virtual

import (
	"fmt"
	"slices"
	"strings"
)

// Firmware is the version of a YubiKey's firmware. It is made in the factory and never changes, and cards of different
// age know different commands, algorithms and defaults (virtual-key sheet, 2.3, 3.4 and 4).
type Firmware struct{ Major, Minor, Patch byte }

// DefaultFirmware is that of a card of which nothing else is said.
var DefaultFirmware = Firmware{5, 4, 3}

// Firmwares returns the versions that a virtual key can have, oldest first: the last of the YubiKey 4, the first YubiKey
// 5 with attested policies in wide use, the one before AES became the default, and the one with Ed25519 and longer RSA.
func Firmwares() []Firmware { return []Firmware{{4, 3, 5}, {5, 2, 7}, DefaultFirmware, {5, 7, 1}} }

// ParseFirmware reads a version as a card tells it, "5.4.3". An empty text is the zero Firmware.
func ParseFirmware(text string) (Firmware, error) {
	if text == "" {
		return Firmware{}, nil
	}
	known := Firmwares()
	if i := slices.IndexFunc(known, func(f Firmware) bool { return f.String() == text }); i >= 0 {
		return known[i], nil
	}
	var names []string
	for _, f := range known {
		names = append(names, f.String())
	}
	return Firmware{}, fmt.Errorf("firmware %q is none of %s", text, strings.Join(names, ", "))
}

// String is the version as a card tells it.
func (f Firmware) String() string { return fmt.Sprintf("%d.%d.%d", f.Major, f.Minor, f.Patch) }

// bytes is the version as it goes over the wire.
func (f Firmware) bytes() []byte { return []byte{f.Major, f.Minor, f.Patch} }

// number is the version as FIDO2 tells it.
func (f Firmware) number() int { return int(f.Major)<<16 | int(f.Minor)<<8 | int(f.Patch) }

func (f Firmware) since(major, minor byte) bool {
	return f.Major > major || f.Major == major && f.Minor >= minor
}

// What came with which version. GET SERIAL is that of the PIV applet; older cards tell their number over OTP only.
func (f Firmware) hasGetSerial() bool      { return f.since(5, 0) }
func (f Firmware) hasMetadata() bool       { return f.since(5, 3) }
func (f Firmware) hasAESManagement() bool  { return f.since(5, 4) }
func (f Firmware) hasMove() bool           { return f.since(5, 7) }
func (f Firmware) hasFIDO2() bool          { return f.since(5, 0) }
func (f Firmware) hasFIDO21() bool         { return f.since(5, 7) }
func (f Firmware) hasFullDeviceInfo() bool { return f.since(5, 0) }

// managementAlgorithm is that of the factory's management key, whose bytes are the same on all.
func (f Firmware) managementAlgorithm() byte {
	if f.since(5, 7) {
		return algorithmAES192
	}
	return algorithm3DES
}

// knows reports whether keys of an algorithm can be made and imported.
func (f Firmware) knows(algorithm byte) bool {
	switch algorithm {
	case algorithmRSA1024, algorithmRSA2048, algorithmP256, algorithmP384:
		return true
	case algorithmRSA3072, algorithmRSA4096, algorithmEd25519, algorithmX25519:
		return f.since(5, 7)
	default:
		return false
	}
}

// maxResident is how many discoverable credentials fit.
func (f Firmware) maxResident() int {
	if f.since(5, 7) {
		return 100
	}
	return 25
}

// Answers to reset over USB (virtual-key sheet, 1.5).
var (
	atrYubiKey5 = []byte{
		0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0,
		0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79, 0x40,
	}
	atrYubiKey4 = []byte{
		0x3b, 0xf8, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x59, 0x75, 0x62,
		0x69, 0x6b, 0x65, 0x79, 0x34, 0xd4,
	}
)

func (f Firmware) atr() []byte {
	if f.since(5, 0) {
		return atrYubiKey5
	}
	return atrYubiKey4
}

// readerName has the words that clients look for: "YubiKey", "Yubico YubiKey", and OTP, FIDO or U2F, and CCID, from which
// ykman takes the product (virtual-key sheet, 1.5).
//
// The number tells the readers of one computer apart.
func (f Firmware) readerName(number int) string {
	product := "Yubico Yubikey 4 OTP+U2F+CCID"
	if f.since(5, 0) {
		product = "Yubico YubiKey OTP+FIDO+CCID"
	}
	return fmt.Sprintf("%s %02X 00", product, number)
}

// Identifiers of authenticator models, AAGUIDs (virtual-key sheet, 3.4; Yubico's list of them).
var (
	aaguid52 = []byte{0x2f, 0xc0, 0x57, 0x9f, 0x81, 0x13, 0x47, 0xea, 0xb1, 0x16, 0xbb, 0x5a, 0x8d, 0xb9, 0x20, 0x2a}
	aaguid57 = []byte{0xa2, 0x53, 0x42, 0xc0, 0x3c, 0xdc, 0x44, 0x14, 0x8e, 0x46, 0xf4, 0x80, 0x7f, 0xca, 0x51, 0x1c}
)

// aaguid is that of a YubiKey 5 NFC of this version.
func (f Firmware) aaguid() []byte {
	if f.since(5, 7) {
		return aaguid57
	}
	return aaguid52
}
