package teleport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// Auth is a connection to a cluster's auth server. Opening it costs one signature; keep it and share it
// (transport sheet, 10.1). It may be used from many goroutines.
type Auth struct {
	rpc      *rpcConn
	client   authpb.AuthServiceClient
	patience time.Duration // for one call
}

// DialAuth connects to the auth server of id's cluster through the web port.
func (c *Client) DialAuth(ctx context.Context, id Identity) (*Auth, error) {
	rpc, err := c.dialRPC(ctx, id, authALPN(id.Cluster), authPings)
	if err != nil {
		return nil, fmt.Errorf("reaching the auth server of %s: %w", id.Cluster, err)
	}
	return &Auth{rpc: rpc, client: authpb.NewAuthServiceClient(rpc), patience: c.patience.Call}, nil
}

// Close ends the connection. Closing twice is allowed.
func (a *Auth) Close() error { return a.rpc.Close() }

// Bounds of a page (gRPC sheet, section 1): a page that does not fit into a message is asked for again, smaller.
const (
	pageMost  = 1000
	pageLeast = 10
)

// ListServers returns the SSH servers that the user may see and that match every keyword; no keyword matches all.
// Servers treat keywords as substrings of names, addresses and labels (gRPC sheet, 6.1).
func (a *Auth) ListServers(ctx context.Context, keywords ...string) ([]*typespb.ServerV2, error) {
	var servers []*typespb.ServerV2
	request := &authpb.ListResourcesRequest{ResourceType: wire.KindNode, Limit: pageMost, SearchKeywords: keywords}
	for {
		page, err := a.listPage(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("listing servers: %w", err)
		}
		for _, resource := range page.GetResources() {
			if server := resource.GetNode(); server != nil {
				servers = append(servers, server)
			}
		}
		if page.GetNextKey() == "" {
			return servers, nil
		}
		if page.GetNextKey() == request.GetStartKey() {
			return nil, fmt.Errorf("listing servers: the page after %q is itself", request.GetStartKey())
		}
		request.StartKey = page.GetNextKey()
	}
}

// listPage asks for one page, lowering request's limit where the answer is too large.
func (a *Auth) listPage(ctx context.Context, request *authpb.ListResourcesRequest) (*authpb.ListResourcesResponse, error) {
	for {
		page, err := a.listOnce(ctx, request)
		var refused *AnswerError
		if errors.As(err, &refused) && refused.Class == ClassLimited && request.GetLimit() > pageLeast {
			request.Limit /= 2
			continue
		}
		return page, err
	}
}

func (a *Auth) listOnce(ctx context.Context, request *authpb.ListResourcesRequest) (*authpb.ListResourcesResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	page, err := a.client.ListResources(ctx, request)
	return page, a.rpc.sort(ctx, err)
}
