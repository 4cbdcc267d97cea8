package teleport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/mfapb"
)

// IsMFARequired asks whether a session with a target needs a check of its own (gRPC sheet, 5.3).
func (a *Auth) IsMFARequired(ctx context.Context, target *authpb.IsMFARequiredRequest) (bool, error) {
	answer, err := call(ctx, a, a.client.IsMFARequired, target)
	if err != nil {
		return false, fmt.Errorf("asking whether a check is wanted: %w", err)
	}
	return answer.GetRequired() || answer.GetMfaRequired() == authpb.MFARequired_MFA_REQUIRED_YES, nil
}

// CreateSessionChallenge begins the check for one session with a target, on clusters since version 15 (ssh sheet,
// 5.3). Its answer is good once. The call is limited to a few in a minute.
func (a *Auth) CreateSessionChallenge(ctx context.Context, target *authpb.IsMFARequiredRequest) (*authpb.MFAAuthenticateChallenge, error) {
	challenge, err := call(ctx, a, a.client.CreateAuthenticateChallenge, &authpb.CreateAuthenticateChallengeRequest{
		Request:          &authpb.CreateAuthenticateChallengeRequest_ContextUser{ContextUser: &authpb.ContextUser{}},
		MfaRequiredCheck: target,
		ChallengeExtensions: &mfapb.ChallengeExtensions{
			Scope:      mfapb.ChallengeScope_CHALLENGE_SCOPE_USER_SESSION,
			AllowReuse: mfapb.ChallengeAllowReuse_CHALLENGE_ALLOW_REUSE_NO,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("beginning a check: %w", err)
	}
	return challenge, nil
}

// Proof answers a challenge. It may ask a person.
type Proof func(ctx context.Context, challenge *authpb.MFAAuthenticateChallenge) (*authpb.MFAAuthenticateResponse, error)

// errStep: the ceremony has one order of steps.
var errStep = errors.New("the cluster did not go on with the check")

// SingleUseCerts issues a certificate for one session after a check, on clusters up to version 14 (ssh sheet, 5.2).
// What it returns has the one kind of certificate that the request's usage is for.
func (a *Auth) SingleUseCerts(ctx context.Context, r *authpb.UserCertsRequest, prove Proof) (*authpb.Certs, error) {
	certs, err := a.singleUse(ctx, r, prove)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate for one session: %w", err)
	}
	return certs, nil
}

func (a *Auth) singleUse(ctx context.Context, r *authpb.UserCertsRequest, prove Proof) (*authpb.Certs, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(a.patience, func() { cancel(ErrSilent) })
	defer silent.Stop()
	stream, err := a.client.GenerateUserSingleUseCerts(ctx)
	if err != nil {
		return nil, a.sortStream(ctx, err)
	}
	step := func(q *authpb.UserSingleUseCertsRequest) (*authpb.UserSingleUseCertsResponse, error) {
		silent.Reset(a.patience)
		defer silent.Stop()
		_ = stream.Send(q) // why it failed is what Recv says
		answer, err := stream.Recv()
		return answer, a.sortStream(ctx, err)
	}
	answer, err := step(&authpb.UserSingleUseCertsRequest{Request: &authpb.UserSingleUseCertsRequest_Init{Init: r}})
	if err != nil {
		return nil, err
	}
	if answer.GetMfaChallenge() == nil {
		return nil, errStep
	}
	proof, err := prove(ctx, answer.GetMfaChallenge())
	if err != nil {
		return nil, err
	}
	answer, err = step(&authpb.UserSingleUseCertsRequest{Request: &authpb.UserSingleUseCertsRequest_MfaResponse{MfaResponse: proof}})
	if err != nil {
		return nil, err
	}
	if answer.GetCert() == nil {
		return nil, errStep
	}
	return &authpb.Certs{Ssh: answer.GetCert().GetSsh(), Tls: answer.GetCert().GetTls()}, nil
}

// sortStream gives the failure of a stream its type.
func (a *Auth) sortStream(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), ErrSilent) {
		return errors.Join(ErrSilent, err)
	}
	return a.rpc.sort(ctx, err)
}
