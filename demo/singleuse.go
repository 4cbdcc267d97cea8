package demo

import (
	"time"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// singleUseTTL is how long certificates for one session live: long enough to begin it (certificates sheet, section 6).
const singleUseTTL = time.Minute

// singleUse is the check that certificates of single use are issued after.
type singleUse struct {
	device mfaDevice
	end    time.Time // of the minute
	// longer lets the certificate live as long as the sign-in: it is for a local proxy, which stays with its person.
	longer bool
}

// ttl is how long certificates may live: never longer than wished, nor than those they are asked for with (gRPC sheet,
// 5.1). once is nil for what is no single use.
func (once *singleUse) ttl(granted *access, r *authpb.UserCertsRequest, now time.Time) time.Duration {
	ttl := min(r.Expires.AsTime().Sub(now), granted.identity.expires.Sub(now))
	switch {
	case once == nil:
		return ttl
	case once.longer:
		return granted.sessionTTL(ttl)
	default:
		return min(ttl, once.end.Sub(now))
	}
}

// keepOne leaves the one certificate that the session needs (enforcement sheet, section 3).
func (once *singleUse) keepOne(r *authpb.UserCertsRequest, certs *authpb.Certs) {
	if r.Usage == authpb.UserCertsRequest_SSH {
		certs.Tls = nil
	} else {
		certs.Ssh = nil
	}
}

// checkSingleUse refuses requests that are for no session.
func checkSingleUse(r *authpb.UserCertsRequest) error {
	if r.Usage == authpb.UserCertsRequest_All {
		return refuse(badParameter, "must specify a concrete Usage in UserCertsRequest, one of SSH, Kubernetes, Database or App")
	}
	return nil
}

// singleUse issues a certificate for one session after an answer to a challenge (SSH sheet, 5.3).
func (i *issuer) singleUse(id identity, p profile, r *authpb.UserCertsRequest) (*authpb.Certs, error) {
	if err := checkSingleUse(r); err != nil {
		return nil, err
	}
	device, err := i.checkSession(id.user, r.MfaResponse)
	if err != nil {
		return nil, err
	}
	return i.reissue(id, r, &singleUse{device: device, end: i.now().Add(singleUseTTL), longer: p.livesOn(r)})
}

// livesOn reports whether a certificate is for a local proxy (databases-kube-apps sheet, 1.1).
func (p profile) livesOn(r *authpb.UserCertsRequest) bool {
	if !p.requesters() {
		return false
	}
	switch r.RequesterName {
	case authpb.UserCertsRequest_TSH_DB_LOCAL_PROXY_TUNNEL:
		return r.Usage == authpb.UserCertsRequest_Database
	case authpb.UserCertsRequest_TSH_KUBE_LOCAL_PROXY:
		return r.Usage == authpb.UserCertsRequest_Kubernetes
	default:
		return false
	}
}

// checkSession accepts an answer for one session, and writes down the outcome.
func (i *issuer) checkSession(user string, r *authpb.MFAAuthenticateResponse) (mfaDevice, error) {
	device, err := i.factors.check(user, scopeSession, readAnswer(r))
	event := Event{Name: EventMFAValidate, Service: "auth", User: user, Success: err == nil, MFADevice: device.Name, MFADeviceID: device.ID}
	if err != nil {
		event.Reason = err.Error()
	}
	i.audit.record(event)
	return device, err
}

// stream is the older ceremony: the request, a challenge, the answer, one certificate (gRPC sheet, 5.2). The minute of a
// TLS certificate begins with the request, whenever the answer comes.
func (i *issuer) stream(id identity, stream authpb.AuthService_GenerateUserSingleUseCertsServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	r := first.GetInit()
	if r == nil {
		return refuse(badParameter, "expected Init, got %T", first.Request)
	}
	if err := checkSingleUse(r); err != nil {
		return err
	}
	end := i.now().Add(singleUseTTL)
	device, err := i.ask(id.user, stream)
	if err != nil {
		return err
	}
	certs, err := i.reissue(id, r, &singleUse{device: device, end: end})
	if err != nil {
		return err
	}
	cert := &authpb.SingleUseUserCert{Cert: &authpb.SingleUseUserCert_Tls{Tls: certs.Tls}}
	if certs.Tls == nil {
		cert.Cert = &authpb.SingleUseUserCert_Ssh{Ssh: certs.Ssh}
	}
	return stream.Send(&authpb.UserSingleUseCertsResponse{Response: &authpb.UserSingleUseCertsResponse_Cert{Cert: cert}})
}

// ask sends a challenge and waits for the answer.
func (i *issuer) ask(user string, stream authpb.AuthService_GenerateUserSingleUseCertsServer) (mfaDevice, error) {
	offer, err := i.challenge(user, scopeSession)
	if err != nil {
		return mfaDevice{}, err
	}
	if !offer.codes && offer.keys == nil {
		return mfaDevice{}, refuse(accessDenied, "no MFA devices registered")
	}
	err = stream.Send(&authpb.UserSingleUseCertsResponse{
		Response: &authpb.UserSingleUseCertsResponse_MfaChallenge{MfaChallenge: offer.wire()}})
	if err != nil {
		return mfaDevice{}, err
	}
	second, err := stream.Recv()
	if err != nil {
		return mfaDevice{}, err
	}
	if second.GetMfaResponse() == nil {
		return mfaDevice{}, refuse(badParameter, "expected MFAResponse, got %T", second.Request)
	}
	return i.checkSession(user, second.GetMfaResponse())
}

// challenge makes a challenge, and writes it down.
func (i *issuer) challenge(user string, s scope) (*challenge, error) {
	offer, err := i.factors.challenge(user, s)
	if err == nil {
		i.audit.record(Event{Name: EventMFAChallenge, Service: "auth", User: user, Success: true})
	}
	return offer, err
}
