package assets

import (
	"bytes"
	"testing"

	"fyne.io/fyne/v2"
)

func TestErrorsAreDrawnAsTheyWereWritten(t *testing.T) {
	for _, font := range []*fyne.StaticResource{MonoRegular, MonoBold} {
		kept := 0
		for record := range features(font.StaticContent) {
			if string(record[:4]) == "calt" {
				t.Errorf("%s draws -> as an arrow", font.StaticName)
			}
			kept++
		}
		if original := resource(font.StaticName); kept == 0 || len(original.StaticContent) != len(font.StaticContent) {
			t.Errorf("%s was changed in more than one feature", font.StaticName)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(resource("font/JetBrainsMono-Regular.ttf").StaticContent[:512])
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00GSUB\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x08\x00\x01calt"))
	f.Fuzz(func(t *testing.T, content []byte) {
		before := bytes.Clone(content)
		if got := plain(fyne.NewStaticResource("font", content)); len(got.StaticContent) != len(content) {
			t.Errorf("%d bytes became %d", len(content), len(got.StaticContent))
		}
		if !bytes.Equal(before, content) {
			t.Error("the original was changed")
		}
	})
}
