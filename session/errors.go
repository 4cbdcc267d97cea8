package session

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// passes returns what needs no sentence of ours: a person or the caller gave up, or a fault was written where the
// fact was known, such as by the key store.
func passes(err error) (error, bool) {
	if errors.Is(err, context.Canceled) {
		return context.Canceled, true
	}
	if f, ok := fault.As(err); ok {
		return f, true
	}
	return nil, err == nil
}

// reachFault explains why a proxy was not reached.
func reachFault(proxy string, err error) error {
	if known, ok := passes(err); ok {
		return known
	}
	var untrusted *teleport.UntrustedProxyError
	var refused *teleport.AnswerError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &untrusted):
		return untrustedFault(proxy, untrusted)
	case errors.As(err, &refused) && refused.Class == teleport.ClassUnavailable:
		return fault.Wrap(err, fmt.Sprintf("%s cannot reach its own cluster.", proxy), "Try again in a moment.")
	case errors.As(err, &refused), errors.As(err, &syntax), errors.Is(err, errNoCluster):
		return fault.Wrap(err, fmt.Sprintf("%s answers, but not as the proxy of a cluster.", proxy),
			"Check the address and its port.")
	default:
		return networkFault(proxy, err)
	}
}

// errNoCluster: an answer without a cluster's name is from something else.
var errNoCluster = errors.New("the answer names no cluster")

// networkFault explains a failure between us and a proxy.
func networkFault(proxy string, err error) error {
	var at *teleport.AddressError
	if errors.As(err, &at) {
		proxy = at.Address // a service may have a port of its own
	}
	host, _, _ := net.SplitHostPort(proxy)
	var dns *net.DNSError
	switch {
	case errors.Is(err, teleport.ErrSilent), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fmt.Sprintf("%s does not answer.", proxy), "Check the address and your network, then try again.")
	case errors.As(err, &dns):
		return fault.Wrap(err, fmt.Sprintf("The host %s cannot be found.", host), "Check how it is spelled, and your network.")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Wrap(err, fmt.Sprintf("Nothing listens at %s.", proxy),
			"Check the address and its port; the proxy may also be down.")
	default:
		return fault.Wrap(err, fmt.Sprintf("The connection to %s failed.", proxy), "Check your network, then try again.")
	}
}

// untrustedFault explains why a proxy's certificate is not trusted. There is no way around it but to trust the
// authority that issued it.
func untrustedFault(proxy string, err *teleport.UntrustedProxyError) error {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	why := "is not from an authority that this computer trusts"
	switch {
	case errors.As(err.Err, &name):
		why = "is for another name"
	case errors.As(err.Err, &invalid) && invalid.Reason == x509.Expired:
		why = "is not valid at this time"
	}
	return fault.Wrap(err,
		fmt.Sprintf("The certificate of %s %s; its SHA-256 fingerprint is %s.", proxy, why, err.Fingerprint),
		"Ask whoever looks after the cluster for the authority's certificate and name its file: --ca-file on the command line, the CA file in the window.")
}

// signInFault explains why a cluster did not sign a user in.
func (l *ceremony) signInFault(err error) error {
	if known, ok := passes(err); ok {
		return known
	}
	name := l.profile.name()
	var unmet *teleport.UnmetPolicyError
	var refused *teleport.AnswerError
	switch {
	case errors.As(err, &unmet):
		return l.policyFault(unmet)
	case errors.As(err, &refused):
		return l.refusalFault(err, refused)
	case errors.Is(err, teleport.ErrNoHostSigners), errors.Is(err, errOtherKey):
		return fault.Wrap(err, fmt.Sprintf("The certificates from %s are not the ones that were asked for.", name),
			"Do not use them; ask whoever looks after the cluster.")
	default:
		return reachFault(l.profile.Proxy, err)
	}
}

func (l *ceremony) policyFault(unmet *teleport.UnmetPolicyError) error {
	name := l.profile.name()
	if !knownPolicy(unmet.Policy) {
		return unknownPolicyFault(name, unmet.Policy, unmet)
	}
	return fault.Wrap(unmet,
		fmt.Sprintf("%s demands %s and did not accept the key that was offered for it.", name, demandText(unmet.Policy)),
		"Ask whoever looks after the cluster whether your key is accepted there.")
}

func unknownPolicyFault(cluster, policy string, err error) error {
	return fault.Wrap(err, fmt.Sprintf("%s demands the private key policy %q, which this Touchstone does not know.", cluster, policy),
		"Install a newer Touchstone, or ask whoever looks after the cluster.")
}

// refusalFault tells a wrong password from what can only be about the key: the password was accepted before.
func (l *ceremony) refusalFault(err error, refused *teleport.AnswerError) error {
	name := l.profile.name()
	switch {
	case refused.Class == teleport.ClassLimited:
		return fault.Wrap(err, fmt.Sprintf("%s has had too many attempts.", name), "Wait a minute, then try again.")
	case refused.Class == teleport.ClassUnavailable:
		return fault.Wrap(err, fmt.Sprintf("%s cannot check passwords at the moment.", name), "Try again in a moment.")
	case refused.Class == teleport.ClassNotFound || refused.Class == teleport.ClassUnimplemented:
		return fault.Wrap(err, fmt.Sprintf("%s does not offer this way to sign in.", name), "It may be too old for Touchstone; ask whoever looks after it.")
	case l.codes > 0 && wrongCode(err):
		return fault.Wrap(err, fmt.Sprintf("%s did not accept the one-time code.", name),
			"Wait for the next code and try again; if that does not help, check the clock of the device that shows it.")
	case l.taps > 0 && refusedTap(refused):
		return fault.Wrap(err, fmt.Sprintf("%s did not accept the answer of the security key.", name),
			"Try again with the security key that you registered there.")
	case l.accepted && l.key != nil && l.key.Serial() != 0:
		return fault.Wrap(err, fmt.Sprintf("%s refused YubiKey %d: %q.", name, l.key.Serial(), refused.Message),
			"Ask whoever looks after the cluster whether this key is accepted there.")
	case l.accepted:
		return fault.Wrap(err, fmt.Sprintf("%s accepted the password but gave no certificates: %q.", name, refused.Message),
			"Ask whoever looks after the cluster.")
	case refused.Class == teleport.ClassDenied:
		return fault.Wrap(err, fmt.Sprintf("%s did not accept the user name or the password.", name),
			"Check both and try again; after several wrong passwords the cluster locks the account for a while.")
	default:
		return fault.Wrap(err, fmt.Sprintf("%s refused to sign in %s: %q.", name, l.user, refused.Message),
			"Ask whoever looks after the cluster.")
	}
}

// refusedTap reports whether a cluster refused what a security key has signed (login sheet, 5.6).
func refusedTap(refused *teleport.AnswerError) bool {
	return refused.Class == teleport.ClassDenied && strings.Contains(strings.ToLower(refused.Message), "webauthn")
}

// demandText is a policy in words.
func demandText(policy string) string {
	demand := demands[policy]
	switch {
	case !demand.hardware:
		return "no particular key"
	case demand.key.Touch && demand.key.PIN:
		return "a hardware key with touch and PIN"
	case demand.key.Touch:
		return "a hardware key with touch"
	case demand.key.PIN:
		return "a hardware key with PIN"
	default:
		return "a hardware key"
	}
}

// useFault explains why a cluster did not do what a signed-in user wanted.
func useFault(p profile, err error) error {
	if known, ok := passes(err); ok {
		return known
	}
	name := p.name()
	var unmet *teleport.UnmetPolicyError
	var untrusted *teleport.UntrustedHostError
	var refused *teleport.AnswerError
	switch {
	case errors.As(err, &unmet) && !knownPolicy(unmet.Policy):
		return unknownPolicyFault(name, unmet.Policy, err)
	case errors.As(err, &unmet):
		return fault.Wrap(err, fmt.Sprintf("%s demands %s, which your certificates do not have.", name, demandText(unmet.Policy)),
			"Sign in again; Touchstone will use such a key.")
	case errors.Is(err, teleport.ErrCertificateRefused):
		return fault.Wrap(err, fmt.Sprintf("%s does not accept your certificates any more.", name), "Sign in again.")
	case errors.As(err, &untrusted):
		return fault.Wrap(err, fmt.Sprintf("%s did not prove that it belongs to %s.", hostOf(untrusted.Host), name),
			"Nothing was sent to it. Sign in again in case the cluster has new authorities; if that does not help, ask whoever looks after it.")
	case errors.As(err, &refused):
		return answerFault(name, err, refused)
	case errors.Is(err, teleport.ErrNoRoute):
		return fault.Wrap(err, fmt.Sprintf("The proxy of %s does not offer what was asked for.", name),
			"It may be too old, or the service is switched off there; ask whoever looks after the cluster.")
	default:
		return networkFault(p.Proxy, err)
	}
}

func answerFault(cluster string, err error, refused *teleport.AnswerError) error {
	switch refused.Class {
	case teleport.ClassDenied:
		return fault.Wrap(err, fmt.Sprintf("%s does not allow that: %q.", cluster, refused.Message),
			"Ask whoever looks after the cluster for access.")
	case teleport.ClassUnavailable:
		return fault.Wrap(err, fmt.Sprintf("The connection to %s was lost.", cluster), "Check your network, then try again.")
	case teleport.ClassLimited:
		return fault.Wrap(err, fmt.Sprintf("%s has had too many requests.", cluster), "Wait a minute, then try again.")
	default:
		return fault.Wrap(err, fmt.Sprintf("%s answered with an error: %q.", cluster, refused.Message),
			"Try again; if it stays, ask whoever looks after the cluster.")
	}
}

// shellFault explains why an SSH session did not begin.
func shellFault(p profile, login, host string, err error) error {
	if known, ok := passes(err); ok {
		return known
	}
	var refused *teleport.AnswerError
	switch {
	case errors.Is(err, teleport.ErrLoginRefused):
		return fault.Wrap(err, fmt.Sprintf("Access to %s@%s was denied.", login, host),
			"Your roles may not allow that login there; ask whoever looks after the cluster for access.")
	case errors.As(err, &refused) && refused.Class == teleport.ClassNotFound:
		return fault.Wrap(err, fmt.Sprintf("%s could not reach %s: %q.", p.name(), host, refused.Message),
			"The server may be offline; refresh the list and try again.")
	case errors.Is(err, teleport.ErrConnectionLost):
		return lostFault(host, err)
	default:
		return useFault(p, err)
	}
}

func lostFault(host string, err error) error {
	return fault.Wrap(err, fmt.Sprintf("The connection to %s was lost.", host),
		"What ran there may have ended with it; check your network, then connect again.")
}

// unmetPolicy is the policy that a refusal demands.
func unmetPolicy(err error) (policy string, ok bool) {
	var unmet *teleport.UnmetPolicyError
	if !errors.As(err, &unmet) {
		return "", false
	}
	return unmet.Policy, true
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return strings.Trim(host, "[]")
}
