package demo

import (
	"crypto"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/attestationpb"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// textExpired is how a wish for an end that is missing or past is refused (gRPC sheet, 5.1).
const textExpired = "access denied: client credentials have expired, please relogin."

// reissue makes certificates for a user who has some already, perhaps for one target only, or refuses and writes down
// why. once is set for certificates of single use.
func (i *issuer) reissue(id identity, r *authpb.UserCertsRequest, once *singleUse) (*authpb.Certs, error) {
	event := Event{Name: EventCertCreate, Service: "auth", User: id.user, Database: r.GetRouteToDatabase().GetServiceName(),
		App: r.GetRouteToApp().GetName(), KubeCluster: r.KubernetesCluster, Node: r.NodeName}
	if once != nil {
		id.mfaDevice, id.previousExpires = once.device.ID, id.expires
		event.MFADevice, event.MFADeviceID = once.device.Name, once.device.ID
	}
	certs, err := i.tryReissue(id, r, once, &event)
	event.Success = err == nil
	if err != nil {
		event.Reason = err.Error()
	}
	i.audit.record(event)
	return certs, err
}

func (i *issuer) tryReissue(id identity, r *authpb.UserCertsRequest, once *singleUse, event *Event) (*authpb.Certs, error) {
	now := i.now()
	if err := i.checkWish(id, r, now); err != nil {
		return nil, err
	}
	sshKey, publicKey, err := parsePublicKey(r.PublicKey)
	if err != nil {
		return nil, err
	}
	granted, err := newAccess(i.resources.catalog(), id)
	if err != nil {
		return nil, err
	}
	statement := r.AttestationStatement
	if !granted.profile.attestsReissues() {
		statement = nil
	}
	proof, err := i.lookAt(statement, publicKey, now)
	if err != nil {
		return nil, err
	}
	event.Policy, event.Serial, event.RequiredPolicy = string(proof.policy), proof.serial, string(granted.requiredPolicy())
	if err := granted.checkPolicy(proof.policy); err != nil {
		return nil, err
	}
	if id.usage, id.route, err = i.target(id, r); err != nil {
		return nil, err
	}
	names, err := i.kube.check(granted, id.route.kube)
	if err != nil {
		return nil, err
	}
	id.policy = proof.policy
	certs, err := i.signRoute(&userCertificate{identity: id, cluster: i.cluster, ttl: once.ttl(granted, r, now), format: r.Format,
		sshKey: sshKey, publicKey: publicKey, kube: names}, now)
	if err == nil && once != nil {
		once.keepOne(r, certs)
	}
	return certs, err
}

// checkWish checks what needs no look at keys or roles.
func (i *issuer) checkWish(id identity, r *authpb.UserCertsRequest, now time.Time) error {
	switch {
	case r.Username != id.user:
		return refuse(accessDenied, "access denied: user %q cannot issue certificates for %q", id.user, r.Username)
	case r.Expires == nil || !r.Expires.AsTime().After(now):
		return refuse(accessDenied, textExpired)
	}
	return i.checkRoute(&certRequest{CertificateRequest: wire.CertificateRequest{
		RouteToCluster: r.RouteToCluster, KubeCluster: r.KubernetesCluster, Compatibility: r.Format}})
}

// lookAt finds out which policy the key satisfies: from a statement, or from what was proved before.
func (i *issuer) lookAt(s *attestationpb.AttestationStatement, key crypto.PublicKey, now time.Time) (attestation, error) {
	if yubikey := s.GetYubikeyAttestationStatement(); yubikey != nil {
		statement := &wire.YubiKeyAttestation{SlotCert: yubikey.SlotCert, AttestationCert: yubikey.AttestationCert}
		return verifyAttestation(statement, key, i.roots, now)
	}
	return i.attested.look(key, now)
}

// target reads what the certificate is to be restricted to (gRPC sheet, 5.1).
func (i *issuer) target(id identity, r *authpb.UserCertsRequest) (usage []string, to route, err error) {
	switch r.Usage {
	case authpb.UserCertsRequest_All:
		return nil, route{}, nil
	case authpb.UserCertsRequest_SSH:
		if r.NodeName == "" {
			return nil, route{}, refuse(badParameter, "missing NodeName field in a ssh-only UserCertsRequest")
		}
		return nil, route{}, nil
	case authpb.UserCertsRequest_Database:
		database := r.RouteToDatabase
		if database.GetServiceName() == "" {
			return nil, route{}, refuse(badParameter, "missing ServiceName field in a database-only UserCertsRequest")
		}
		to.database = databaseRoute{database.ServiceName, database.Protocol, database.Username, database.Database}
		return []string{wire.UsageDatabase}, to, nil
	case authpb.UserCertsRequest_App:
		app := r.RouteToApp
		if app.GetName() == "" {
			return nil, route{}, refuse(badParameter, "missing app Name in an app-only UserCertsRequest")
		}
		if _, err := i.apps.check(id.user, app.SessionId); err != nil {
			return nil, route{}, err
		}
		to.app = appRoute{app.Name, app.SessionId, app.PublicAddr, app.ClusterName}
		return []string{wire.UsageApps}, to, nil
	case authpb.UserCertsRequest_Kubernetes:
		if r.KubernetesCluster == "" {
			return nil, route{}, refuse(badParameter, "missing KubernetesCluster field in a kubernetes-only UserCertsRequest")
		}
		to.kube = r.KubernetesCluster
		return []string{wire.UsageKube}, to, nil
	default:
		return nil, route{}, refuse(badParameter, "unsupported cert usage %q", r.Usage)
	}
}

// signRoute signs both certificates; the authorities beside them are those of users.
func (i *issuer) signRoute(c *userCertificate, now time.Time) (*authpb.Certs, error) {
	sshCert, err := i.cas.signSSH(c, now)
	if err != nil {
		return nil, err
	}
	tlsCert, err := i.cas.signTLS(c, now)
	if err != nil {
		return nil, err
	}
	return &authpb.Certs{
		Ssh:        sshCert,
		Tls:        tlsCert,
		TlsCaCerts: [][]byte{certPEM(i.cas.user.cert.Raw)},
		SshCaCerts: [][]byte{ssh.MarshalAuthorizedKey(i.cas.user.ssh.PublicKey())},
	}, nil
}
