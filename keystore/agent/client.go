package agent

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/touchstone-app/touchstone/internal/wire/agentpb"
	"github.com/touchstone-app/touchstone/keystore"
)

// Client asks the agent of this person that serves in a folder, if there is one. It keeps no connection. It is a
// keystore.Agent.
type Client struct{ Folder string }

// pingTime is how long an agent may take to say that it is there.
const pingTime = 2 * time.Second

// Ping returns the process that serves. The error is ErrNoAgent where nobody does.
func (c *Client) Ping(ctx context.Context) (pid int, err error) {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	err = c.call(func(service agentpb.HardwareKeyAgentServiceClient) error {
		pong, err := service.Ping(ctx, &agentpb.PingRequest{})
		pid = int(pong.GetPid())
		return err
	})
	if err != nil {
		return 0, errors.Join(ErrNoAgent, err)
	}
	return pid, nil
}

// Sign has the agent sign; it asks the person itself. The error is context.Canceled where the person refused there, and
// ErrNoAgent where nobody answers or the agent is this process.
func (c *Client) Sign(ctx context.Context, r keystore.AgentRequest) ([]byte, error) {
	request, err := requestOf(r)
	if err != nil {
		return nil, err
	}
	if pid, err := c.Ping(ctx); err != nil || pid == os.Getpid() {
		return nil, errors.Join(ErrNoAgent, err)
	}
	var signature []byte
	err = c.call(func(service agentpb.HardwareKeyAgentServiceClient) error {
		answer, err := service.Sign(ctx, request)
		signature = answer.GetSignature()
		return err
	})
	switch {
	case err == nil:
		return signature, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case status.Code(err) == codes.Canceled:
		return nil, fmt.Errorf("asking the key agent: %w: %w", context.Canceled, err)
	default:
		return nil, fmt.Errorf("asking the key agent: %w", err)
	}
}

// requestOf is a signature in the agent's words.
func requestOf(r keystore.AgentRequest) (*agentpb.SignRequest, error) {
	request := &agentpb.SignRequest{
		Digest: r.Digest,
		KeyRef: &agentpb.KeyRef{SerialNumber: r.Key.Serial, PublicKeyDer: r.Key.PublicKey},
		KeyInfo: &agentpb.KeyInfo{
			TouchRequired: r.Key.Policy.TouchRequired, PinRequired: r.Key.Policy.PINRequired,
			ClusterName: r.Purpose.Where, PinCacheTtl: durationpb.New(r.Key.PINCacheTTL),
		},
		Command: r.Purpose.Program + ": " + r.Purpose.What,
	}
	for number, slot := range slots {
		if uint32(slot) == r.Key.SlotKey {
			request.KeyRef.SlotKey = number
		}
	}
	for number, hash := range hashes {
		if hash == r.Hash {
			request.Hash = number
		}
	}
	if request.Hash == agentpb.Hash_HASH_UNSPECIFIED || request.KeyRef.SlotKey == agentpb.PIVSlotKey_PIV_SLOT_KEY_UNSPECIFIED {
		return nil, fmt.Errorf("a key agent cannot be asked for %v in slot %x", crypto.Hash(r.Hash), r.Key.SlotKey)
	}
	return request, nil
}

// call opens a connection to the agent for one call.
func (c *Client) call(do func(agentpb.HardwareKeyAgentServiceClient) error) error {
	if err := checkFolder(c.Folder); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(c.Folder, certificateName))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return errors.New("reading the key agent's certificate: it is not PEM")
	}
	conn, err := grpc.NewClient("passthrough:///"+serverName,
		grpc.WithContextDialer(c.dial),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS12})),
		grpc.WithDisableServiceConfig(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(longestMessage)))
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(agentpb.NewHardwareKeyAgentServiceClient(conn))
}

// dial connects to the agent's socket and makes sure that this account is at the other end.
func (c *Client) dial(ctx context.Context, _ string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(c.Folder, socketName))
	if err != nil {
		return nil, err
	}
	if _, err := identify(conn.(*net.UnixConn)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
