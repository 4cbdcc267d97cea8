package demo

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"golang.org/x/crypto/ssh"
)

// issuer decides about certificates and signs them.
type issuer struct {
	cluster   string
	cas       *authorities
	resources *resources
	passwords *passwords
	factors   *factors
	attested  *attestedKeys
	apps      *appSessions
	kube      *kubeClusters
	roots     *x509.CertPool // of attestation; nil trusts no card
	audit     *audit
	now       func() time.Time
	log       *slog.Logger
}

// certRequest is one request for certificates, after the password was accepted.
type certRequest struct {
	wire.CertificateRequest
	statement json.RawMessage // the attestation statement as it was sent
	loginIP   string
}

// proof is how a person shows who they are.
type proof struct {
	user, password string
	answer         mfaAnswer // to the challenges, where there were any
}

// authenticate checks a password and what else the cluster wants, and writes down the outcome.
func (i *issuer) authenticate(who *proof) error {
	device, err := i.prove(who)
	if err == nil && i.resources.catalog().users[who.user] == nil {
		err = refuse(accessDenied, textWrongPassword) // deleted since the password was set
	}
	event := Event{Name: EventLogin, Service: "web", User: who.user, Success: err == nil, MFADevice: device.Name, MFADeviceID: device.ID}
	if err != nil {
		event.Reason = err.Error()
	}
	i.audit.record(event)
	return err
}

// prove checks what the cluster's second factor makes of a sign-in, and returns the device that was used (login sheet,
// sections 4 and 5.6). Each answer is looked at, and used up, only with the right password.
func (i *issuer) prove(who *proof) (device mfaDevice, err error) {
	check := func() error {
		var err error
		device, err = i.factors.check(who.user, scopeLogin, &who.answer)
		return err
	}
	now, setting := i.now(), i.factors.setting()
	switch {
	case setting == factorOff:
		return device, i.passwords.check(who.user, who.password, now)
	case who.answer.assertion != nil:
		return device, i.passwords.checkWith(who, textWrongAssertion, now, check)
	case who.answer.code != "":
		return device, i.passwords.checkWith(who, textWrongFactor, now, check)
	case setting != factorOptional:
		return device, refuse(accessDenied, textMissingFactor)
	}
	if err := i.passwords.check(who.user, who.password, now); err != nil {
		return device, err
	}
	if i.factors.wanted(who.user) { // which only the user is to know
		return device, refuse(accessDenied, textMissingFactor)
	}
	return device, nil
}

// issue makes both certificates for a user who proved who they are, or refuses and writes down why. The order of the
// checks is that of a real cluster (enforcement sheet, section 3).
func (i *issuer) issue(name string, r *certRequest) (*wire.LoginResponse, error) {
	event := Event{Name: EventCertCreate, Service: "web", User: name}
	response, err := i.tryIssue(name, r, &event)
	event.Success = err == nil
	if err != nil {
		event.Reason = err.Error()
	}
	i.audit.record(event)
	return response, err
}

func (i *issuer) tryIssue(name string, r *certRequest, event *Event) (*wire.LoginResponse, error) {
	now := i.now()
	sshKey, publicKey, err := parsePublicKey(r.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := i.checkRoute(r); err != nil {
		return nil, err
	}
	granted, err := i.grant(name, r.loginIP)
	if err != nil {
		return nil, err
	}
	ttl := granted.sessionTTL(r.TTL)
	logins, err := granted.logins(ttl)
	if err != nil {
		return nil, err
	}
	proof, fresh, err := i.attest(r.statement, publicKey, now)
	if err != nil {
		return nil, err
	}
	event.Policy, event.Serial, event.RequiredPolicy = string(proof.policy), proof.serial, string(granted.requiredPolicy())
	if err := granted.checkPolicy(proof.policy); err != nil {
		return nil, err
	}
	if fresh {
		if err := i.attested.store(publicKey, proof, now, now.Add(ttl)); err != nil {
			return nil, err
		}
	}
	id := granted.identity
	id.policy, id.logins = proof.policy, append(logins, wire.JoinPrincipal)
	return i.sign(&userCertificate{identity: id, cluster: i.cluster, ttl: ttl, format: r.Compatibility,
		sshKey: sshKey, publicKey: publicKey}, now)
}

// grant looks up what a user may have by now.
func (i *issuer) grant(name, loginIP string) (*access, error) {
	catalog := i.resources.catalog()
	account := catalog.users[name]
	if account == nil {
		return nil, refuse(accessDenied, textWrongPassword)
	}
	return newAccess(catalog, identity{
		user: name, roles: account.Spec.Roles, traits: account.Spec.Traits, loginIP: loginIP})
}

// checkRoute refuses what this cluster does not have: leaf clusters, unknown Kubernetes clusters, unknown formats.
func (i *issuer) checkRoute(r *certRequest) error {
	if r.RouteToCluster != "" && r.RouteToCluster != i.cluster {
		return refuse(notFound, "remote cluster %q not found", r.RouteToCluster)
	}
	if r.KubeCluster != "" && i.kube.find(r.KubeCluster) == nil {
		return refuseKube(r.KubeCluster)
	}
	switch r.Compatibility {
	case "", "standard", oldSSHFormat:
		return nil
	default:
		return refuse(badParameter, "unknown certificate format %q", r.Compatibility)
	}
}

// parsePublicKey reads an authorized_keys line.
func parsePublicKey(line []byte) (ssh.PublicKey, crypto.PublicKey, error) {
	if len(line) == 0 {
		return nil, nil, refuse(badParameter, "missing parameter 'public_key'")
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, nil, refuse(badParameter, "parsing the public key: %v", err)
	}
	holder, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return nil, nil, refuse(badParameter, "keys of type %s are not supported", key.Type())
	}
	public := holder.CryptoPublicKey()
	if weak, ok := public.(*rsa.PublicKey); ok && weak.N.BitLen() < rsaBits {
		return nil, nil, refuse(badParameter, "RSA keys need %d bits at least", rsaBits)
	}
	return key, public, nil
}

// attest finds out which policy the key satisfies: from the statement, and then the proof is fresh, or from an earlier
// one. The attested policy goes into the certificate even where nothing is required. A statement that cannot be
// trusted is refused always.
func (i *issuer) attest(raw json.RawMessage, key crypto.PublicKey, now time.Time) (proof attestation, fresh bool, err error) {
	statement, err := parseStatement(raw)
	if err != nil {
		return attestation{}, false, err
	}
	if statement == nil {
		proof, err = i.attested.look(key, now)
		return proof, false, err
	}
	proof, err = verifyAttestation(statement, key, i.roots, now)
	return proof, err == nil, err
}

func (i *issuer) sign(c *userCertificate, now time.Time) (*wire.LoginResponse, error) {
	sshCert, err := i.cas.signSSH(c, now)
	if err != nil {
		return nil, err
	}
	tlsCert, err := i.cas.signTLS(c, now)
	if err != nil {
		return nil, err
	}
	return &wire.LoginResponse{
		Username: c.user,
		SSHCert:  sshCert,
		TLSCert:  tlsCert,
		HostSigners: []wire.HostSigner{{
			ClusterName:  i.cluster,
			CheckingKeys: [][]byte{ssh.MarshalAuthorizedKey(i.cas.host.ssh.PublicKey())},
			TLSCerts:     [][]byte{certPEM(i.cas.host.cert.Raw)},
		}},
	}, nil
}
