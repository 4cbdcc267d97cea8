package keystore

import (
	"crypto/x509"
	"strings"
)

// ownerOf says who put a certificate into a slot that is not empty; cert is nil where there is none that can be read.
func ownerOf(cert *x509.Certificate) SlotOwner {
	if cert == nil || !isMarker(cert) {
		return SlotOwner{Kind: OwnerForeign}
	}
	owner := SlotOwner{Kind: OwnerTeleport}
	if units := cert.Subject.OrganizationalUnit; len(units) > 0 {
		owner.Program = units[0]
		if strings.HasPrefix(units[0], ourUnit) {
			owner.Kind = OwnerTouchstone
		}
	}
	return owner
}
