package fido

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// minChallenge is the least that makes a challenge unguessable (WebAuthn 2, 13.4.3).
const minChallenge = 16

// clientData is what the key signs the hash of, in the order that the specification serialises it in (WebAuthn 2,
// 5.8.1.1).
type clientData struct {
	Type        string    `json:"type"`
	Challenge   base64URL `json:"challenge"`
	Origin      string    `json:"origin"`
	CrossOrigin bool      `json:"crossOrigin"`
}

// clientDataJSON returns the client data of a request and its hash.
func (r Request) clientDataJSON() (text, hash []byte, err error) {
	text, err = json.Marshal(clientData{Type: "webauthn.get", Challenge: r.Challenge, Origin: r.Origin})
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the client data: %w", err)
	}
	sum := sha256.Sum256(text)
	return text, sum[:], nil
}

// check refuses requests that no key must see: from a place that is not what it claims to be, or without the means to
// tell a fresh answer from an old one.
func (r Request) check() error {
	host, ok := originHost(r.Origin)
	switch {
	case !ok:
		return suspicious("the origin %q is not \"https://\" and a host", r.Origin)
	case !mayClaim(host, r.RPID):
		return suspicious("the host %q may not act as the relying party %q", host, r.RPID)
	case len(r.Challenge) < minChallenge:
		return suspicious("a challenge of %d bytes can be guessed", len(r.Challenge))
	}
	if appHost, ok := originHost(r.AppID); r.AppID != "" && (!ok || appHost != host) {
		return suspicious("the host %q may not act as the application %q", host, r.AppID)
	}
	return nil
}

// ErrSuspicious says that a request was refused before any key saw it.
var ErrSuspicious = errors.New("the request for a tap is not what it claims to be")

func suspicious(format string, args ...any) error {
	return fault.Wrap(fmt.Errorf("%w: %s", ErrSuspicious, fmt.Sprintf(format, args...)),
		"The cluster asked for a tap in another site's name, so your security key was not asked.",
		"Check the address of the cluster. If it is right, its administrator must correct its WebAuthn settings (rp_id).")
}

// originHost is the host of an origin "https://host[:port]", in lower case.
func originHost(origin string) (string, bool) {
	rest, ok := strings.CutPrefix(origin, "https://")
	if !ok {
		return "", false
	}
	host := strings.TrimSuffix(rest, trailingPort(rest))
	if host == "" || strings.ContainsAny(host, "/?#@\\ %") {
		return "", false
	}
	if strings.Contains(host, ":") && !(strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")) {
		return "", false
	}
	return strings.ToLower(host), true
}

// trailingPort is ":" and the digits at the end of s, or "".
func trailingPort(s string) string {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || i == len(s)-1 || strings.Trim(s[i+1:], "0123456789") != "" {
		return ""
	}
	return s[i:]
}

// mayClaim reports whether a host may act as a relying party: as itself, or as a domain above it (HTML, "is a
// registrable domain suffix of or is equal to"). A bare top-level domain stands for nobody; longer public suffixes are
// not known here, and harm nobody but hosts that choose them.
func mayClaim(host, rpID string) bool {
	switch {
	case rpID == "" || rpID != strings.ToLower(rpID):
		return false
	case rpID == host:
		return true
	default:
		return strings.Contains(rpID, ".") && !isAddress(host) && !strings.HasPrefix(rpID, ".") &&
			strings.HasSuffix(host, "."+rpID)
	}
}

// isAddress reports whether a host is an IP address: the parts of an address are no domains above it.
func isAddress(host string) bool {
	return strings.HasPrefix(host, "[") || strings.Trim(host, "0123456789.") == ""
}
