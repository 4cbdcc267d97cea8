package virtual

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pivGo is the package whose own tests run here, as it lies in the module cache.
const pivGo = "github.com/go-piv/piv-go/v2/piv"

// mustFail are the tests that fail on every card here, and why that is not the card's fault (virtual-key sheet, 5).
var mustFail = map[string]string{
	"TestYubiKeyAttestation":       "it wants Yubico's own attestation root",
	"TestSetRSAPrivateKey/rsa_512": "the standard library makes no such key",
	"TestSetRSAPrivateKey":         "the one before is part of it",
}

// mustFailBefore57 do not ask how old the card is.
var mustFailBefore57 = map[string]string{"TestYubiKeyX25519ECDH": "X25519 came with 5.7"}

// maySkip is what a test says that this card cannot run: it is too old, or has no fingerprint reader.
var maySkip = regexp.MustCompile(`test requires yubikey version \d+\.\d+\.\d+: got|set PIV_BIO_TESTS=1`)

// TestPivGosOwnTestsPass wipes the card that it finds, so it first proves that there is no other than the virtual one.
func TestPivGosOwnTestsPass(t *testing.T) {
	binary := t.TempDir() + "/piv.test"
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, pivGo).CombinedOutput(); err != nil {
		t.Fatalf("building the tests of piv-go: %v\n%s", err, out)
	}
	for _, firmware := range Firmwares() {
		t.Run(firmware.String(), func(t *testing.T) {
			b := newToolbox(t, firmware)
			b.proveAlone()
			want := maps.Clone(mustFail)
			if !firmware.since(5, 7) {
				maps.Copy(want, mustFailBefore57)
			}
			passed, failed := b.goTest(binary)
			if passed < 44 {
				t.Errorf("only %d tests passed", passed)
			}
			for _, name := range slices.Sorted(maps.Keys(failed)) {
				if _, known := want[name]; !known {
					t.Errorf("%s did not pass:\n%s", name, failed[name])
				}
				delete(want, name)
			}
			for name, reason := range want {
				t.Errorf("%s did not fail, although %s", name, reason)
			}
		})
	}
}

// proveAlone fails unless the one reader that programs find has the virtual key in it.
func (b toolbox) proveAlone() {
	b.t.Helper()
	b.want("ykman list --serials", "12345678")
	out, _ := b.run("yubico-piv-tool", "-a", "list-readers")
	if readers := strings.Fields(strings.ReplaceAll(strings.TrimSpace(out), " ", "_")); len(readers) != 1 {
		b.t.Fatalf("there are other readers: %q", readers)
	}
}

// goTest runs a test binary on the card; it returns how many top-level tests passed, and what those said that did not,
// nor were skipped for a good reason.
func (b toolbox) goTest(binary string) (passed int, failed map[string]string) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), "go", "tool", "test2json", binary, "-test.v=test2json", "-wipe-yubikey")
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "PCSCLITE_CSOCK_NAME="+b.key.Socket())
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("running the tests of piv-go: %v", err)
	}
	failed, said := map[string]string{}, map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var event struct{ Action, Test, Output string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			b.t.Fatalf("reading what the tests of piv-go print: %v", err)
		}
		switch said[event.Test] += event.Output; {
		case event.Test == "":
		case event.Action == "pass" && !strings.Contains(event.Test, "/"):
			passed++
		case event.Action == "fail", event.Action == "skip" && !maySkip.MatchString(said[event.Test]):
			failed[event.Test] = said[event.Test]
		}
	}
	return passed, failed
}
