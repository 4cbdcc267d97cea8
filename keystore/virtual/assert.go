package virtual

import (
	"context"
	"errors"
	"fmt"
)

// Assertion is what a security key signs for a relying party (WebAuthn 2, 6.3.3).
type Assertion struct {
	CredentialID      []byte
	AuthenticatorData []byte
	Signature         []byte
	UserHandle        []byte // of discoverable credentials only
}

// Assert has the key sign as a client of the second door would, without the door between them: the same command, the
// same wait for a tap. It is for programs that hold the Key, such as tests of relying parties. It fails without
// [Config].FIDO, and when ctx ends before the tap.
func (k *Key) Assert(ctx context.Context, rpID string, clientDataHash []byte, allowed [][]byte) (*Assertion, error) {
	if k.fido == nil {
		return nil, errors.New("asking the virtual key: it has no FIDO side")
	}
	request := cborMap{1: rpID, 2: clientDataHash}
	if len(allowed) > 0 {
		var list []any
		for _, id := range allowed {
			list = append(list, cborMap{"id": id, "type": publicKeyCredential})
		}
		request[3] = list
	}
	c := ceremony{ctx: ctx, blink: func(bool) {}}
	answer := k.fido.device.answerCBOR(c, append([]byte{ctapGetAssertion}, encodeCBOR(request)...))
	if status := ctapStatus(answer[0]); status != ctapOK {
		return nil, fmt.Errorf("asking the virtual key: %v", status)
	}
	return parseAssertion(answer[1:])
}

// parseAssertion reads the answer to getAssertion (CTAP 2.1, 6.2.2).
func parseAssertion(answer []byte) (*Assertion, error) {
	value, err := decodeCBOR(answer)
	if err != nil {
		return nil, fmt.Errorf("asking the virtual key: %w", err)
	}
	m, _ := value.(cborMap)
	f := &fields{m: m}
	credential, user := f.sub(1), f.sub(4)
	a := &Assertion{
		CredentialID:      required[[]byte](credential, "id"),
		AuthenticatorData: required[[]byte](f, 2),
		Signature:         required[[]byte](f, 3),
	}
	a.UserHandle, _ = optional[[]byte](user, "id")
	f.join(credential)
	if f.status != ctapOK {
		return nil, fmt.Errorf("asking the virtual key: its answer is not complete: %v", f.status)
	}
	return a, nil
}
