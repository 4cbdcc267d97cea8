package demo

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// openSSH prepares the command line of OpenSSH's own client: key, certificate and host authority in files, and a port
// behind which the node is.
func (w *world) openSSH(t *testing.T, k *keyring) []string {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"key":          pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"key-cert.pub": ssh.MarshalAuthorizedKey(k.sshCert),
		"known_hosts":  fmt.Appendf(nil, "@cert-authority * %s", ssh.MarshalAuthorizedKey(k.hostCA)),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := net.SplitHostPort(w.relay(t, k))
	return []string{"-F", "none", "-p", port, "-i", filepath.Join(dir, "key"), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "CertificateFile=" + filepath.Join(dir, "key-cert.pub"), "-o", "UserKnownHostsFile=" + filepath.Join(dir, "known_hosts"),
		"-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"}
}

// relay listens on loopback and connects whoever comes with the node.
func (w *world) relay(t *testing.T, k *keyring) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var copying sync.WaitGroup
	t.Cleanup(copying.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	copying.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			stream, err := w.transportStream(t, k, "demo-node:0", "demo")
			if err != nil {
				_ = conn.Close()
				continue
			}
			copying.Go(func() {
				_, _ = io.Copy(stream, conn)
				_ = stream.Close()
			})
			copying.Go(func() {
				_, _ = io.Copy(conn, stream)
				_ = conn.Close()
			})
		}
	})
	return listener.Addr().String()
}

func TestOpenSSHWorksOnTheNode(t *testing.T) {
	w := start(t)
	args := w.openSSH(t, w.login(t, "off", softKey(t)))
	run := func(more ...string) (string, int) {
		cmd := exec.CommandContext(patience(t), "ssh", append(args, more...)...)
		cmd.Stdin = strings.NewReader("typed\n")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatalf("running ssh: %v", err)
		}
		return strings.ReplaceAll(string(out), "\r\n", "\n"), cmd.ProcessState.ExitCode()
	}
	login := me(t) + "@localhost"
	if out, status := run(login, "cat; echo done; exit 5"); out != "typed\ndone\n" || status != 5 {
		t.Errorf("a command: %q, status %d", out, status)
	}
	if out, status := run("-tt", login, "tty; exit 3"); !strings.Contains(out, "/dev/pts/") || status != 3 {
		t.Errorf("a command on a terminal: %q, status %d", out, status)
	}
	if out, status := run("nobody-at-all@localhost", "true"); !strings.Contains(out, "Permission denied") || status != 255 {
		t.Errorf("another login: %q, status %d", out, status)
	}
	if out, status := run("-o", "HostKeyAlias=bank.example.com", login, "true"); !strings.Contains(out, "Host key verification failed") || status != 255 {
		t.Errorf("another host: %q, status %d", out, status)
	}
}
