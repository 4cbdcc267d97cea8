package demo

import (
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"
)

// webChallenge is webauthn_challenge in JSON (login sheet, 5.3).
type webChallenge struct {
	PublicKey webRequestOptions `json:"publicKey"`
}

type webRequestOptions struct {
	Challenge        string          `json:"challenge"`
	Timeout          int             `json:"timeout"` // milliseconds
	RPID             string          `json:"rpId"`
	AllowCredentials []webDescriptor `json:"allowCredentials"`
	UserVerification string          `json:"userVerification"`
}

type webDescriptor struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// webChallengeJSON writes a challenge; none is null. Version 12 writes bytes in standard base64, whatever WebAuthn says;
// later ones in base64url without padding.
func (p profile) webChallengeJSON(options *protocol.PublicKeyCredentialRequestOptions) (json.RawMessage, error) {
	if options == nil {
		return json.RawMessage("null"), nil
	}
	encode := base64.RawURLEncoding.EncodeToString
	if p == version12 {
		encode = base64.StdEncoding.EncodeToString
	}
	c := webRequestOptions{
		Challenge: encode(options.Challenge), Timeout: options.Timeout, RPID: options.RelyingPartyID,
		UserVerification: string(options.UserVerification),
	}
	for _, allowed := range options.AllowedCredentials {
		c.AllowCredentials = append(c.AllowCredentials, webDescriptor{string(allowed.Type), encode(allowed.CredentialID)})
	}
	return json.Marshal(webChallenge{c})
}
