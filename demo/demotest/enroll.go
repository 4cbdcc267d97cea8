package demotest

import (
	"testing"

	"github.com/touchstone-app/touchstone/demo"
)

// Register is what a security key does for an enrollment: it makes a credential and returns its public half, the public
// key as a COSE_Key.
type Register func(rpID string, userID []byte, userName string) (id, publicKey, aaguid []byte, err error)

// Enroll makes a security key a second factor of users of a cluster; without users, of everyone who has one in their
// story.
func Enroll(t testing.TB, c *demo.Cluster, register Register, users ...string) {
	t.Helper()
	enrollments := c.KeyHolders()
	if len(users) > 0 {
		enrollments = nil
	}
	for _, user := range users {
		e, err := c.Enrollment(user)
		if err != nil {
			t.Fatalf("enrolling a security key: %v", err)
		}
		enrollments = append(enrollments, e)
	}
	for _, e := range enrollments {
		id, publicKey, aaguid, err := register(e.RPID, e.UserID, e.UserName)
		if err != nil {
			t.Fatalf("registering a security key of %s: %v", e.UserName, err)
		}
		key := demo.SecurityKey{Name: "security key", ID: id, PublicKey: publicKey, AAGUID: aaguid}
		if err := c.AddSecurityKey(e.UserName, key); err != nil {
			t.Fatal(err)
		}
	}
}
