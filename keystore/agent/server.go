package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/touchstone-app/touchstone/internal/wire/agentpb"
	"github.com/touchstone-app/touchstone/keystore"
)

// Keys is what the agent signs with.
type Keys interface {
	OpenMarkedKey(ctx context.Context, want keystore.MarkedKey) (*keystore.Key, error)
}

// Config is what a Server is built from. All of it is needed.
type Config struct {
	Folder string
	Keys   Keys
	Now    func() time.Time
	Log    *slog.Logger
}

// Server is the agent of this person while it serves. Start makes one, Close ends it.
type Server struct {
	folder  string
	rpc     *grpc.Server
	serving sync.WaitGroup
	own     []os.FileInfo // the files that were made, to know them again
}

// Limits for callers that misbehave.
const (
	handshakeTime = 2 * time.Second
	mostStreams   = 64 // in one connection
)

// Start serves the folder until Close. Where another agent answers it returns a *RunningError; files of one that does
// not answer any more are replaced.
func Start(ctx context.Context, c Config) (*Server, error) {
	if err := makeFolder(c.Folder); err != nil {
		return nil, err
	}
	unlock, err := lockFolder(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("locking the key agent's folder: %w", err)
	}
	defer unlock()
	if pid, err := (&Client{Folder: c.Folder}).Ping(ctx); err == nil {
		return nil, &RunningError{PID: pid}
	}
	listener, config, err := listen(c)
	if err != nil {
		return nil, err
	}
	s := &Server{folder: c.Folder}
	s.rpc = grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.MaxRecvMsgSize(longestMessage),
		grpc.MaxConcurrentStreams(mostStreams), grpc.ConnectionTimeout(handshakeTime), grpc.WaitForHandlers(true))
	agentpb.RegisterHardwareKeyAgentServiceServer(s.rpc, newService(c))
	s.note()
	s.serving.Go(func() {
		if err := s.rpc.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			c.Log.Warn("the key agent has stopped", "err", err)
		}
	})
	return s, nil
}

// listen makes certificate and socket. The certificate comes first: whoever finds the socket finds it as well.
func listen(c Config) (net.Listener, *tls.Config, error) {
	certificate, text, err := newCertificate(c.Now())
	if err != nil {
		return nil, nil, err
	}
	if err := writePrivate(filepath.Join(c.Folder, certificateName), text); err != nil {
		return nil, nil, fmt.Errorf("writing the key agent's certificate: %w", err)
	}
	path := filepath.Join(c.Folder, socketName)
	_ = os.Remove(path) // nobody answers there
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		return nil, nil, fmt.Errorf("opening the key agent's socket: %w", err)
	}
	listener.SetUnlinkOnClose(false) // it may be another's by then
	if err := os.Chmod(path, 0o600); err != nil {
		_ = listener.Close()
		return nil, nil, fmt.Errorf("closing the key agent's socket to others: %w", err)
	}
	return ownListener{listener}, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}

// Close ends what callers wait for, removes the files and waits. Closing twice is allowed.
func (s *Server) Close() error {
	s.rpc.Stop()
	s.serving.Wait()
	for _, file := range s.own {
		path := filepath.Join(s.folder, file.Name())
		if now, err := os.Lstat(path); err == nil && os.SameFile(file, now) {
			_ = os.Remove(path) // what cannot be removed is replaced by the next agent
		}
	}
	s.own = nil
	_ = os.Remove(s.folder) // only if nothing else is in it
	return nil
}

// note remembers the files that were made: another agent may put its own in their place.
func (s *Server) note() {
	for _, name := range []string{socketName, certificateName} {
		if info, err := os.Lstat(filepath.Join(s.folder, name)); err == nil {
			s.own = append(s.own, info)
		}
	}
}
