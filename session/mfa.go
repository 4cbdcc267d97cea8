package session

import (
	"context"
	"errors"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// streamUntil is the last major version that issues certificates of single use by a stream (ssh sheet, 5.3).
const streamUntil = 14

// certificates has the auth server issue certificates for one target, which r names, with a check by a second factor
// where the cluster wants one for every session. what says to the person what the certificates are for, "SSH to
// root@web-1". They are kept in memory only.
func (l *link) certificates(ctx context.Context, auth *teleport.Auth, what string, r *authpb.UserCertsRequest) (*authpb.Certs, error) {
	request, err := l.routeRequest(r)
	if err != nil {
		return nil, err
	}
	check, err := l.check(ctx, auth, what, r)
	if err != nil {
		return nil, err
	}
	if check == nil {
		return auth.GenerateUserCerts(ctx, request)
	}
	return check.certificates(ctx, request)
}

// check returns the check that a session with the target of r needs, or nil. Clusters that do not know the target or
// the question check nothing: who may not go there is told so by what comes next. The question comes before any
// challenge, because those are few.
func (l *link) check(ctx context.Context, auth *teleport.Auth, what string, r *authpb.UserCertsRequest) (*sessionCheck, error) {
	target := sessionTarget(r)
	required, err := auth.IsMFARequired(ctx, target)
	var refused *teleport.AnswerError
	if _, unmet := unmetPolicy(err); !unmet && errors.As(err, &refused) {
		switch refused.Class {
		case teleport.ClassNotFound, teleport.ClassBadRequest, teleport.ClassUnimplemented:
			return nil, nil
		}
	}
	if err != nil || !required {
		return nil, err
	}
	return &sessionCheck{link: l, auth: auth, what: what, target: target}, nil
}

// sessionTarget is what a certificate leads to, in the words of the question whether a check is wanted.
func sessionTarget(r *authpb.UserCertsRequest) *authpb.IsMFARequiredRequest {
	switch r.GetUsage() {
	case authpb.UserCertsRequest_SSH:
		node := &authpb.NodeLogin{Node: r.GetNodeName(), Login: r.GetSshLogin()}
		return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_Node{Node: node}}
	case authpb.UserCertsRequest_Database:
		return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_Database{Database: r.GetRouteToDatabase()}}
	case authpb.UserCertsRequest_Kubernetes:
		return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_KubernetesCluster{KubernetesCluster: r.GetKubernetesCluster()}}
	default:
		return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_App{App: r.GetRouteToApp()}}
	}
}

// sessionCheck is the check by a second factor for one session (gRPC sheet, 5.2 and 5.3).
type sessionCheck struct {
	link   *link
	auth   *teleport.Auth
	what   string
	target *authpb.IsMFARequiredRequest

	codes  int    // that were sent
	reason string // why another code is wanted, as a sentence
}

// certificates has the person checked and the certificates issued.
func (c *sessionCheck) certificates(ctx context.Context, r *authpb.UserCertsRequest) (*authpb.Certs, error) {
	var certs *authpb.Certs
	err := c.retry(ctx, func() (err error) {
		if c.link.profile.major() <= streamUntil {
			certs, err = c.stream(ctx, r)
			var refused *teleport.AnswerError
			if !errors.As(err, &refused) || refused.Class != teleport.ClassUnimplemented {
				return err
			}
		}
		if r.MfaResponse, err = c.proof(ctx); err != nil {
			return err
		}
		r.Purpose = authpb.UserCertsRequest_CERT_PURPOSE_SINGLE_USE_CERTS
		if r.MfaResponse == nil {
			r.Purpose = authpb.UserCertsRequest_CERT_PURPOSE_UNSPECIFIED
		}
		certs, err = c.auth.GenerateUserCerts(ctx, r)
		return err
	})
	return certs, err
}

// proof has the person answer a challenge, for clusters since version 15; nil where the cluster wants none after all.
func (c *sessionCheck) proof(ctx context.Context) (*authpb.MFAAuthenticateResponse, error) {
	challenge, err := c.auth.CreateSessionChallenge(ctx, c.target)
	if err != nil || challenge.GetMfaRequired() == authpb.MFARequired_MFA_REQUIRED_NO {
		return nil, err
	}
	return c.answer(ctx, challenge)
}

// slowAnswer is how long an answer may take where the minute of the certificate is counted from the beginning of the
// check (ssh sheet, 5.2).
const slowAnswer = 40 * time.Second

// errSlowAnswer: the certificate would end before it was of use.
var errSlowAnswer = errors.New("the answer took too long")

// stream is the older ceremony.
func (c *sessionCheck) stream(ctx context.Context, r *authpb.UserCertsRequest) (*authpb.Certs, error) {
	now := c.link.m.config.Now
	begun := now()
	return c.auth.SingleUseCerts(ctx, r, func(ctx context.Context, challenge *authpb.MFAAuthenticateChallenge) (*authpb.MFAAuthenticateResponse, error) {
		answer, err := c.answer(ctx, challenge)
		if err == nil && r.GetUsage() != authpb.UserCertsRequest_SSH && c.link.profile.major() < requesterSince && now().Sub(begun) > slowAnswer {
			return nil, errSlowAnswer
		}
		return answer, err
	})
}
