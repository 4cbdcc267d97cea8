package teleport

import (
	"context"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// GenerateUserCerts issues certificates of the caller's own (gRPC sheet, 5.1).
func (a *Auth) GenerateUserCerts(ctx context.Context, r *authpb.UserCertsRequest) (*authpb.Certs, error) {
	certs, err := call(ctx, a, a.client.GenerateUserCerts, r)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate: %w", err)
	}
	return certs, nil
}

// CreateAppSession makes a session with an application and returns its id (apps sheet, 5.1).
func (a *Auth) CreateAppSession(ctx context.Context, r *authpb.CreateAppSessionRequest) (id string, err error) {
	response, err := call(ctx, a, a.client.CreateAppSession, r)
	if err != nil {
		return "", fmt.Errorf("opening a session with the application: %w", err)
	}
	return response.GetSession().GetMetadata().GetName(), nil
}

// DeleteAppSession ends a session with an application.
func (a *Auth) DeleteAppSession(ctx context.Context, id string) error {
	if _, err := call(ctx, a, a.client.DeleteAppSession, &authpb.DeleteAppSessionRequest{SessionId: id}); err != nil {
		return fmt.Errorf("ending the session with the application: %w", err)
	}
	return nil
}
