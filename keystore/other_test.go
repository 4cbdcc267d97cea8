//go:build linux

package keystore

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"os"
	"os/exec"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// otherVariable turns the test binary into another program that uses the card; it names what the program does.
const otherVariable = "TOUCHSTONE_TEST_OTHER"

// otherPrograms do to the card what somebody else's programs do.
var otherPrograms = map[string]func(*piv.YubiKey) error{
	"makes a key and a certificate in 9c": func(yk *piv.YubiKey) error {
		return makeForeignKey(yk, "Jane Doe")
	},
	"makes keys of other kinds": func(yk *piv.YubiKey) error {
		kinds := map[piv.Slot]piv.Algorithm{
			piv.SlotAuthentication: piv.AlgorithmRSA2048, piv.SlotSignature: piv.AlgorithmEC384,
		}
		if v := yk.Version(); v.Major == 5 && v.Minor >= 7 {
			kinds[piv.SlotKeyManagement], kinds[piv.SlotCardAuthentication] = piv.AlgorithmEd25519, piv.AlgorithmX25519
		}
		for slot, algorithm := range kinds {
			policy := piv.Key{Algorithm: algorithm, PINPolicy: piv.PINPolicyAlways, TouchPolicy: piv.TouchPolicyAlways}
			if _, err := yk.GenerateKey(piv.DefaultManagementKey, slot, policy); err != nil {
				return err
			}
		}
		return nil
	},
	"makes a key without a certificate in 9c": func(yk *piv.YubiKey) error {
		_, err := makeKey(yk)
		return err
	},
	"replaces the key in 9c": func(yk *piv.YubiKey) error {
		_, err := makeKey(yk)
		return err
	},
	"imports a marked key into 9c": func(yk *piv.YubiKey) error {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		policy := piv.Key{Algorithm: piv.AlgorithmEC256, PINPolicy: piv.PINPolicyNever, TouchPolicy: piv.TouchPolicyCached}
		if err := yk.SetPrivateKeyInsecure(piv.DefaultManagementKey, piv.SlotSignature, key, policy); err != nil {
			return err
		}
		marker, err := newMarker("another client", key)
		if err != nil {
			return err
		}
		return yk.SetCertificate(piv.DefaultManagementKey, piv.SlotSignature, marker)
	},
	"marks an empty 9c": func(yk *piv.YubiKey) error {
		marker, err := placeholderMarker("another client")
		if err != nil {
			return err
		}
		return yk.SetCertificate(piv.DefaultManagementKey, piv.SlotSignature, marker)
	},
	"sets a management key of its own": func(yk *piv.YubiKey) error {
		return yk.SetManagementKey(piv.DefaultManagementKey, []byte("a management key of 24 B"))
	},
	"sets a PIN": func(yk *piv.YubiKey) error { return yk.SetPIN(piv.DefaultPIN, goodPIN) },
	"sets a PUK": func(yk *piv.YubiKey) error { return yk.SetPUK(piv.DefaultPUK, goodPUK) },
	"changes the PIN": func(yk *piv.YubiKey) error {
		return yk.SetPIN(goodPIN, "86420975")
	},
	"looks at the card": func(yk *piv.YubiKey) error {
		_, err := yk.Serial()
		return err
	},
	"signs with 9a and tells how long it takes": signAlone,
	"checks PIN and PUK": func(yk *piv.YubiKey) error {
		if err := yk.VerifyPIN(goodPIN); err != nil {
			return err
		}
		return yk.SetPUK(goodPUK, goodPUK)
	},
}

// quickExit keeps the race detector from waiting a second at the end of every program.
const quickExit = "GORACE=atexit_sleep_ms=0"

// another runs another program on the card, waits for its end and returns what it printed.
func (b *bench) another(does string) string {
	b.Helper()
	b.letGo()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), otherVariable+"="+does, socketVariable+"="+b.key.Socket(), quickExit)
	output, err := command.CombinedOutput()
	if err != nil {
		b.Fatalf("another program that %s: %v: %s", does, err, output)
	}
	return string(output)
}

// letGo waits until the store has let the card go, one second after the last signature.
func (b *bench) letGo() {
	b.Helper()
	b.clock.Advance(releaseAfter)
	for _, c := range b.store.plugged() {
		testkit.Eventually(b, "the card to be let go", func() bool { return !c.holds(b.Context()) })
	}
}

// holds asks the card's goroutine whether the card is held open.
func (c *card) holds(ctx context.Context) (holds bool) {
	_ = c.do(ctx, func(context.Context) error { holds = c.link.holds; return nil })
	return holds
}

// runOther is the main function of another program.
func runOther(does string) error {
	cards, err := piv.Cards()
	if err != nil || len(cards) != 1 {
		return fmt.Errorf("there are cards %v: %w", cards, err)
	}
	yk, err := piv.Open(cards[0])
	if err != nil {
		return err
	}
	defer yk.Close()
	return otherPrograms[does](yk)
}

func makeKey(yk *piv.YubiKey) (*ecdsa.PublicKey, error) {
	public, err := yk.GenerateKey(piv.DefaultManagementKey, piv.SlotSignature, piv.Key{
		Algorithm: piv.AlgorithmEC256, PINPolicy: piv.PINPolicyNever, TouchPolicy: piv.TouchPolicyNever,
	})
	if err != nil {
		return nil, err
	}
	return public.(*ecdsa.PublicKey), nil
}

func makeForeignKey(yk *piv.YubiKey, name string) error {
	public, err := makeKey(yk)
	if err != nil {
		return err
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, authority)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return yk.SetCertificate(piv.DefaultManagementKey, piv.SlotSignature, cert)
}
