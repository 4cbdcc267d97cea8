package teleport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"

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
	rpc, err := c.dialRPC(ctx, id, c.address, authALPN(id.Cluster), authPings)
	return c.newAuth(id, rpc, err)
}

// DialAuthOn connects to the auth server of id's cluster on a stream from NodeDialer.DialCluster, which it takes over:
// the way without TLS routing (transport sheet, 5.2).
func (c *Client) DialAuthOn(ctx context.Context, id Identity, stream net.Conn) (*Auth, error) {
	session, err := c.startTLS(ctx, id, stream, []string{wire.ALPNHTTP2})
	if err != nil {
		return c.newAuth(id, nil, err)
	}
	rpc, err := c.speakRPC(session, id.serverName(), authPings)
	return c.newAuth(id, rpc, err)
}

func (c *Client) newAuth(id Identity, rpc *rpcConn, err error) (*Auth, error) {
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
	return list(ctx, a, wire.KindNode, (*authpb.PaginatedResource).GetNode, keywords)
}

// ListDatabases returns the databases, once for each agent that serves one.
func (a *Auth) ListDatabases(ctx context.Context, keywords ...string) ([]*typespb.DatabaseServerV3, error) {
	return list(ctx, a, wire.KindDatabaseServer, (*authpb.PaginatedResource).GetDatabaseServer, keywords)
}

// ListApps returns the applications, once for each agent that serves one.
func (a *Auth) ListApps(ctx context.Context, keywords ...string) ([]*typespb.AppServerV3, error) {
	return list(ctx, a, wire.KindAppServer, (*authpb.PaginatedResource).GetAppServer, keywords)
}

// list asks for every page of one kind.
func list[T any](ctx context.Context, a *Auth, kind string, get func(*authpb.PaginatedResource) *T, keywords []string) ([]*T, error) {
	var found []*T
	request := &authpb.ListResourcesRequest{ResourceType: kind, Limit: pageMost, SearchKeywords: keywords}
	for {
		page, err := a.listPage(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind, err)
		}
		for _, resource := range page.GetResources() {
			if one := get(resource); one != nil {
				found = append(found, one)
			}
		}
		if page.GetNextKey() == "" {
			return found, nil
		}
		if page.GetNextKey() == request.GetStartKey() {
			return nil, fmt.Errorf("listing %s: the page after %q is itself", kind, request.GetStartKey())
		}
		request.StartKey = page.GetNextKey()
	}
}

// listPage asks for one page, lowering request's limit where the answer is too large.
func (a *Auth) listPage(ctx context.Context, request *authpb.ListResourcesRequest) (*authpb.ListResourcesResponse, error) {
	for {
		page, err := call(ctx, a, a.client.ListResources, request)
		var refused *AnswerError
		if errors.As(err, &refused) && refused.Class == ClassLimited && request.GetLimit() > pageLeast {
			request.Limit /= 2
			continue
		}
		return page, err
	}
}

// call runs one method within the patience for an answer and gives its failure a type.
func call[Q, A any](ctx context.Context, a *Auth, method func(context.Context, Q, ...grpc.CallOption) (A, error), request Q) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	answer, err := method(ctx, request)
	return answer, a.rpc.sort(ctx, err)
}
