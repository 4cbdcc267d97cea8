package teleport

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// checker is an auth server that runs the older check in these steps.
type checker struct {
	authpb.UnimplementedAuthServiceServer
	steps []*authpb.UserSingleUseCertsResponse // nil never answers
	last  error
	ended chan struct{} // closed with the stream; nil for nobody who waits
}

func (c *checker) GenerateUserSingleUseCerts(stream authpb.AuthService_GenerateUserSingleUseCertsServer) error {
	if c.ended != nil {
		defer close(c.ended)
	}
	for _, step := range c.steps {
		if _, err := stream.Recv(); err != nil {
			return err
		}
		if step == nil {
			<-stream.Context().Done()
			return stream.Context().Err()
		}
		if err := stream.Send(step); err != nil {
			return err
		}
	}
	return c.last
}

var (
	challengeStep = &authpb.UserSingleUseCertsResponse{Response: &authpb.UserSingleUseCertsResponse_MfaChallenge{
		MfaChallenge: &authpb.MFAAuthenticateChallenge{Totp: &authpb.TOTPChallenge{}}}}
	certStep = &authpb.UserSingleUseCertsResponse{Response: &authpb.UserSingleUseCertsResponse_Cert{
		Cert: &authpb.SingleUseUserCert{Cert: &authpb.SingleUseUserCert_Ssh{Ssh: []byte("certificate")}}}}
)

// proveByCode answers as a person with an authenticator app does.
func proveByCode(_ context.Context, challenge *authpb.MFAAuthenticateChallenge) (*authpb.MFAAuthenticateResponse, error) {
	if challenge.GetTotp() == nil {
		return nil, errors.New("no code is asked for")
	}
	return &authpb.MFAAuthenticateResponse{Response: &authpb.MFAAuthenticateResponse_Totp{Totp: &authpb.TOTPResponse{Code: "123456"}}}, nil
}

func TestACheckLeadsToACertificate(t *testing.T) {
	auth, _ := dialServer(t, &checker{steps: []*authpb.UserSingleUseCertsResponse{challengeStep, certStep}})
	certs, err := auth.SingleUseCerts(t.Context(), &authpb.UserCertsRequest{}, proveByCode)
	if err != nil || string(certs.GetSsh()) != "certificate" || certs.GetTls() != nil {
		t.Errorf("SingleUseCerts() = %v, %v", certs, err)
	}
}

func TestACheckThatTakesAnotherCourseIsGivenUp(t *testing.T) {
	tests := map[string]struct {
		steps []*authpb.UserSingleUseCertsResponse
		want  error
	}{
		"a certificate without a challenge": {[]*authpb.UserSingleUseCertsResponse{certStep}, errStep},
		"two challenges":                    {[]*authpb.UserSingleUseCertsResponse{challengeStep, challengeStep}, errStep},
		"silence":                           {[]*authpb.UserSingleUseCertsResponse{nil}, ErrSilent},
		"silence after the answer":          {[]*authpb.UserSingleUseCertsResponse{challengeStep, nil}, ErrSilent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			auth, _ := dialServer(t, &checker{steps: test.steps})
			auth.patience = 50 * time.Millisecond
			if _, err := auth.SingleUseCerts(t.Context(), &authpb.UserCertsRequest{}, proveByCode); !errors.Is(err, test.want) {
				t.Errorf("SingleUseCerts() = %v, want %v", err, test.want)
			}
		})
	}
}

func TestARefusedCheckKeepsTheClustersWords(t *testing.T) {
	var refused *AnswerError
	auth, _ := dialServer(t, &checker{last: status.Error(codes.PermissionDenied, "no MFA devices registered")})
	_, err := auth.SingleUseCerts(t.Context(), &authpb.UserCertsRequest{}, proveByCode)
	if !errors.As(err, &refused) || refused.Class != ClassDenied || refused.Message != "no MFA devices registered" {
		t.Errorf("a refusal gave %v", err)
	}
	auth, _ = dialServer(t, authpb.UnimplementedAuthServiceServer{})
	for name, call := range map[string]func() error{
		"the stream": func() error {
			_, err := auth.SingleUseCerts(t.Context(), &authpb.UserCertsRequest{}, proveByCode)
			return err
		},
		"the question": func() error { _, err := auth.IsMFARequired(t.Context(), &authpb.IsMFARequiredRequest{}); return err },
		"the challenge": func() error {
			_, err := auth.CreateSessionChallenge(t.Context(), &authpb.IsMFARequiredRequest{})
			return err
		},
	} {
		if err := call(); !errors.As(err, &refused) || refused.Class != ClassUnimplemented {
			t.Errorf("%s, which the cluster does not have, gave %v", name, err)
		}
	}
}

func TestAPersonMayTakeLongerThanACallAndMayRefuse(t *testing.T) {
	ended := make(chan struct{})
	auth, _ := dialServer(t, &checker{steps: []*authpb.UserSingleUseCertsResponse{challengeStep, certStep}})
	auth.patience = 500 * time.Millisecond
	thinking := time.NewTimer(auth.patience + auth.patience/10)
	_, err := auth.SingleUseCerts(t.Context(), &authpb.UserCertsRequest{}, func(ctx context.Context, c *authpb.MFAAuthenticateChallenge) (*authpb.MFAAuthenticateResponse, error) {
		<-thinking.C
		return proveByCode(ctx, c)
	})
	if err != nil {
		t.Errorf("an answer after a while: %v", err)
	}
	auth, _ = dialServer(t, &checker{steps: []*authpb.UserSingleUseCertsResponse{challengeStep, certStep}, ended: ended})
	_, err = auth.SingleUseCerts(t.Context(), &authpb.UserCertsRequest{}, func(context.Context, *authpb.MFAAuthenticateChallenge) (*authpb.MFAAuthenticateResponse, error) {
		return nil, context.Canceled
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a refusal gave %v", err)
	}
	<-ended // the stream ends with it
}
