package teleport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// balancer ends TLS and agrees on nothing. It returns its address and the roots of its certificate.
func balancer(t *testing.T) (string, *x509.CertPool) {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // of a certificate for 127.0.0.1
	lender.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				_, _ = conn.Read(make([]byte, 1))
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	return listener.Addr().String(), roots
}

func TestABalancerIsNotTakenForAService(t *testing.T) {
	address, roots := balancer(t)
	client := New(Config{Address: address})
	id := RouteIdentity{Signer: newKey(t), TLS: &x509.Certificate{}, Roots: roots, Cluster: "demo", Now: time.Now}
	for name, to := range map[string]Service{"postgres": DatabaseService("postgres"), "redis": DatabaseService("redis")} {
		if _, err := client.DialRoute(t.Context(), id, to); !errors.Is(err, ErrNoRoute) {
			t.Errorf("%s: %v, want %v", name, err, ErrNoRoute)
		}
	}
	conn, err := client.DialRoute(t.Context(), id, AppService())
	if err != nil {
		t.Fatalf("applications need no agreement: %v", err)
	}
	_ = conn.Close()
}

func TestWithoutKubernetesNothingIsDialled(t *testing.T) {
	client := New(Config{Address: "127.0.0.1:1", Services: Services{SSH: "127.0.0.1:1"}})
	_, err := client.DialRoute(t.Context(), RouteIdentity{}, KubeService("h2"))
	var dialled *net.OpError
	if !errors.Is(err, ErrNoRoute) || errors.As(err, &dialled) {
		t.Errorf("dialling Kubernetes: %v, want %v", err, ErrNoRoute)
	}
}
