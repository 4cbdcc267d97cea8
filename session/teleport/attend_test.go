package teleport

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// slowKey takes its time, as a key that waits for a touch does.
type slowKey struct {
	crypto.Signer
	takes time.Duration
	err   error
}

func (k slowKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	<-time.After(k.takes) // on the clock of the test
	if k.err != nil {
		return nil, k.err
	}
	return k.Signer.Sign(random, digest, opts)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	return key
}

func sign(key crypto.Signer) error {
	digest := sha256.Sum256([]byte("x"))
	_, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	return err
}

// read waits for one byte of the peer.
func read(conn net.Conn) error {
	_, err := conn.Read(make([]byte, 1))
	return err
}

func TestAHandshakeWaitsForThePersonButNotForThePeer(t *testing.T) {
	refused := errors.New("no touch")
	tests := []struct {
		name  string
		key   slowKey
		shake func(net.Conn, *attendedSigner) error
		want  error
		takes time.Duration
	}{
		{"a touch that takes long", slowKey{takes: time.Minute}, func(_ net.Conn, key *attendedSigner) error { return sign(key) }, nil, time.Minute},
		{"a silent peer", slowKey{}, func(conn net.Conn, _ *attendedSigner) error { return read(conn) }, ErrSilent, 20 * time.Second},
		{"a peer that is silent after a touch", slowKey{takes: time.Minute}, func(conn net.Conn, key *attendedSigner) error {
			return errors.Join(sign(key), read(conn))
		}, ErrSilent, 80 * time.Second},
		{"a key that refuses, behind a library that keeps only text", slowKey{err: refused}, func(_ net.Conn, key *attendedSigner) error {
			return errors.New(sign(key).Error())
		}, refused, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer theirs.Close()
				test.key.Signer = newKey(t)
				start := time.Now()
				err := attend(t.Context(), ours, test.key, 20*time.Second, func(key *attendedSigner) error { return test.shake(ours, key) })
				if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Errorf("attend() = %v, want %v", err, test.want)
				}
				if took := time.Since(start); took != test.takes {
					t.Errorf("it took %v, want %v", took, test.takes)
				}
				if err := ours.SetDeadline(time.Time{}); (err != nil) != (test.want != nil) {
					t.Errorf("afterwards the connection says %v", err)
				}
				_ = ours.Close()
			})
		})
	}
}

func TestGivingUpAHandshakeIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := attend(ctx, ours, newKey(t), 20*time.Second, func(*attendedSigner) error { return read(ours) })
		if err != context.Canceled {
			t.Errorf("attend() = %v, want context.Canceled", err)
		}
	})
}
