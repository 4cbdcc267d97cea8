package virtual

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// Credential is what a relying party keeps of a registered security key.
type Credential struct {
	ID        []byte
	PublicKey []byte // COSE_Key, ES256
	AAGUID    []byte
}

// Register makes a credential for a user of a relying party, as if a person had registered the key there some time ago:
// nothing is asked and nobody taps. A key that has one for that user already gives the same again. It fails without
// [Config].FIDO.
func (k *Key) Register(rpID string, userID []byte, userName string) (Credential, error) {
	if k.fido == nil {
		return Credential{}, errors.New("registering the virtual key: it has no FIDO side")
	}
	if rpID == "" || len(userID) == 0 {
		return Credential{}, errors.New("registering the virtual key: no relying party or no user")
	}
	c, err := k.fido.device.register(rpID, userID, userName)
	if err != nil {
		return Credential{}, fmt.Errorf("registering the virtual key: %w", err)
	}
	return Credential{
		ID: bytes.Clone(c.ID), PublicKey: encodeCBOR(coseKey(c.Key.point(), coseES256)), AAGUID: bytes.Clone(k.fido.device.firmware.aaguid()),
	}, nil
}

func (a *authenticator) register(rpID string, userID []byte, userName string) (*credential, error) {
	a.busy <- struct{}{}
	defer func() { <-a.busy }()
	hash := sha256.Sum256([]byte(rpID))
	if i := slices.IndexFunc(a.memory.Credentials, func(c *credential) bool {
		return bytes.Equal(c.RPHash, hash[:]) && bytes.Equal(c.UserID, userID)
	}); i >= 0 {
		return a.memory.Credentials[i], nil
	}
	key, err := newFIDOKey()
	if err != nil {
		return nil, err
	}
	c := &credential{
		ID: randomBytes(64), RPHash: hash[:], Key: key, UserID: bytes.Clone(userID), UserName: userName, Protection: 1,
	}
	a.memory.add(c)
	return c, a.keep()
}
