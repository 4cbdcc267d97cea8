package virtual

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// The tests here run the lists of commands that a virtual key must answer as a real one does (virtual-key sheet, 5), with
// Debian's unmodified tools.

// factoryManagementKey is the factory's management key as ykman wants it.
const factoryManagementKey = "010203040506070801020304050607080102030405060708"

// writeRSA writes a private key with 2048 bits.
func (b toolbox) writeRSA(name string) {
	b.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func TestYubicoPIVToolImportsAndDecrypts(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.writeRSA("rsa2048.pem")
	b.want("openssl req -x509 -key rsa2048.pem -subj /CN=imported -days 2 -out c.pem")
	b.want("yubico-piv-tool -s 9d -a import-key -i rsa2048.pem", "Successfully imported a new private key.")
	b.want("yubico-piv-tool -s 9d -a import-certificate -i c.pem", "Successfully imported a new certificate.")
	b.want("yubico-piv-tool -s 9d -P 123456 -a verify-pin -a test-decipher -i c.pem", "Successfully performed RSA decryption!")
	b.wantFailure("yubico-piv-tool -s 9d -a attest", "Failed to attest data.")
}

func TestYkmanMakesKeysAndCertificates(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("ykman info", "Firmware version: 5.4.3", "Keychain (USB-C)", "PIV")
	b.want("ykman piv keys generate -m " + factoryManagementKey + " -a ECCP256 --pin-policy ONCE --touch-policy CACHED 9a p.pem")
	b.want("ykman piv certificates generate -m " + factoryManagementKey + " -P 123456 -s CN=yk 9a p.pem")
	b.want("ykman piv keys attest 9a a.pem")
	b.want("ykman piv certificates export 9a c.pem")
	b.want("openssl x509 -in c.pem -noout -subject", "CN = yk")
	b.want("ykman piv certificates request -P 123456 -s CN=yk 9a p.pem r.pem")
	b.want("openssl req -in r.pem -noout -verify", "verify OK")
	b.want("ykman piv keys export 9a k.pem")
	b.sameFile("p.pem", "k.pem")
	b.want("ykman piv objects generate -m " + factoryManagementKey + " -P 123456 CHUID")
	b.want("ykman piv certificates delete -m " + factoryManagementKey + " -P 123456 9a")
	b.writeForeignKey("foreign.pem")
	b.want("openssl req -x509 -key foreign.pem -subj /CN=imported -days 2 -out foreign.crt")
	b.want("ykman piv keys import -m " + factoryManagementKey + " 9d foreign.pem")
	b.want("ykman piv certificates import -m " + factoryManagementKey + " 9d foreign.crt --verify -P 123456")
}

func (b toolbox) sameFile(one, other string) {
	b.t.Helper()
	first, err := os.ReadFile(filepath.Join(b.dir, one))
	if err != nil {
		b.t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(b.dir, other))
	if err != nil || string(first) != string(second) {
		b.t.Errorf("%s and %s differ, %v", one, other, err)
	}
}

func TestYkmanChangesAccess(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("ykman piv access change-pin -P 123456 -n 654321")
	b.want("ykman piv access change-puk -p 12345678 -n 87654321")
	b.wantFailure("ykman piv access change-pin -P 123456 -n 111111", "2 tries left")
	b.want("ykman piv access unblock-pin -p 87654321 -n 123456")
	b.want("ykman piv access change-management-key -m " + factoryManagementKey + " -P 123456 --protect -a AES256 -g")
	b.want("ykman piv access set-retries -f -P 123456 5 4")
	b.want("ykman piv info", "Management key is stored on the YubiKey, protected by PIN.", "AES256", "PIN tries remaining: 5/5")
	b.want("ykman piv reset -f")
	b.want("ykman piv info", "PIN tries remaining: 3/3", "TDES", "Using default Management key")
}

func TestYkmanTellsTwoKeysApart(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("ykman --device 12345678 piv info", "PIV version: 5.4.3")
	b.wantFailure("ykman --device 87654321 piv info", "87654321")
}

func TestOpenSCReadsTheCard(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("opensc-tool -l", "Yes", testReader)
	b.want("opensc-tool -a -n", "3b:fd:13:00:00:81:31:fe:15:80:73:c0:21:c0:57:59:75:62:69:4b:65:79:40",
		"Personal Identity Verification Card")
	b.want("yubico-piv-tool -a set-chuid -a set-ccc")
	b.keyWithCertificate("9a", "ECCP256")
	b.keyWithCertificate("9c", "RSA2048")
	b.want("pkcs15-tool --dump", "PIV AUTH key", "SIGN key", "0x9A", "0x9C")
	b.want("pkcs15-tool --verify-pin --pin 123456")
	b.wantFailure("pkcs15-tool --verify-pin --pin 000000", "PIN code or key incorrect")
	b.want("pkcs11-tool -O --login --pin 123456", "PIV AUTH key", "SIGN key")
}

func TestOpenSCSigns(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.want("yubico-piv-tool -a set-chuid -a set-ccc")
	b.keyWithCertificate("9a", "ECCP256")
	b.keyWithCertificate("9c", "RSA2048")
	if err := os.WriteFile(filepath.Join(b.dir, "h32"), []byte(strings.Repeat("h", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.want("pkcs11-tool --sign -m ECDSA --id 01 --login --pin 123456 -i h32 -o s --signature-format openssl")
	b.want("openssl pkeyutl -verify -pubin -inkey 9a.pub -in h32 -sigfile s", "Signature Verified Successfully")
	b.want("pkcs11-tool --sign -m SHA256-RSA-PKCS --id 02 --login --pin 123456 -i h32 -o s2")
	b.want("openssl dgst -sha256 -verify 9c.pub -signature s2 h32", "Verified OK")
}

// keyWithCertificate makes a key in a slot and a certificate for it.
func (b toolbox) keyWithCertificate(slot, algorithm string) {
	b.t.Helper()
	b.want(fmt.Sprintf("ykman piv keys generate -m %s -a %s %s %s.pub", factoryManagementKey, algorithm, slot, slot))
	b.want(fmt.Sprintf("ykman piv certificates generate -m %s -P 123456 -s CN=%s %s %s.pub", factoryManagementKey, slot, slot, slot))
}

// TestPCSCScanSeesTheKeyComeAndEndsAtOnce runs into the library's waiting for a first reader, and its interruption.
func TestPCSCScanSeesTheKeyComeAndEndsAtOnce(t *testing.T) {
	b := newToolbox(t, DefaultFirmware)
	b.key.Unplug()
	cmd := exec.CommandContext(t.Context(), "pcsc_scan", "-n")
	cmd.Env = append(os.Environ(), "PCSCLITE_CSOCK_NAME="+b.key.Socket(), "TERM=dumb")
	out, err := os.Create(filepath.Join(b.dir, "scan.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	said := func() string {
		text, _ := os.ReadFile(out.Name())
		return string(text)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "wait for the first reader", func() bool {
		return strings.Contains(said(), "Waiting for the first reader") && b.key.server.somebodyWaits()
	})
	b.key.Plug()
	testkit.Eventually(t, "the reader", func() bool { return strings.Contains(said(), testReader) })
	testkit.Eventually(t, "wait for a change", b.key.server.somebodyWaits)
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its status is that of a program that was interrupted
		close(ended)
	}()
	// The library drops a cancellation that comes between registering for changes and waiting for one.
	testkit.Eventually(t, "end of pcsc_scan", func() bool {
		_ = cmd.Process.Signal(os.Interrupt) // fails once it has ended
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
}
