package virtual

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// toolbox runs Debian's unmodified tools on a virtual key (virtual-key sheet, 5). A tool that is not installed fails
// the test: make setup installs them all.
type toolbox struct {
	t   *testing.T
	key *Key
	dir string // where the tools work
}

func newToolbox(t *testing.T, firmware Firmware) toolbox {
	key := start(t, Config{Firmware: firmware, Serial: testSerial, AutoTouchDelay: 10 * time.Millisecond})
	return toolbox{t: t, key: key, dir: t.TempDir()}
}

// run runs a command and returns what it printed and whether it succeeded.
func (b toolbox) run(command string, args ...string) (output string, ok bool) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), command, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "PCSCLITE_CSOCK_NAME="+b.key.Socket(), "HOME="+b.dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("running %s: %v", command, err)
	}
	return string(out), err == nil
}

// want runs a command that must succeed and print each of the texts.
func (b toolbox) want(commandLine string, texts ...string) {
	b.t.Helper()
	words := strings.Fields(commandLine)
	out, ok := b.run(words[0], words[1:]...)
	if !ok {
		b.t.Fatalf("%s failed:\n%s", commandLine, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			b.t.Errorf("%s does not say %q:\n%s", commandLine, text, out)
		}
	}
}

// wantFailure runs a command that must fail and print text.
func (b toolbox) wantFailure(commandLine, text string) {
	b.t.Helper()
	words := strings.Fields(commandLine)
	if out, ok := b.run(words[0], words[1:]...); ok || !strings.Contains(out, text) {
		b.t.Errorf("%s must fail and say %q:\n%s", commandLine, text, out)
	}
}

func TestDebiansToolsKnowTheCard(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("yubico-piv-tool -a list-readers", testReader)
	b.want("yubico-piv-tool -a status", "5.4.3", "12345678", "No data available", "PIN tries left:\t3")
	b.want("ykman list", "YubiKey 5C NFC (5.4.3) [OTP+FIDO+CCID] Serial: 12345678")
	b.want("ykman piv info", "PIV version: 5.4.3", "PIN tries remaining: 3/3", "TDES",
		"Using default PIN", "Using default Management key")
}

func TestDebiansToolsGenerateAndVerifyAnAttestation(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("yubico-piv-tool -s 9a -A ECCP256 --pin-policy once --touch-policy cached -a generate -o pub.pem",
		"Successfully generated a new private key.")
	b.want("yubico-piv-tool -s 9a -a attest -o att.pem")
	b.want("yubico-piv-tool -a read-certificate -s f9 -o f9.pem")
	b.want("openssl verify -partial_chain -trusted f9.pem att.pem", "att.pem: OK")
	root := pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: b.key.Root().Raw})
	if err := os.WriteFile(filepath.Join(b.dir, "root.pem"), root, 0o600); err != nil {
		t.Fatal(err)
	}
	b.want("openssl verify -CAfile root.pem -untrusted f9.pem att.pem", "att.pem: OK")
	b.want("openssl x509 -in att.pem -noout -text", "YubiKey PIV Attestation 9a",
		"1.3.6.1.4.1.41482.3.3", "1.3.6.1.4.1.41482.3.7", "1.3.6.1.4.1.41482.3.8", "1.3.6.1.4.1.41482.3.9")
	b.want("yubico-piv-tool -s 9a -a verify-pin -P 123456 -a test-signature -i att.pem", "Successful ECDSA verification.")
	if got := b.key.Status(); got.Touches != 1 || got.Signatures != 1 {
		t.Errorf("the card counts %+v, want one touch and one signature", got)
	}
	b.writeForeignKey("foreign.pem")
	b.want("yubico-piv-tool -s 9d -a import-key -i foreign.pem", "Successfully imported a new private key.")
	b.wantFailure("yubico-piv-tool -s 9d -a attest", "Failed to attest data.")
}

func (b toolbox) writeForeignKey(name string) {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name, "EC PRIVATE KEY", der)
}

func (b toolbox) write(name, kind string, der []byte) {
	b.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(b.dir, name), text, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func TestDebiansToolsChangeSecretsAndShowTheMarker(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("yubico-piv-tool -a change-pin -P 123456 -N 654321", "Successfully changed the pin code.")
	b.wantFailure("yubico-piv-tool -a change-pin -P 123456 -N 654321", "Failed verifying pin code, now 2 tries left before blocked.")
	b.want("yubico-piv-tool -a change-puk -P 12345678 -N 87654321", "Successfully changed the puk code.")
	b.want("yubico-piv-tool -a set-chuid -a set-ccc", "Successfully set new CHUID.", "Successfully set new CCC.")
	b.writeMarker("marker.pem")
	b.want("yubico-piv-tool -s 9c -a import-certificate -i marker.pem", "Successfully imported a new certificate.")
	b.want("yubico-piv-tool -a status", "Slot 9c", "O=teleport", "PIN tries left:\t2")
	out, _ := b.run("ykman", "piv", "info")
	if strings.Contains(out, "default PIN") || !strings.Contains(out, "O=teleport") || !strings.Contains(out, "2/3") {
		t.Errorf("ykman piv info must show the changed PIN and the certificate:\n%s", out)
	}
	b.wantFailure("yubico-piv-tool -a reset", "Reset failed, are pincodes blocked?")
}

// writeMarker writes a certificate as clients of Teleport clusters mark their slots with (hardware-key sheet, 4.1).
func (b toolbox) writeMarker(name string) {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: randomSerialNumber(),
		Subject:      pkix.Name{Organization: []string{"teleport"}, OrganizationalUnit: []string{"15.0.0"}},
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name, pemCertificate, der)
}

func TestDebiansToolsBlockUnblockAndReset(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.wantFailure("yubico-piv-tool -a verify-pin -P 000000", "Pin verification failed, 2 tries left before pin is blocked.")
	b.wantFailure("yubico-piv-tool -a verify-pin -P 000000", "Pin verification failed, 1 tries left before pin is blocked.")
	b.wantFailure("yubico-piv-tool -a verify-pin -P 000000", "Pin code blocked, use unblock-pin action to unblock.")
	b.want("yubico-piv-tool -a unblock-pin -P 12345678 -N 123456", "Successfully unblocked the pin code.")
	b.want("yubico-piv-tool -a verify-pin -P 123456 -a pin-retries --pin-retries 1 --puk-retries 1",
		"Successfully changed pin retries to 1 and puk retries to 1")
	b.wantFailure("yubico-piv-tool -a verify-pin -P 000000", "Pin code blocked")
	b.wantFailure("yubico-piv-tool -a unblock-pin -P 00000000 -N 123456", "")
	b.want("yubico-piv-tool -a reset", "Successfully reset the application.")
	b.want("yubico-piv-tool -a verify-pin -P 123456", "Successfully verified PIN.")
}

func TestDebiansToolsMeetAnotherProgramOnTheCard(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	h := newRaw(t, b.key, 4).open(shareExclusive)
	b.wantFailure("yubico-piv-tool -a version", "Failed to connect to yubikey")
	h.disconnect(dispositionLeave)
	b.want("yubico-piv-tool -a version", "5.4.3")
}

// TestLibpcscliteSeesTheCardComeAndGo lets the library wait for changes, through the Python binding that ykman brings;
// it is there for the system's own Python only.
func TestLibpcscliteSeesTheCardComeAndGo(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	script, err := filepath.Abs(filepath.Join("testdata", "watch.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", script)
	cmd.Env = append(os.Environ(), "PCSCLITE_CSOCK_NAME="+b.key.Socket())
	cmd.Stderr = t.Output()
	out, errOut := cmd.StdoutPipe()
	in, errIn := cmd.StdinPipe()
	if err := errors.Join(errOut, errIn, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, step := range []struct {
		says        string
		onceItWaits func()
	}{
		{"readers: " + testReader, b.key.Unplug},
		{"readers:", b.key.Plug},
		{"readers: " + testReader, func() { in.Write([]byte("cancel\n")) }},
	} {
		if !lines.Scan() || strings.TrimSpace(lines.Text()) != step.says {
			t.Fatalf("the library says %q, want %q", lines.Text(), step.says)
		}
		testkit.Eventually(t, "wait for a change", b.key.server.somebodyWaits)
		step.onceItWaits()
	}
	if !lines.Scan() || lines.Text() != "cancelled" {
		t.Errorf("the library says %q, want that the wait was cancelled", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the script ended with %v", err)
	}
}

func (s *server) somebodyWaits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		if c.waiting {
			return true
		}
	}
	return false
}
