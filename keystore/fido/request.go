package fido

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Request is an assertion that a relying party asks for (WebAuthn 2, 5.5).
type Request struct {
	// Origin is who asks, as the client knows it: "https://" and the address of the web proxy with its port, if that
	// is not 443.
	Origin    string
	RPID      string
	Challenge []byte
	Allowed   [][]byte // credential IDs; empty lets any discoverable credential answer
	AppID     string   // for credentials from the days of U2F; usually empty
	// VerifyUser asks for the key's own PIN, or for a fingerprint on keys that read them.
	VerifyUser bool
}

// challenge is the JSON of a request (login sheet, 5.3).
type challenge struct {
	PublicKey struct {
		Challenge        base64URL          `json:"challenge"`
		RPID             string             `json:"rpId"`
		AllowCredentials []allowed          `json:"allowCredentials"`
		UserVerification string             `json:"userVerification"`
		Extensions       challengeExtension `json:"extensions"`
	} `json:"publicKey"`
}

type allowed struct {
	Type string    `json:"type"`
	ID   base64URL `json:"id"`
}

type challengeExtension struct {
	AppID string `json:"appid"`
}

// publicKeyType is the only type of credential there is.
const publicKeyType = "public-key"

// ParseChallenge reads what a cluster sends as webauthn_challenge (login sheet, 5.3). origin is the web proxy that
// sent it. "preferred" user verification is not asked for: as a second factor, a tap is enough.
func ParseChallenge(origin string, text []byte) (Request, error) {
	var c challenge
	if err := json.Unmarshal(text, &c); err != nil {
		return Request{}, fmt.Errorf("reading a WebAuthn challenge: %w", err)
	}
	r := Request{
		Origin: origin, RPID: c.PublicKey.RPID, Challenge: c.PublicKey.Challenge, AppID: c.PublicKey.Extensions.AppID,
		VerifyUser: c.PublicKey.UserVerification == "required",
	}
	for _, one := range c.PublicKey.AllowCredentials {
		if one.Type == publicKeyType {
			r.Allowed = append(r.Allowed, one.ID)
		}
	}
	if len(c.PublicKey.AllowCredentials) > 0 && len(r.Allowed) == 0 {
		return Request{}, fmt.Errorf("reading a WebAuthn challenge: no credential of a known type among %d", len(c.PublicKey.AllowCredentials))
	}
	return r, nil
}

// Response is an assertion; its JSON is webauthn_challenge_response (login sheet, 5.3).
type Response struct {
	ID         string     `json:"id"`
	Type       string     `json:"type"`
	RawID      base64URL  `json:"rawId"`
	Extensions *Extension `json:"extensions,omitempty"`
	Response   Assertion  `json:"response"`
}

// Extension says that the credential was used under its U2F application ID.
type Extension struct {
	AppID bool `json:"appid"`
}

// Assertion is the signed part.
type Assertion struct {
	ClientDataJSON    base64URL `json:"clientDataJSON"`
	AuthenticatorData base64URL `json:"authenticatorData"`
	Signature         base64URL `json:"signature"`
	UserHandle        base64URL `json:"userHandle,omitempty"`
}

// base64URL is bytes whose JSON is base64url without padding. Padding and the standard alphabet are accepted: older
// clusters write them.
type base64URL []byte

// MarshalJSON encodes the bytes.
func (b base64URL) MarshalJSON() ([]byte, error) { return json.Marshal(b.String()) }

// String is the text that stands for the bytes in JSON.
func (b base64URL) String() string { return base64.RawURLEncoding.EncodeToString(b) }

var standardAlphabet = strings.NewReplacer("+", "-", "/", "_")

// UnmarshalJSON decodes a text.
func (b *base64URL) UnmarshalJSON(text []byte) error {
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return err
	}
	decoded, err := base64.RawURLEncoding.DecodeString(standardAlphabet.Replace(strings.TrimRight(encoded, "=")))
	*b = decoded
	return err
}
