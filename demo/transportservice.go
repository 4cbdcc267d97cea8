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

// transportService carries SSH connections over gRPC.
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

// sshStream is the server's end of a ProxySSH call.
type sshStream = transportpb.TransportService_ProxySSHServer

// ProxySSH connects a client with a node and copies both ways until either is done.
func (s *transportService) ProxySSH(stream sshStream) error {
	first, err := stream.Recv()
	if err != nil {
		return refuse(badParameter, "the first message is missing")
	}
	conn, err := s.dial(stream.Context(), first.DialTarget)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := stream.Send(&transportpb.ProxySSHResponse{Details: &transportpb.ClusterDetails{}}); err != nil {
		return err
	}
	s.group.run(func() { _ = conn.Close() }, func() { fromClient(conn, stream, first) })
	return toClient(stream, conn)
}

func (s *transportService) dial(ctx context.Context, wanted *transportpb.TargetHost) (net.Conn, error) {
	if wanted == nil {
		return nil, refuse(badParameter, "the first message must contain a dial target")
	}
	host, port, err := parseHostPort(wanted.HostPort)
	if err != nil {
		return nil, refuse(badParameter, "%v", err)
	}
	client, ok := peer.FromContext(ctx)
	if !ok {
		return nil, errors.New("finding out who calls: grpc-go names no peer")
	}
	return s.switchboard.connect(accessOf(ctx), target{host: host, port: port, cluster: wanted.Cluster}, client.Addr)
}

// fromClient passes on what the client sends, beginning with its first message. It may outlive the call by a moment,
// since only the end of the call wakes it.
func fromClient(conn net.Conn, stream sshStream, first *transportpb.ProxySSHRequest) {
	defer func() { _ = conn.Close() }()
	for request, err := first, error(nil); err == nil; request, err = stream.Recv() {
		if _, err := conn.Write(request.GetSsh().GetPayload()); err != nil {
			return
		}
	}
}

// toClient passes on what the node sends, until one of them ends the connection.
func toClient(stream sshStream, conn net.Conn) error {
	buf := make([]byte, maxFrame)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			frame := &transportpb.ProxySSHResponse_Ssh{Ssh: &transportpb.Frame{Payload: buf[:n]}}
			if err := stream.Send(&transportpb.ProxySSHResponse{Frame: frame}); err != nil {
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
