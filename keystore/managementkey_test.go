//go:build linux

package keystore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-piv/piv-go/v2/piv"
	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// Management keys of our own, by algorithm as ykman calls it.
var ownManagementKeys = map[string]struct{ algorithm, digits string }{
	"TDES":   {"3DES", "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60719"},
	"AES128": {"AES-128", "00112233445566778899aabbccddeeff"},
	"AES192": {"AES-192", "00112233445566778899aabbccddeeff0011223344556677"},
	"AES256": {"AES-256", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
}

func TestATypedManagementKeyOfEveryKindMakesKeysOnCardsOfEveryAge(t *testing.T) {
	kinds := map[string][]string{ // ykman is slow, so not all of them on each
		"4.3.5": {"TDES"}, "5.2.7": {"TDES"}, "5.4.3": {"TDES", "AES128"}, "5.7.1": {"AES192", "AES256"},
	}
	for _, firmware := range virtual.Firmwares() {
		for _, name := range kinds[firmware.String()] {
			own := ownManagementKeys[name]
			t.Run(firmware.String()+"/"+name, func(t *testing.T) {
				b := newBenchOf(t, firmware)
				b.ykman("piv", "access", "change-management-key", "-f", "-m", factoryManagementKey, "-a", name, "-n", own.digits)
				b.person.manage = func(ManagementPrompt) (string, error) { return strings.ToUpper(own.digits), nil }
				key := b.prepare(Requirement{Policy: touchPolicy})
				if err := b.sign(t.Context(), key); err != nil {
					t.Errorf("signing: %v", err)
				}
				if len(b.person.managing) != 1 {
					t.Fatalf("the management key was asked for %d times, want once", len(b.person.managing))
				}
				p := b.person.managing[0]
				if p.Digits != len(own.digits) || p.Slot != Slot9C || p.Purpose != purpose || tells(firmware) && p.Algorithm != own.algorithm {
					t.Errorf("it was asked for as %+v", p)
				}
				if (p.Problem == "") != tells(firmware) {
					t.Errorf("the first question says %q", p.Problem)
				}
			})
		}
	}
}

func TestAManagementKeyBehindThePINIsReadWithIt(t *testing.T) {
	for _, firmware := range virtual.Firmwares() {
		for _, policy := range []Policy{touchPolicy, bothPolicy} {
			if policy == bothPolicy && firmware != virtual.DefaultFirmware {
				continue
			}
			t.Run(firmware.String()+"/"+policy.String(), func(t *testing.T) {
				b := newBenchOf(t, firmware)
				b.another("sets a PIN")
				b.another("sets a PUK")
				algorithm := "TDES"
				if firmware.Major == 5 && firmware.Minor >= 4 {
					algorithm = "AES256"
				}
				b.ykman("piv", "access", "change-management-key", "-f", "-m", factoryManagementKey, "-P", goodPIN, "--protect", "-a", algorithm, "-g")
				b.person.answers(goodPIN)
				key := b.prepare(Requirement{Policy: policy})
				if err := b.sign(t.Context(), key); err != nil {
					t.Errorf("signing: %v", err)
				}
				if len(b.person.managing) != 0 {
					t.Errorf("the management key was asked for as %+v", b.person.managing)
				}
				if policy == touchPolicy && len(b.person.asked) != 1 {
					t.Errorf("the PIN was asked for %d times, want once", len(b.person.asked))
				}
			})
		}
	}
}

func TestAWrongManagementKeyIsAskedForAgainWithTheReason(t *testing.T) {
	b := newBench(t)
	own := ownManagementKeys["AES128"].digits
	b.ykman("piv", "access", "change-management-key", "-f", "-m", factoryManagementKey, "-a", "AES128", "-n", own)
	answers := []string{"12 34", "xyz", strings.Repeat("0", 32), own}
	b.person.manage = func(ManagementPrompt) (string, error) { return next(&answers), nil }
	b.prepare(Requirement{})
	var problems []string
	for _, p := range b.person.managing {
		problems = append(problems, p.Problem)
	}
	serial := b.waitForCard().String()
	want := []string{
		"",
		"The management key of this card has 32 hexadecimal digits. Type all of them and no more.",
		"A management key has only hexadecimal digits. Use 0 to 9 and a to f.",
		"That is not the management key of " + serial + ".",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("the reasons differ (-want +got):\n%s", diff)
	}
}

func TestAStoredManagementKeyThatIsNoLongerRightIsAskedFor(t *testing.T) {
	b := newBench(t)
	b.another("sets a PIN")
	own := ownManagementKeys["TDES"].digits
	first := strings.Repeat("17", 24)
	b.ykman("piv", "access", "change-management-key", "-f", "-m", factoryManagementKey, "-P", goodPIN, "--protect", "-a", "TDES", "-n", first)
	b.another("replaces the stored management key behind ykman's back")
	b.person.answers(goodPIN)
	b.person.manage = func(ManagementPrompt) (string, error) { return own, nil }
	b.prepare(Requirement{Policy: touchPolicy})
	if len(b.person.managing) != 1 || !strings.Contains(b.person.managing[0].Problem, "not its management key any more") {
		t.Errorf("it was asked for as %+v", b.person.managing)
	}
}

func TestTheLinesForYkmanMakeTheKeyInstead(t *testing.T) {
	b := newBench(t)
	own := ownManagementKeys["AES256"].digits
	b.ykman("piv", "access", "change-management-key", "-f", "-m", factoryManagementKey, "-a", "AES256", "-n", own)
	b.person.manage = func(p ManagementPrompt) (string, error) {
		file := filepath.Join(t.TempDir(), "public.pem")
		for _, line := range p.Commands {
			words := strings.Fields(strings.ReplaceAll(line, "public.pem", file))
			slot := len(words) - 2 // before slot and file
			b.ykman(slices.Concat(words[1:slot], []string{"-m", own, "-P", factoryPIN}, words[slot:])...)
		}
		return "", nil
	}
	key := b.prepare(Requirement{})
	if key.Policy() != (Policy{}) || len(b.person.managing) != 1 {
		t.Errorf("the key has %s, and the management key was asked for %d times", key.Policy(), len(b.person.managing))
	}
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing: %v", err)
	}
}

// touchUntil touches the card again and again.
func (b *bench) touchUntil(ctx context.Context) {
	often := time.NewTicker(time.Millisecond)
	defer often.Stop()
	for {
		b.key.Touch()
		select {
		case <-often.C:
		case <-ctx.Done():
			return
		}
	}
}

// factoryManagementKey is the one of every new card, in hexadecimal digits.
const factoryManagementKey = "010203040506070801020304050607080102030405060708"

// ykman runs Debian's ykman on the card.
func (b *bench) ykman(words ...string) {
	b.Helper()
	b.letGo()
	command := exec.Command("ykman", words...)
	command.Env = append(os.Environ(), socketVariable+"="+b.key.Socket())
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("ykman %s: %v: %s", strings.Join(words, " "), err, output)
	}
}

func init() {
	otherPrograms["replaces the stored management key behind ykman's back"] = func(yk *piv.YubiKey) error {
		return yk.SetManagementKey(bytes.Repeat([]byte{0x17}, 24), unhex(ownManagementKeys["TDES"].digits))
	}
}

func unhex(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return b
}

func TestWhoeverSaysThatYkmanWasRunAndDidNotIsNotAskedForEver(t *testing.T) {
	b := newBench(t)
	b.another("sets a management key of its own")
	b.person.manage = func(ManagementPrompt) (string, error) { return "", nil }
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	f, ok := fault.As(err)
	if !ok || !strings.Contains(f.What, "management key") || len(b.person.managing) != maxSlotChanges {
		t.Errorf("got %v after %d questions", err, len(b.person.managing))
	}
}

func TestARefusedManagementKeyIsARefusal(t *testing.T) {
	b := newBench(t)
	b.another("sets a management key of its own")
	b.person.manage = func(ManagementPrompt) (string, error) { return "", context.Canceled }
	if _, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the refusal", err)
	}
	if got := b.describe().Slot(Slot9C); got.State != SlotEmpty {
		t.Errorf("the slot was changed: %+v", got)
	}
}

func TestAManagementKeyMayCostATouch(t *testing.T) {
	b := newBench(t)
	own := ownManagementKeys["TDES"].digits
	b.ykman("piv", "access", "change-management-key", "-f", "-t", "-m", factoryManagementKey, "-a", "TDES", "-n", own)
	b.person.manage = func(ManagementPrompt) (string, error) { return own, nil }
	ctx, enough := context.WithCancel(t.Context())
	var touching sync.WaitGroup
	b.person.does(func(func()) { touching.Go(func() { b.touchUntil(ctx) }) })
	b.prepare(Requirement{}) // three commands that need the management key cost a touch each
	enough()
	touching.Wait()
	if _, _, touches, _ := b.person.counts(); touches == 0 {
		t.Error("the touch was not asked for")
	}
}

func TestParsingAManagementKeyKeepsItsLength(t *testing.T) {
	for algorithm, n := range managementLengths {
		key, err := ParseManagementKey([]byte(strings.Repeat(" aF", n)), algorithm)
		if err != nil || key.Len() != n || key.Reveal()[0] != 0xaf {
			t.Errorf("%q: got %d bytes, %v, want %d", algorithm, key.Len(), err, n)
		}
		key.Wipe()
		for _, bad := range []string{"", "a", strings.Repeat("aa", n-1), strings.Repeat("aa", n) + "a", strings.Repeat("aa", n+1), strings.Repeat("ag", n)} {
			if _, err := ParseManagementKey([]byte(bad), algorithm); err == nil {
				t.Errorf("%q: %q was accepted", algorithm, bad)
			}
		}
	}
}
