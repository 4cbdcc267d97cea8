package demo

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clientHello is what a TLS client sends first.
func clientHello(t testing.TB, config *tls.Config) []byte {
	t.Helper()
	near, far := net.Pipe()
	go func() {
		_ = tls.Client(near, config).Handshake()
		_ = near.Close()
	}()
	header := make([]byte, 5)
	if _, err := io.ReadFull(far, header); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(header[3])<<8|int(header[4]))
	if _, err := io.ReadFull(far, body); err != nil {
		t.Fatal(err)
	}
	_ = far.Close()
	return append(header, body...)
}

func TestAClientHelloIsReadAndKept(t *testing.T) {
	sent := clientHello(t, &tls.Config{ServerName: "localhost", NextProtos: []string{"b", "a"}})
	split := append(append([]byte{}, sent...), "more"...)
	h, kept, err := readHello(iotestOneByte{bytes.NewReader(split)})
	if err != nil {
		t.Fatal(err)
	}
	if h.serverName != "localhost" || !cmp.Equal(h.protocols, []string{"b", "a"}) {
		t.Errorf("the hello is %+v", h)
	}
	if !bytes.Equal(kept, sent) {
		t.Errorf("%d bytes were kept, want the %d of the hello", len(kept), len(sent))
	}
}

// iotestOneByte gives one byte at a time, as a slow network may.
type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(b []byte) (int, error) { return o.r.Read(b[:min(len(b), 1)]) }

func TestNoNamesMeanHTTP(t *testing.T) {
	h, _, err := readHello(bytes.NewReader(clientHello(t, &tls.Config{ServerName: "localhost"})))
	if err != nil || !cmp.Equal(h.protocols, []string{"http/1.1"}) {
		t.Errorf("%+v, %v", h, err)
	}
}

func FuzzReadHello(f *testing.F) {
	f.Add(clientHello(f, &tls.Config{ServerName: "localhost", NextProtos: []string{"h2"}}))
	f.Add([]byte("SSH-2.0-OpenSSH_9\r\n"))
	f.Add([]byte("\x16\x03\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, kept, err := readHello(bytes.NewReader(data))
		if err != nil {
			return
		}
		if !bytes.HasPrefix(data, kept) || len(h.protocols) == 0 {
			t.Errorf("%+v from %d bytes", h, len(kept))
		}
		again, _, err := readHello(bytes.NewReader(kept))
		if err != nil || !cmp.Equal(again, h, cmp.AllowUnexported(hello{})) {
			t.Errorf("the replay reads as %+v, %v; want %+v", again, err, h)
		}
	})
}

func TestSubsystemNames(t *testing.T) {
	tests := map[string]target{
		"proxy:node:0":                {host: "node"},
		"proxy:node:3022":             {host: "node", port: 3022},
		"proxy:node:0@demo":           {host: "node", cluster: "demo"},
		"proxy:node:0@default@demo":   {host: "node", cluster: "demo"},
		"proxy:node:0@@demo":          {host: "node", cluster: "demo"},
		"proxy:[::1]:22@default@demo": {host: "::1", port: 22, cluster: "demo"},
		"proxy:@demo":                 {cluster: "demo"},
		"proxy:node:0@blue@demo":      {host: "node", cluster: "demo"},
		"proxy:node:0@a@b@c":          {host: "node", cluster: "b@c"},
	}
	for name, want := range tests {
		if got, err := parseSubsystem(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "proxy:", "proxy", "sftp", "proxy:node", "proxy:node:", "proxy::22", "proxy:node:99999",
		"proxy:node:-1", "proxy:@a@b", "proxy:@"} {
		if got, err := parseSubsystem(name); err == nil {
			t.Errorf("%q is accepted as %+v", name, got)
		}
	}
}

func FuzzParseSubsystem(f *testing.F) {
	f.Add("proxy:node:0@default@demo")
	f.Add("proxy:@demo")
	f.Add("proxy:[fe80::1%eth0]:22")
	f.Fuzz(func(t *testing.T, name string) {
		got, err := parseSubsystem(name)
		if err == nil && (got.host == "" && got.cluster == "" || got.port < 0 || got.port > 65535 || !strings.HasPrefix(name, "proxy:")) {
			t.Errorf("%q is %+v", name, got)
		}
	})
}

func TestNamesOfAuthServers(t *testing.T) {
	tests := map[string]string{
		"teleport-auth@64656d6f.teleport.cluster.local": "demo",
		"teleport-auth@.teleport.cluster.local":         "",
		"teleport-auth@64656d6.teleport.cluster.local":  "",
		"teleport-auth@64656d6f":                        "",
		"teleport-auth@demo.teleport.cluster.local":     "",
		"64656d6f.teleport.cluster.local":               "",
	}
	for name, want := range tests {
		if got, ok := authCluster(name); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	f.Add([]byte(`{"yubikeyAttestationStatement":{"slotCert":"AA==","attestationCert":"AA=="}}`))
	f.Add([]byte(`{"yubikey_attestation_statement":{"slot_cert":"AA=="}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		statement, err := parseStatement(data)
		if err == nil && statement == nil && len(data) > 0 && string(data) != "null" {
			t.Errorf("%q is neither refused nor read", data)
		}
		if err == nil && statement != nil && !json.Valid(data) {
			t.Errorf("%q is no JSON and was read", data)
		}
	})
}
