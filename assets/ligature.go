package assets

import (
	"bytes"
	"encoding/binary"

	"fyne.io/fyne/v2"
)

// plain is a font without the ligatures that draw "->" as an arrow: an error must be read as it was written. Fyne has
// no switch for them, so the feature gets a tag that no shaper asks for. Content that is not a font stays as it is.
func plain(font *fyne.StaticResource) *fyne.StaticResource {
	content := bytes.Clone(font.StaticContent)
	for record := range features(content) {
		if string(record[:4]) == "calt" {
			copy(record, "    ")
		}
	}
	return fyne.NewStaticResource(font.StaticName, content)
}

// features yields the feature records of a font: a tag of four bytes and an offset of two (OpenType 1.9, GSUB table and
// FeatureList table).
func features(font []byte) func(yield func(record []byte) bool) {
	return func(yield func([]byte) bool) {
		list := featureList(font)
		if len(list) < 2 {
			return
		}
		count := int(binary.BigEndian.Uint16(list))
		for i := range count {
			if start := 2 + 6*i; len(list) < start+6 || !yield(list[start:start+6]) {
				return
			}
		}
	}
}

// featureList is the FeatureList table and all that follows it; empty where there is none.
func featureList(font []byte) []byte {
	const directory, record = 12, 16 // OpenType 1.9, table directory
	if len(font) < directory {
		return nil
	}
	for i := range int(binary.BigEndian.Uint16(font[4:])) {
		start := directory + record*i
		if len(font) < start+record {
			return nil
		}
		if string(font[start:start+4]) == "GSUB" {
			table := after(font, int(binary.BigEndian.Uint32(font[start+8:])))
			if len(table) < 8 {
				return nil
			}
			return after(table, int(binary.BigEndian.Uint16(table[6:])))
		}
	}
	return nil
}

func after(b []byte, offset int) []byte { return b[min(offset, len(b)):] }
