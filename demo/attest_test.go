package demo

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// verify runs the check of the cluster on a card.
func (v *vendor) verify(c *card, roots *x509.CertPool, now time.Time) (attestation, error) {
	statement := &wire.YubiKeyAttestation{SlotCert: c.slot.Raw, AttestationCert: c.device.Raw}
	return verifyAttestation(statement, c.key.Public(), roots, now)
}

func TestPoliciesAreReadFromTheAttestation(t *testing.T) {
	v := newVendor(t)
	tests := map[[2]byte]keyPolicy{
		{never, never}: "hardware_key", {never, cached}: "hardware_key_touch", {never, always}: "hardware_key_touch",
		{once, never}: "hardware_key_pin", {3, never}: "hardware_key_pin",
		{once, cached}: "hardware_key_touch_and_pin", {3, always}: "hardware_key_touch_and_pin",
	}
	for policies, want := range tests {
		got, err := v.verify(v.cardWith(t, 4711, policies[0], policies[1]), v.pool(), time.Now())
		if err != nil || got.policy != want || got.serial != 4711 {
			t.Errorf("%v: %+v, %v; want %s", policies, got, err, want)
		}
	}
}

func TestStrangeExtensionsAreNotTrusted(t *testing.T) {
	v := newVendor(t)
	serial, _ := asn1.Marshal(7)
	number := extension(7, serial)
	policy := func(value ...byte) pkix.Extension { return extension(8, value) }
	tests := map[string]struct {
		extensions []pkix.Extension
		want       string
	}{
		"no policy":        {[]pkix.Extension{number}, "41482.3.8 0 times"},
		"short policy":     {[]pkix.Extension{number, policy(2)}, "policies 02 are not known"},
		"long policy":      {[]pkix.Extension{number, policy(2, 2, 2)}, "policies 020202 are not known"},
		"zero policy":      {[]pkix.Extension{number, policy(0, 2)}, "policies 0002 are not known"},
		"future policy":    {[]pkix.Extension{number, policy(2, 9)}, "policies 0209 are not known"},
		"no serial":        {[]pkix.Extension{policy(2, 2)}, "41482.3.7 0 times"},
		"a serial as text": {[]pkix.Extension{policy(2, 2), extension(7, []byte("\x0c\x017"))}, "serial number cannot be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := v.verify(v.cardWithExtensions(t, test.extensions...), v.pool(), time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestAttestationChainsAreChecked(t *testing.T) {
	v, forger := newVendor(t), newVendor(t)
	c := v.card(t, 7)
	tests := map[string]struct {
		card  *card
		roots *x509.CertPool
		now   time.Time
		want  string
	}{
		"no roots":            {c, nil, time.Now(), "no roots are configured"},
		"an empty pool":       {c, x509.NewCertPool(), time.Now(), "does not chain"},
		"another root":        {c, forger.pool(), time.Now(), "does not chain"},
		"before its time":     {c, v.pool(), time.Now().AddDate(-1, 0, 0), "does not chain"},
		"after its time":      {c, v.pool(), time.Now().AddDate(40, 0, 0), "does not chain"},
		"a slot as device":    {&card{key: c.key, slot: c.slot, device: c.slot}, v.pool(), time.Now(), "does not chain"},
		"an end entity":       {v.cardOfEndEntity(t), v.pool(), time.Now(), "is not an authority's"},
		"signed by the slot":  {v.selfMadeSlot(t), v.pool(), time.Now(), "was not signed by the device"},
		"an old slot":         {v.oldSlot(t), v.pool(), time.Now(), "not valid at this time"},
		"names another maker": {&card{key: c.key, slot: c.slot, device: v.root}, v.pool(), time.Now(), "names another issuer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := v.verify(test.card, test.roots, test.now)
			if err == nil || !strings.HasPrefix(err.Error(), "attestation is not trusted: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	t.Run("a device without basic constraints is believed", func(t *testing.T) {
		if _, err := v.verify(v.cardFrom(t, &x509.Certificate{Subject: pkix.Name{CommonName: "old"}}), v.pool(), time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// cardFrom makes a card whose device certificate is made from a template.
func (v *vendor) cardFrom(t *testing.T, template *x509.Certificate) *card {
	t.Helper()
	c, deviceKey := v.card(t, 7), newP256(t)
	device := v.sign(t, template, v.root, deviceKey.Public(), v.key)
	slot := v.sign(t, &x509.Certificate{ExtraExtensions: vendorExtensions(c.slot)}, device, c.key.Public(), deviceKey)
	return &card{key: c.key, slot: slot, device: device}
}

// vendorExtensions are the vendor's own of a slot certificate.
func vendorExtensions(slot *x509.Certificate) []pkix.Extension {
	var own []pkix.Extension
	for _, e := range slot.Extensions {
		if strings.HasPrefix(e.Id.String(), "1.3.6.1.4.1.41482.") {
			own = append(own, e)
		}
	}
	return own
}

func (v *vendor) cardOfEndEntity(t *testing.T) *card {
	return v.cardFrom(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a slot"}, BasicConstraintsValid: true})
}

// selfMadeSlot is a slot certificate that names the device and is signed by somebody else.
func (v *vendor) selfMadeSlot(t *testing.T) *card {
	t.Helper()
	c := v.card(t, 7)
	c.slot = v.sign(t, &x509.Certificate{ExtraExtensions: vendorExtensions(c.slot)}, namesake(c.device), c.key.Public(), newP256(t))
	return c
}

// namesake is an issuer with the device's name and any key.
func namesake(device *x509.Certificate) *x509.Certificate {
	return &x509.Certificate{Subject: device.Subject, RawSubject: device.RawSubject}
}

func (v *vendor) oldSlot(t *testing.T) *card {
	t.Helper()
	c := v.card(t, 7)
	old := &x509.Certificate{ExtraExtensions: vendorExtensions(c.slot),
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	c.slot = v.sign(t, old, namesake(c.device), c.key.Public(), newP256(t))
	return c
}
