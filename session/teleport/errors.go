package teleport

import (
	"context"
	"errors"
	"fmt"
	"regexp"
)

// Class is the kind of refusal a cluster answers with. The web API and gRPC share the classes (login sheet, 1.1).
type Class int

// The classes that callers tell apart.
const (
	ClassOther Class = iota
	ClassBadRequest
	ClassDenied
	ClassNotFound
	ClassLimited // too many calls
	ClassUnavailable
	ClassUnimplemented
)

// AnswerError is a refusal in the cluster's own words.
type AnswerError struct {
	Class   Class
	Code    string // the peer's code, "HTTP 403" or "PermissionDenied"
	Message string
}

// Error returns the cluster's words and its code.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("the cluster answered %q (%s)", e.Message, e.Code)
}

// UnmetPolicyError says that the cluster demands a stricter private key policy. Policy is the cluster's word for
// what it demands, known to us or not.
type UnmetPolicyError struct {
	Policy string
	Err    error // the answer that carried the word
}

// Error names the policy.
func (e *UnmetPolicyError) Error() string {
	return fmt.Sprintf("private key policy %s not met: %v", e.Policy, e.Err)
}

// Unwrap returns the answer.
func (e *UnmetPolicyError) Unwrap() error { return e.Err }

// UntrustedProxyError says that the proxy's certificate leads to no root that we trust, or is not for its name.
type UntrustedProxyError struct {
	Fingerprint string // SHA-256 of the certificate in hex with colons; empty when none was shown
	Err         error
}

// Error names the fingerprint.
func (e *UntrustedProxyError) Error() string {
	return fmt.Sprintf("certificate with SHA-256 %s: %v", e.Fingerprint, e.Err)
}

// Unwrap returns what the check found.
func (e *UntrustedProxyError) Unwrap() error { return e.Err }

// UntrustedHostError says that a peer behind the proxy did not show a certificate of the cluster's host authority
// for the name we asked for. There is no trust on first use.
type UntrustedHostError struct {
	Host string
	Err  error
}

// Error names the host.
func (e *UntrustedHostError) Error() string {
	return fmt.Sprintf("host certificate of %s: %v", e.Host, e.Err)
}

// Unwrap returns what the check found.
func (e *UntrustedHostError) Unwrap() error { return e.Err }

// AddressError says that a connection to an address of the proxy could not be opened.
type AddressError struct {
	Address string // "host:port"
	Err     error
}

// Error names the address.
func (e *AddressError) Error() string { return fmt.Sprintf("connecting to %s: %v", e.Address, e.Err) }

// Unwrap returns what the network said.
func (e *AddressError) Unwrap() error { return e.Err }

// SigningError says that our own key gave no signature. TLS and SSH libraries keep only its text, so it is
// remembered beside them.
type SigningError struct{ Err error }

// Error says what the key said.
func (e *SigningError) Error() string { return fmt.Sprintf("signing: %v", e.Err) }

// Unwrap returns the key's error.
func (e *SigningError) Unwrap() error { return e.Err }

// Sentinels of connections.
var (
	// ErrSilent: the peer accepted the connection and then said nothing for longer than a handshake may take.
	ErrSilent = errors.New("the other side does not answer")
	// ErrNoRoute: the proxy has nothing under the ALPN name asked for.
	ErrNoRoute = errors.New("the proxy does not offer that service")
	// ErrCertificateRefused: the peer ended the TLS session because of our certificate.
	ErrCertificateRefused = errors.New("the other side refused our certificate")
	// ErrLoginRefused: a server ended SSH authentication. Servers never say why (ssh sheet, section 10).
	ErrLoginRefused = errors.New("the server refused the login")
	// ErrConnectionLost: the connection ended before the exit status came.
	ErrConnectionLost = errors.New("the connection was lost")
	// ErrNoHostSigners: a sign-in without host authorities must count as failed (login sheet, 5.5).
	ErrNoHostSigners = errors.New("the answer names no host authority")
)

// unmetPolicy is searched for, not matched: proxies and identity providers wrap the text (login sheet, section 8).
var unmetPolicy = regexp.MustCompile(`private key policy not (?:met|satisfied): (\w+)`)

// UnmetPolicy finds a refusal for a weak private key in a text from the cluster, and returns the policy demanded.
func UnmetPolicy(text string) (policy string, found bool) {
	m := unmetPolicy.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// answer makes the typed error of a refusal.
func answer(class Class, code, message string) error {
	err := &AnswerError{Class: class, Code: code, Message: message}
	if policy, ok := UnmetPolicy(message); ok {
		return &UnmetPolicyError{Policy: policy, Err: err}
	}
	return err
}

// cause prefers the reason why ctx ended over what the ending broke.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
