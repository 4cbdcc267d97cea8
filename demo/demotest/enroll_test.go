package demotest

import (
	"slices"
	"testing"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

func TestPeopleGetASecurityKey(t *testing.T) {
	cluster, err := demo.Start(t.Context(), demo.Config{State: State(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	key, err := virtual.Start(virtual.Config{FIDO: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = key.Close() }()
	register := func(rpID string, userID []byte, userName string) (id, publicKey, aaguid []byte, err error) {
		c, err := key.Register(rpID, userID, userName)
		return c.ID, c.PublicKey, c.AAGUID, err
	}
	Enroll(t, cluster, register)
	Enroll(t, cluster, register, "off")
	for _, u := range cluster.Ready().Users {
		want := slices.Contains([]string{"key", "mfa", "touch-mfa", "guide", "off"}, u.Name)
		if got := slices.Contains(u.MFADevices, "webauthn"); got != want {
			t.Errorf("%s has registered %v", u.Name, u.MFADevices)
		}
	}
}
