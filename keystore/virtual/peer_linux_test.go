package virtual

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestAnotherAccountIsRefused(t *testing.T) {
	path := filepath.Join(testkit.SocketDir(t), "socket")
	listener, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkPeer(conn, os.Getuid()); err != nil {
		t.Errorf("the owner is refused: %v", err)
	}
	if err := checkPeer(conn, os.Getuid()+1); err == nil {
		t.Error("an account that does not own the key was let in")
	}
	conn.Close()
	if err := checkPeer(conn, os.Getuid()); err == nil {
		t.Error("a connection that says nothing about its account was let in")
	}
}
