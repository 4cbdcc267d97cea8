package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
)

// markerOrganization in a slot's certificate says that the slot belongs to clients of these clusters (hardware-key
// sheet, 4.1). It is compared exactly.
const markerOrganization = "teleport"

// ourUnit begins the organisational unit of markers that we wrote.
const ourUnit = "Touchstone"

// unitOf is the organisational unit of our markers: the program and its version.
func unitOf(version string) string { return strings.TrimSpace(ourUnit + " " + version) }

// isMarker reports whether cert marks a slot.
func isMarker(cert *x509.Certificate) bool {
	return len(cert.Subject.Organization) > 0 && cert.Subject.Organization[0] == markerOrganization
}

// isPlaceholder reports whether cert is a marker that we left behind when a key could not be completed: ours, but
// not of the slot's own key.
func isPlaceholder(cert *x509.Certificate, slotKey crypto.PublicKey) bool {
	units := cert.Subject.OrganizationalUnit
	return isMarker(cert) && len(units) > 0 && strings.HasPrefix(units[0], ourUnit) &&
		!samePublic(cert.PublicKey, slotKey)
}

// placeholderMarker makes a marker with a key that nobody keeps.
func placeholderMarker(unit string) (*x509.Certificate, error) {
	throwaway, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key for the marker: %w", err)
	}
	return newMarker(unit, throwaway)
}

// newMarker makes a marker that holds key and is signed by it. With the slot's own key, clients of all versions
// understand it.
func newMarker(unit string, key crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	name := pkix.Name{Organization: []string{markerOrganization}, OrganizationalUnit: []string{unit}}
	template := &x509.Certificate{SerialNumber: serial, Subject: name} // no validity: it is a mark, not a credential
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the marker: %w", err)
	}
	return x509.ParseCertificate(der)
}
