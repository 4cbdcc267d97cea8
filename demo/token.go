package demo

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// tokens are the signed statements by which applications learn who asks (RFC 7519, RS256).
type tokens struct {
	key     *rsa.PrivateKey
	cluster string
	now     func() time.Time
}

// tokenClaims is the content of a token.
type tokenClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  []string `json:"aud"`
	Expires   int64    `json:"exp"`
	NotBefore int64    `json:"nbf"`
	IssuedAt  int64    `json:"iat"`
	Username  string   `json:"username"`
	Roles     []string `json:"roles"`
	Traits    traits   `json:"traits"`
}

const tokenHeader = `{"alg":"RS256","typ":"JWT"}`

var (
	tokenCoding = base64.RawURLEncoding
	errToken    = errors.New("the token is not valid")
)

// issue signs a token about id for the application at uri.
func (t *tokens) issue(uri string, id identity) (string, error) {
	now := t.now()
	claims, err := json.Marshal(tokenClaims{
		Issuer: t.cluster, Subject: id.user, Audience: []string{uri}, Expires: id.expires.Unix(),
		NotBefore: now.Add(-backdate).Unix(), IssuedAt: now.Unix(), Username: id.user, Roles: id.roles, Traits: id.traits,
	})
	if err != nil {
		return "", fmt.Errorf("encoding a token: %w", err)
	}
	signed := tokenCoding.EncodeToString([]byte(tokenHeader)) + "." + tokenCoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, t.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed + "." + tokenCoding.EncodeToString(signature), nil
}

// check returns the content of a token for the application at uri.
func (t *tokens) check(uri, token string) (*tokenClaims, error) {
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		return nil, errToken
	}
	signature, err := tokenCoding.DecodeString(token[at+1:])
	if err != nil {
		return nil, errToken
	}
	digest := sha256.Sum256([]byte(token[:at]))
	if rsa.VerifyPKCS1v15(&t.key.PublicKey, crypto.SHA256, digest[:], signature) != nil {
		return nil, errToken
	}
	return t.read(uri, token[:at])
}

// read reads what was signed.
func (t *tokens) read(uri, signed string) (*tokenClaims, error) {
	header, body, _ := strings.Cut(signed, ".")
	kind, err := tokenCoding.DecodeString(header)
	if err != nil || !bytes.Equal(kind, []byte(tokenHeader)) {
		return nil, errToken
	}
	text, err := tokenCoding.DecodeString(body)
	if err != nil {
		return nil, errToken
	}
	var claims tokenClaims
	now := t.now().Unix()
	if json.Unmarshal(text, &claims) != nil || !slices.Contains(claims.Audience, uri) || now < claims.NotBefore || now >= claims.Expires {
		return nil, errToken
	}
	return &claims, nil
}
