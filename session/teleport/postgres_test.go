package teleport

import (
	"errors"
	"io"
	"net"
	"testing"
)

var (
	sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}
	gssRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30}
	startup    = []byte{0, 0, 0, 9, 0, 3, 0, 0, 0}
)

func TestAPostgresListenerIsAskedForTLS(t *testing.T) {
	for answer, want := range map[string]error{"S": nil, "N": ErrNoRoute, "": io.EOF} {
		ours, theirs := net.Pipe()
		asked := make(chan string, 1)
		go func() {
			defer theirs.Close()
			request := make([]byte, len(sslRequest))
			_, _ = io.ReadFull(theirs, request)
			asked <- string(request)
			_, _ = io.WriteString(theirs, answer)
		}()
		if err := askPostgresTLS(ours); !errors.Is(err, want) {
			t.Errorf("the answer %q gave %v, want %v", answer, err, want)
		}
		if got := <-asked; got != string(sslRequest) {
			t.Errorf("the listener was asked % x", got)
		}
		_ = ours.Close()
	}
}

// postgresPair returns a connection and the listener's end of it.
func postgresPair(t *testing.T) (*postgresConn, net.Conn) {
	ours, theirs := net.Pipe()
	c := newPostgresConn(ours)
	t.Cleanup(func() { _, _ = c.Close(), theirs.Close() })
	return c, theirs
}

func TestToolsMayAskForEncryptionInTLS(t *testing.T) {
	asked := append(append([]byte{}, gssRequest...), sslRequest...)
	for name, pieces := range map[string][][]byte{
		"nothing is asked":          {startup},
		"one request":               {sslRequest, startup},
		"both requests":             {gssRequest, sslRequest, startup},
		"all in one piece":          {append(append([]byte{}, asked...), startup...)},
		"a request in small pieces": {sslRequest[:3], sslRequest[3:], startup[:5], startup[5:]},
	} {
		t.Run(name, func(t *testing.T) {
			c, listener := postgresPair(t)
			sent := make(chan error, 1)
			go func() {
				var failed error
				for _, piece := range pieces {
					_, err := c.Write(piece)
					failed = errors.Join(failed, err)
				}
				sent <- failed
			}()
			got := make([]byte, len(startup))
			if _, err := io.ReadFull(listener, got); err != nil || string(got) != string(startup) {
				t.Errorf("the listener got % x, %v", got, err)
			}
			if err := <-sent; err != nil {
				t.Errorf("writing: %v", err)
			}
			denials := map[string]int{"one request": 1, "both requests": 2, "all in one piece": 2, "a request in small pieces": 1}[name]
			go func() { _, _ = io.WriteString(listener, "R") }()
			answer := make([]byte, denials+1)
			if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "NN"[:denials]+"R" {
				t.Errorf("the tool got %q, %v", answer, err)
			}
		})
	}
}

func TestAToolThatAsksForEverIsNotAnsweredForEver(t *testing.T) {
	c, listener := postgresPair(t)
	go func() {
		for range mayAsk + 1 {
			_, _ = c.Write(sslRequest)
		}
	}()
	got := make([]byte, len(sslRequest))
	if _, err := io.ReadFull(listener, got); err != nil || string(got) != string(sslRequest) {
		t.Errorf("the listener got % x, %v", got, err)
	}
}

func TestAToolThatNeverStartsCanLeave(t *testing.T) {
	t.Run("by closing", func(t *testing.T) {
		c, _ := postgresPair(t)
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		_ = c.Close()
		if err := <-ended; err == nil {
			t.Error("reading a closed connection gave something")
		}
	})
	t.Run("by ending its direction", func(t *testing.T) {
		c, listener := postgresPair(t)
		go func() {
			_, _ = c.Write(startup[:3])
			_ = c.CloseWrite()
		}()
		if got, err := io.ReadAll(listener); err != nil || string(got) != string(startup[:3]) {
			t.Errorf("the listener got % x, %v", got, err)
		}
	})
}
