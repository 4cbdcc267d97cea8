package teleport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// lister is an auth server with numbered SSH servers.
type lister struct {
	authpb.UnimplementedAuthServiceServer
	servers int
	largest int32 // a page with more does not fit into a message
	stuck   bool  // every page names itself as the next
	hang    bool

	mu    sync.Mutex
	pages []int32 // the limits asked for; guarded by mu
}

func (l *lister) ListResources(ctx context.Context, r *authpb.ListResourcesRequest) (*authpb.ListResourcesResponse, error) {
	l.mu.Lock()
	l.pages = append(l.pages, r.GetLimit())
	l.mu.Unlock()
	if l.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if r.GetLimit() > l.largest {
		return nil, status.Error(codes.ResourceExhausted, "grpc: received message larger than max")
	}
	if r.GetResourceType() != "node" || r.GetSortBy() != nil || r.GetNeedTotalCount() {
		return nil, status.Error(codes.InvalidArgument, "not the paged list of nodes")
	}
	start, _ := strconv.Atoi(r.GetStartKey())
	end := min(l.servers, start+int(r.GetLimit()))
	page := &authpb.ListResourcesResponse{Resources: []*authpb.PaginatedResource{{}}} // of a kind that we do not know
	for i := start; i < end; i++ {
		node := &typespb.ServerV2{Metadata: &typespb.Metadata{Name: fmt.Sprint(i)}}
		page.Resources = append(page.Resources, &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_Node{Node: node}})
	}
	if end < l.servers || l.stuck {
		page.NextKey = strconv.Itoa(end)
	}
	return page, nil
}

// oneConn is a listener with a single connection.
type oneConn struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (o *oneConn) Accept() (net.Conn, error) {
	select {
	case conn := <-o.conns:
		return conn, nil
	case <-o.done:
		return nil, net.ErrClosed
	}
}
func (o *oneConn) Close() error   { o.once.Do(func() { close(o.done) }); return nil }
func (o *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects to the server in memory.
func (l *lister) dial(t testing.TB) (auth *Auth, cut func()) {
	t.Helper()
	return dialServer(t, l)
}

// dialServer connects to an auth server in memory.
func dialServer(t testing.TB, s authpb.AuthServiceServer) (auth *Auth, cut func()) {
	t.Helper()
	ours, theirs := net.Pipe()
	listener := &oneConn{conns: make(chan net.Conn, 1), done: make(chan struct{})}
	listener.conns <- theirs
	server := grpc.NewServer()
	authpb.RegisterAuthServiceServer(server, s)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	c := New(Config{Address: "demo:443"})
	rpc, err := c.speakRPC(&endConn{Conn: ours}, "demo", authPings)
	if err != nil {
		t.Fatalf("speaking gRPC: %v", err)
	}
	auth = &Auth{rpc: rpc, client: authpb.NewAuthServiceClient(rpc), patience: 5 * time.Second}
	t.Cleanup(func() {
		_ = auth.Close()
		_ = auth.Close()
		server.Stop()
		running.Wait()
	})
	return auth, func() { _ = theirs.Close() }
}

func TestEveryPageIsAskedFor(t *testing.T) {
	tests := []struct {
		name             string
		servers, largest int
		pages            []int32
	}{
		{"none", 0, 1000, []int32{1000}},
		{"one", 1000, 1000, []int32{1000}},
		{"several", 2001, 1000, []int32{1000, 1000, 1000}},
		{"smaller ones, where a large one does not fit", 600, 300, []int32{1000, 500, 250, 250, 250}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := &lister{servers: test.servers, largest: int32(test.largest)}
			auth, _ := l.dial(t)
			servers, err := auth.ListServers(t.Context())
			if err != nil || len(servers) != test.servers {
				t.Fatalf("ListServers() = %d servers, %v, want %d", len(servers), err, test.servers)
			}
			for i, s := range servers {
				if s.GetMetadata().GetName() != fmt.Sprint(i) {
					t.Fatalf("server %d is %q", i, s.GetMetadata().GetName())
				}
			}
			if fmt.Sprint(l.pages) != fmt.Sprint(test.pages) {
				t.Errorf("the pages asked for were %v, want %v", l.pages, test.pages)
			}
		})
	}
}

func TestAListThatCannotEndIsGivenUp(t *testing.T) {
	var refused *AnswerError
	auth, _ := (&lister{largest: 1}).dial(t)
	if _, err := auth.ListServers(t.Context()); !errors.As(err, &refused) || refused.Class != ClassLimited {
		t.Errorf("pages that never fit gave %v", err)
	}
	auth, _ = (&lister{largest: 1000, stuck: true}).dial(t)
	if _, err := auth.ListServers(t.Context()); err == nil {
		t.Error("a list whose pages repeat was returned")
	}
}

func TestACallThatDoesNotEndIsToldApart(t *testing.T) {
	auth, _ := (&lister{hang: true}).dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := auth.ListServers(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who gives up gets %v, want context.Canceled", err)
	}
	auth.patience = 20 * time.Millisecond
	if _, err := auth.ListServers(t.Context()); !errors.Is(err, ErrSilent) {
		t.Errorf("a silent server gives %v, want ErrSilent", err)
	}
	auth, cut := (&lister{largest: 1000}).dial(t)
	if _, err := auth.ListServers(t.Context()); err != nil {
		t.Fatalf("listing: %v", err)
	}
	cut()
	for range 2 { // gRPC would connect again; this connection stays broken
		if _, err := auth.ListServers(t.Context()); !errors.Is(err, ErrConnectionLost) {
			t.Errorf("a broken connection gives %v, want ErrConnectionLost", err)
		}
	}
}
