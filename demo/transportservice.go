package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// maxFrame is the most that one frame carries (transport sheet, section 6).
const maxFrame = 16 << 10

// transportService carries connections to nodes and to the auth server over gRPC.
type transportService struct {
	transportpb.UnimplementedTransportServiceServer
	switchboard *switchboard
	group       *group
}

// newTransportServer makes the gRPC server behind the ALPN name teleport-proxy-ssh-grpc.
func newTransportServer(s *transportService, g *guard, config *tls.Config) *grpc.Server {
	server := grpc.NewServer(grpcOptions(g, "transport", config)...)
	transportpb.RegisterTransportServiceServer(server, s)
	return server
}

// GetClusterDetails says what clients want to know before they choose this way.
func (s *transportService) GetClusterDetails(context.Context,
	*transportpb.GetClusterDetailsRequest) (*transportpb.GetClusterDetailsResponse, error) {

	return &transportpb.GetClusterDetailsResponse{Details: &transportpb.ClusterDetails{}}, nil
}

// ProxySSH connects a client with a node and copies both ways until either is done.
func (s *transportService) ProxySSH(stream transportpb.TransportService_ProxySSHServer) error {
	first, err := stream.Recv()
	if err != nil {
		return refuse(badParameter, "the first message is missing")
	}
	to, err := dialTarget(first.DialTarget)
	if err != nil {
		return err
	}
	conn, err := s.connect(stream.Context(), to)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := stream.Send(&transportpb.ProxySSHResponse{Details: &transportpb.ClusterDetails{}}); err != nil {
		return err
	}
	return s.copy(conn, first.GetSsh(), func() (*transportpb.Frame, error) {
		request, err := stream.Recv()
		return request.GetSsh(), err
	}, func(frame *transportpb.Frame) error {
		return stream.Send(&transportpb.ProxySSHResponse{Frame: &transportpb.ProxySSHResponse_Ssh{Ssh: frame}})
	})
}

// ProxyCluster connects a client with the auth server and copies both ways until either is done.
func (s *transportService) ProxyCluster(stream transportpb.TransportService_ProxyClusterServer) error {
	first, err := stream.Recv()
	if err != nil {
		return refuse(badParameter, "the first message is missing")
	}
	if first.Cluster == "" {
		return refuse(badParameter, "the first message must contain a cluster name")
	}
	conn, err := s.connect(stream.Context(), target{cluster: first.Cluster})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return s.copy(conn, first.Frame, func() (*transportpb.Frame, error) {
		request, err := stream.Recv()
		return request.GetFrame(), err
	}, func(frame *transportpb.Frame) error {
		return stream.Send(&transportpb.ProxyClusterResponse{Frame: frame})
	})
}

func dialTarget(wanted *transportpb.TargetHost) (target, error) {
	if wanted == nil {
		return target{}, refuse(badParameter, "the first message must contain a dial target")
	}
	host, port, err := parseHostPort(wanted.HostPort)
	if err != nil {
		return target{}, refuse(badParameter, "%v", err)
	}
	return target{host: host, port: port, cluster: wanted.Cluster}, nil
}

func (s *transportService) connect(ctx context.Context, to target) (net.Conn, error) {
	client, ok := peer.FromContext(ctx)
	if !ok {
		return nil, errors.New("finding out who calls: grpc-go names no peer")
	}
	return s.switchboard.connect(accessOf(ctx), to, client.Addr)
}

// copy passes on what comes from either side, beginning with the client's first frame, until one of them is done. The
// client's side may outlive the call by a moment, since only the end of the call wakes it.
func (s *transportService) copy(conn net.Conn, frame *transportpb.Frame,
	receive func() (*transportpb.Frame, error), send func(*transportpb.Frame) error) error {

	s.group.run(func() { _ = conn.Close() }, func() {
		defer func() { _ = conn.Close() }()
		for err := error(nil); err == nil; frame, err = receive() {
			if len(frame.GetPayload()) == 0 {
				continue
			}
			if _, err := conn.Write(frame.GetPayload()); err != nil {
				return
			}
		}
	})
	return toClient(conn, send)
}

// toClient passes on what the other side sends.
func toClient(conn net.Conn, send func(*transportpb.Frame) error) error {
	buf := make([]byte, maxFrame)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			if err := send(&transportpb.Frame{Payload: buf[:n]}); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
