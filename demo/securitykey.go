package demo

import (
	"bytes"
	"fmt"
)

// Enrollment is what a security key is registered with for one person.
type Enrollment struct {
	RPID     string // relying party: the host that clients reach the proxy by
	UserID   []byte // user handle (WebAuthn 2, 5.4.3), made up when the cluster first met the user
	UserName string
}

// SecurityKey is the public half of a credential that a security key has made for an [Enrollment].
type SecurityKey struct {
	Name      string // as the audit log calls it
	ID        []byte
	PublicKey []byte // COSE_Key
	AAGUID    []byte
}

// KeyHolders returns the enrollments of the people who have a security key in their story: those of a new cluster who
// are still there. Whoever starts the cluster registers a key for each, and tells [Cluster.AddSecurityKey].
func (c *Cluster) KeyHolders() []Enrollment {
	var all []Enrollment
	users := c.factors.resources.catalog().users
	for _, s := range seeds {
		if s.key && users[s.user] != nil {
			all = append(all, c.factors.enrollment(s.user))
		}
	}
	return all
}

// Enrollment returns what a security key of a user is registered with. The error says that there is no such user.
func (c *Cluster) Enrollment(user string) (Enrollment, error) {
	e := c.factors.enrollment(user)
	if e.UserID == nil {
		return Enrollment{}, fmt.Errorf("there is no user %q", user)
	}
	return e, nil
}

// AddSecurityKey makes a security key a second factor of a user, from the next challenge on and after restarts. Adding a
// key again changes nothing. Nobody checks the key's attestation here: what is handed in comes from who runs the cluster.
func (c *Cluster) AddSecurityKey(user string, key SecurityKey) error {
	if len(key.ID) == 0 || len(key.PublicKey) == 0 {
		return fmt.Errorf("adding a security key of %s: it has no credential", user)
	}
	err := c.factors.devices.addKey(user, key.Name, credential{
		ID: bytes.Clone(key.ID), PublicKey: bytes.Clone(key.PublicKey), AAGUID: bytes.Clone(key.AAGUID)})
	if err != nil {
		return fmt.Errorf("adding a security key: %w", err)
	}
	return nil
}

func (f *factors) enrollment(user string) Enrollment {
	_, handle := f.devices.usable(user, factorOff)
	return Enrollment{RPID: f.relyingPartyID(), UserID: bytes.Clone(handle), UserName: user}
}
