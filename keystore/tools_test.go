//go:build linux

package keystore

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestOtherToolsSeeWhatWeLeaveOnTheCard asks Debian's own programs about a card that was set up for touch and PIN.
func TestOtherToolsSeeWhatWeLeaveOnTheCard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.prepare(Requirement{Policy: bothPolicy})
	rows := []struct {
		tool    []string
		says    []string
		saysNot []string
	}{
		{[]string{"yubico-piv-tool", "-a", "status"}, []string{"Slot 9d", "O=teleport"}, nil},
		{[]string{"ykman", "piv", "info"}, []string{"Slot 9d", "O=teleport"}, []string{"default PIN", "default PUK"}},
	}
	for _, row := range rows {
		t.Run(row.tool[0], func(t *testing.T) {
			command := exec.Command(row.tool[0], row.tool[1:]...)
			command.Env = append(os.Environ(), socketVariable+"="+b.key.Socket())
			output, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %v: %s", row.tool, err, output)
			}
			text := strings.ReplaceAll(string(output), " = ", "=")
			for _, part := range row.says {
				if !strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
					t.Errorf("%v does not say %q:\n%s", row.tool, part, text)
				}
			}
			for _, part := range row.saysNot {
				if strings.Contains(text, part) {
					t.Errorf("%v says %q:\n%s", row.tool, part, text)
				}
			}
		})
	}
}
