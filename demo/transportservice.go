package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
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

// newTransportServer makes the gRPC server behind the ALPN name teleport-proxy-ssh-grpc. A user certificate is
// required.
func newTransportServer(s *transportService, g *guard, cert tls.Certificate, users *x509.CertPool, now func() time.Time) *grpc.Server {
	config := &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientCAs:    users,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		NextProtos:   []string{wire.ALPNHTTP2, wire.ALPNProxySSHGRPC},
		MinVersion:   tls.VersionTLS12,
		Time:         now,
	}
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(config)),
		grpc.ConnectionTimeout(helloTimeout),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(g.unary("transport")),
		grpc.StreamInterceptor(g.stream("transport")),
	)
	transportpb.RegisterTransportServiceServer(server, s)
	return server
}

// GetClusterDetails says what clients want to know before they choose this way.
func (s *transportService) GetClusterDetails(context.Context, *transportpb.GetClusterDetailsRequest) (*transportpb.GetClusterDetailsResponse, error) {
	return &transportpb.GetClusterDetailsResponse{Details: &transportpb.ClusterDetails{}}, nil
}

// ProxySSH connects a client with a node and copies both ways until either is done.
func (s *transportService) ProxySSH(stream transportpb.TransportService_ProxySSHServer) error {
	first, err := stream.Recv()
	if err != nil {
		return refuse(badParameter, "the first message is missing")
	}
	if first.DialTarget == nil {
		return refuse(badParameter, "the first message must contain a dial target")
	}
	host, port, err := parseHostPort(first.DialTarget.HostPort)
	if err != nil {
		return refuse(badParameter, "%v", err)
	}
	var from net.Addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	if p, ok := peer.FromContext(stream.Context()); ok {
		from = p.Addr
	}
	conn, err := s.switchboard.connect(accessOf(stream.Context()),
		target{host: host, port: port, cluster: first.DialTarget.Cluster}, from)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	err = stream.Send(&transportpb.ProxySSHResponse{Details: &transportpb.ClusterDetails{}})
	if err != nil {
		return err
	}
	return s.copy(stream, conn, first)
}

// copy passes bytes on. What the client sends is read in a goroutine that may outlive the call by a moment, since
// only the end of the call wakes it; the cluster waits for it.
func (s *transportService) copy(stream transportpb.TransportService_ProxySSHServer, conn net.Conn, first *transportpb.ProxySSHRequest) error {
	s.group.run(func() { _ = conn.Close() }, func() {
		defer func() { _ = conn.Close() }()
		for request, err := first, error(nil); err == nil; request, err = stream.Recv() {
			if _, err := conn.Write(request.GetSsh().GetPayload()); err != nil {
				return
			}
		}
	})
	buf := make([]byte, maxFrame)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			frame := &transportpb.Frame{Payload: buf[:n]}
			if err := stream.Send(&transportpb.ProxySSHResponse{Frame: &transportpb.ProxySSHResponse_Ssh{Ssh: frame}}); err != nil {
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
