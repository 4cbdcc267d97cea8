package demo

import (
	"encoding/base64"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/webauthnpb"
)

// wire is a challenge as the auth server sends it (gRPC sheet, 5.3).
func (c *challenge) wire() *authpb.MFAAuthenticateChallenge {
	m := &authpb.MFAAuthenticateChallenge{}
	if c.codes {
		m.Totp = &authpb.TOTPChallenge{}
	}
	if c.keys == nil {
		return m
	}
	options := &webauthnpb.PublicKeyCredentialRequestOptions{
		Challenge: c.keys.Challenge, TimeoutMs: int64(c.keys.Timeout), RpId: c.keys.RelyingPartyID,
		UserVerification: string(c.keys.UserVerification),
	}
	for _, allowed := range c.keys.AllowedCredentials {
		options.AllowCredentials = append(options.AllowCredentials,
			&webauthnpb.CredentialDescriptor{Type: string(allowed.Type), Id: allowed.CredentialID})
	}
	m.WebauthnChallenge = &webauthnpb.CredentialAssertion{PublicKey: options}
	return m
}

// readAnswer reads the answer to a challenge. One without content is a code that nobody has.
func readAnswer(r *authpb.MFAAuthenticateResponse) *mfaAnswer {
	a := r.GetWebauthn()
	if a == nil {
		return &mfaAnswer{code: r.GetTotp().GetCode()}
	}
	assertion := &protocol.CredentialAssertionResponse{}
	assertion.ID, assertion.Type = base64.RawURLEncoding.EncodeToString(a.RawId), a.Type
	assertion.RawID = a.RawId
	assertion.AssertionResponse.ClientDataJSON = a.Response.GetClientDataJson()
	assertion.AssertionResponse.AuthenticatorData = a.Response.GetAuthenticatorData()
	assertion.AssertionResponse.Signature = a.Response.GetSignature()
	assertion.AssertionResponse.UserHandle = a.Response.GetUserHandle()
	return &mfaAnswer{assertion: assertion}
}
