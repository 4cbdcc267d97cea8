package keystore

import "testing"

func TestModelsAreNamedAsOnTheirPackaging(t *testing.T) {
	config := func(form, nfc byte) []byte {
		return []byte{0x0a, 0x02, 0x01, 0x00, 0x04, 0x01, form, 0x0d, 0x01, nfc, 0x90, 0x00}
	}
	rows := []struct {
		firmware string
		config   []byte
		want     string
	}{
		{"5.4.3", config(0x03, 0x3f), "YubiKey 5C NFC"},
		{"5.4.3", config(0x01, 0x3f), "YubiKey 5 NFC"},
		{"5.2.7", config(0x02, 0x00), "YubiKey 5 Nano"},
		{"5.2.7", config(0x04, 0x00), "YubiKey 5C Nano"},
		{"5.2.7", config(0x05, 0x00), "YubiKey 5Ci"},
		{"5.4.3", config(0x83, 0x3f), "YubiKey 5C NFC FIPS"},
		{"5.6.1", config(0x06, 0x00), "YubiKey 5 Bio"},
		{"5.6.1", config(0x07, 0x00), "YubiKey 5C Bio"},
		{"4.3.5", []byte{0x6d, 0x00}, "YubiKey 4"},
		{"4.3.5", nil, "YubiKey 4"},
		{"5.4.3", []byte{0x90, 0x00}, "YubiKey 5"},
		{"", nil, "YubiKey"},
	}
	for _, row := range rows {
		if got := modelName(row.firmware, row.config); got != row.want {
			t.Errorf("firmware %q with configuration %x is a %q, want %q", row.firmware, row.config, got, row.want)
		}
	}
}

func TestMetadataOfPINAndPUKIsReadOrLeftUnknown(t *testing.T) {
	factory := []byte{0x01, 0x01, 0xff, 0x05, 0x01, 0x01, 0x06, 0x02, 0x03, 0x03, 0x90, 0x00}
	own := []byte{0x01, 0x01, 0xff, 0x05, 0x01, 0x00, 0x06, 0x02, 0x05, 0x02, 0x90, 0x00}
	old := []byte{0x6d, 0x00}
	cut := []byte{0x01, 0x01, 0xff, 0x05, 0x01, 0x90, 0x00}
	bothDefault := cardInfo{Known: true, PINIsDefault: true, PUKIsDefault: true, PINTotal: 3, PINAttempts: 3, PUKTotal: 3, PUKAttempts: 3}
	pukDefault := cardInfo{Known: true, PUKIsDefault: true, PINTotal: 5, PINAttempts: 2, PUKTotal: 3, PUKAttempts: 3}
	rows := []struct {
		name     string
		pin, puk []byte
		want     cardInfo
	}{
		{"both are the factory's", factory, factory, bothDefault},
		{"only the PUK is", own, factory, pukDefault},
		{"old firmware", old, old, cardInfo{}},
		{"a torn answer", factory, cut, cardInfo{}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got cardInfo
			got.addMetadata(row.pin, row.puk)
			if got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}
