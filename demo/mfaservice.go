package demo

import (
	"context"
	"net"

	"google.golang.org/grpc/peer"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/mfapb"
)

// The methods of per-session MFA (gRPC sheet, 5.2 and 5.3).

// IsMFARequired answers whether a session needs a check of its own.
func (s *authService) IsMFARequired(ctx context.Context, r *authpb.IsMFARequiredRequest) (*authpb.IsMFARequiredResponse, error) {
	required, err := s.isMFARequired(accessOf(ctx), r)
	if err != nil {
		return nil, err
	}
	response := &authpb.IsMFARequiredResponse{Required: required}
	if s.profile >= version15 {
		response.MfaRequired = mfaRequired(required)
	}
	return response, nil
}

func mfaRequired(required bool) authpb.MFARequired {
	if required {
		return authpb.MFARequired_MFA_REQUIRED_YES
	}
	return authpb.MFARequired_MFA_REQUIRED_NO
}

// CreateAuthenticateChallenge begins a check of the caller. Versions before 15 know neither the target in the request
// nor the scope, so their challenges are for nothing that this cluster does.
func (s *authService) CreateAuthenticateChallenge(ctx context.Context, r *authpb.CreateAuthenticateChallengeRequest) (*authpb.MFAAuthenticateChallenge, error) {
	if err := s.issuer.factors.challenges.take(callerIP(ctx)); err != nil {
		return nil, err
	}
	if r.GetContextUser() == nil {
		return nil, refuse(badParameter, "challenges are made for the caller alone here")
	}
	extensions := r.ChallengeExtensions
	if extensions.GetAllowReuse() == mfapb.ChallengeAllowReuse_CHALLENGE_ALLOW_REUSE_YES {
		return nil, refuse(badParameter, "mfa challenges with scope %s cannot allow reuse", extensions.GetScope())
	}
	granted := accessOf(ctx)
	if s.profile < version15 {
		return s.challenge(granted, mfapb.ChallengeScope_CHALLENGE_SCOPE_UNSPECIFIED, authpb.MFARequired_MFA_REQUIRED_UNSPECIFIED)
	}
	if r.MfaRequiredCheck == nil {
		return s.challenge(granted, extensions.GetScope(), authpb.MFARequired_MFA_REQUIRED_UNSPECIFIED)
	}
	required, err := s.isMFARequired(granted, r.MfaRequiredCheck)
	if err != nil {
		return nil, err
	}
	if !required {
		return &authpb.MFAAuthenticateChallenge{MfaRequired: mfaRequired(false)}, nil
	}
	return s.challenge(granted, extensions.GetScope(), mfaRequired(true))
}

func (s *authService) challenge(granted *access, to scope, required authpb.MFARequired) (*authpb.MFAAuthenticateChallenge, error) {
	offer, err := s.issuer.challenge(granted.identity.user, to)
	if err != nil {
		return nil, err
	}
	m := offer.wire()
	m.MfaRequired = required
	return m, nil
}

// callerIP is the address of the caller without a port.
func callerIP(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	host, _, err := net.SplitHostPort(p.Addr.String())
	if err != nil {
		return ""
	}
	return host
}

// GenerateUserCerts issues certificates to a caller who has some (gRPC sheet, 5.1). Before version 15 it knows nothing of
// answers and of purposes, and passes over them.
func (s *authService) GenerateUserCerts(ctx context.Context, r *authpb.UserCertsRequest) (*authpb.Certs, error) {
	id := accessOf(ctx).identity
	switch {
	case s.profile.singleUseStream():
		return s.issuer.reissue(id, r, nil)
	case r.Purpose == authpb.UserCertsRequest_CERT_PURPOSE_SINGLE_USE_CERTS:
		return s.issuer.singleUse(id, s.profile, r)
	case r.MfaResponse != nil:
		return nil, refuse(badParameter, "an MFA response is only of use for single-use certificates")
	default:
		return s.issuer.reissue(id, r, nil)
	}
}

// GenerateUserSingleUseCerts is the older ceremony, which version 15 does not have any more.
func (s *authService) GenerateUserSingleUseCerts(stream authpb.AuthService_GenerateUserSingleUseCertsServer) error {
	if !s.profile.singleUseStream() {
		return s.UnimplementedAuthServiceServer.GenerateUserSingleUseCerts(stream)
	}
	return s.issuer.stream(accessOf(stream.Context()).identity, stream)
}
