package demo

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// kubeTLS is what a client of the Kubernetes service trusts and shows.
func (w *world) kubeTLS(k *keyring, cert tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: k.hostRoots, ServerName: kubeServerName, Certificates: []tls.Certificate{cert}, Time: w.clock.now}
}

// askKube makes one request and returns status, kind of HTTP and body.
func (w *world) askKube(t *testing.T, k *keyring, cert tls.Certificate, path string) (int, string, []byte) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: w.kubeTLS(k, cert), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(patience(t), http.MethodGet, "https://"+w.ready.Proxy+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer of-somebody-else")
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Proto, body
}

// wantKubeStatus checks an error as Kubernetes reports it.
func wantKubeStatus(t *testing.T, code int, body []byte, wantCode int, message, reason string) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%q is no Status: %v", body, err)
	}
	want := map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reason, "code": float64(wantCode)}
	if diff := cmp.Diff(want, got); diff != "" || code != wantCode {
		t.Errorf("code %d, Status (-want +got):\n%s", code, diff)
	}
}

const kubeMaps = "/api/v1/namespaces/shop/configmaps"

func TestKubernetesIsRefused(t *testing.T) {
	w := startWithKubernetes(t)
	off := w.login(t, "off", softKey(t))
	kube := w.kubeRoute(t, off, "kube")
	tests := []struct {
		name     string
		cert     tls.Certificate
		from, to string // a change of off.yaml that stays
		code     int
		message  string
		reason   string
	}{
		{"with a certificate for an application", w.appRoute(t, off, w.appSession(t, off)), "", "",
			403, "access denied: invalid client certificate", "Forbidden"},
		{"with a certificate for no cluster", tls.Certificate{Certificate: [][]byte{off.tlsCert.Raw}, PrivateKey: off.key}, "", "",
			404, `kubernetes cluster "" not found`, "NotFound"},
		{"where each session wants MFA", kube, "require_session_mfa: false", "require_session_mfa: true",
			403, "access to resource requires MFA", "Forbidden"},
		{"with a key that is too weak", kube, "require_session_mfa: true", "require_session_mfa: hardware_key_touch",
			400, "private key policy not met: hardware_key_touch", "BadRequest"},
		{"with other labels", kube, "require_session_mfa: hardware_key_touch\n  allow:\n", "require_session_mfa: false\n  deny:\n    kubernetes_labels: {env: [dev]}\n  allow:\n",
			403, "access to kube_cluster denied. User does not have permissions. Confirm Kubernetes user or group.", "Forbidden"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.from != "" {
				w.edit(t, "off.yaml", test.from, test.to)
			}
			code, _, body := w.askKube(t, off, test.cert, kubeMaps)
			wantKubeStatus(t, code, body, test.code, test.message, test.reason)
		})
	}
	if e := w.find(t, EventKubeRequest); len(e) != len(tests) || e[0].Success || e[4].Reason != tests[4].message {
		t.Errorf("the events are %+v", e)
	}
}

func TestVersion12HidesWhyKubernetesIsRefused(t *testing.T) {
	w := startWithKubernetes(t, func(c *Config) { c.VersionProfile = 12 })
	off := w.login(t, "off", softKey(t))
	kube := w.kubeRoute(t, off, "kube")
	w.edit(t, "off.yaml", "kubernetes_groups: [viewers, editors]", "kubernetes_groups: []")
	code, _, body := w.askKube(t, off, kube, kubeMaps)
	wantKubeStatus(t, code, body, 403, "[00] access denied", "Forbidden")
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key")
	code, _, body = w.askKube(t, off, kube, kubeMaps)
	wantKubeStatus(t, code, body, 400, "private key policy not met: hardware_key", "BadRequest")
}

func TestKubernetesIsNotReachedWithoutACertificate(t *testing.T) {
	w := startWithKubernetes(t)
	config := w.kubeTLS(w.login(t, "off", softKey(t)), tls.Certificate{})
	config.Certificates = nil
	conn, err := tls.Dial("tcp", w.ready.Proxy, config)
	if err == nil { // the refusal comes after the client's last message
		_, err = conn.Read(make([]byte, 1))
		_ = conn.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("got %v, want an alert", err)
	}
}

func TestKubernetesSpeaksBothKindsOfHTTP(t *testing.T) {
	w := startWithKubernetes(t)
	off := w.login(t, "off", softKey(t))
	kube := w.kubeRoute(t, off, "kube")
	if code, proto, _ := w.askKube(t, off, kube, kubeMaps); code != 200 || proto != "HTTP/2.0" {
		t.Errorf("got %d over %s", code, proto)
	}
	config := w.kubeTLS(off, kube)
	config.NextProtos = []string{"http/1.1"}
	conn, err := tls.Dial("tcp", w.ready.Proxy, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET "+kubeMaps+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("over HTTP/1.1: %v, %v", response, err)
	}
	_ = response.Body.Close()
}

// A watch over a WebSocket stands for everything that changes the protocol of a connection.
func TestConnectionsMayChangeTheirProtocol(t *testing.T) {
	w := startWithKubernetes(t)
	off := w.login(t, "off", softKey(t))
	config := w.kubeTLS(off, w.kubeRoute(t, off, "kube"))
	config.NextProtos = []string{"http/1.1"}
	conn, err := tls.Dial("tcp", w.ready.Proxy, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET "+kubeMaps+"?watch=true&fieldSelector=metadata.name%3Dprices HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	from := bufio.NewReader(conn)
	response, err := http.ReadResponse(from, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", response, err)
	}
	if frame, err := from.ReadString('}'); err != nil || !strings.Contains(frame, `"type":"ADDED"`) {
		t.Errorf("the first frame begins with %q, %v", frame, err)
	}
	if err := w.Close(); err != nil { // which ends the connection as well
		t.Error(err)
	}
}

func TestAKubernetesCertificateNamesItsCluster(t *testing.T) {
	w := startWithKubernetes(t)
	cert, err := x509.ParseCertificate(w.kubeRoute(t, w.login(t, "off", softKey(t)), "kube").Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for oid, want := range map[string][]string{
		"1.3.9999.1.1": nil,                    // users
		"1.3.9999.1.2": {"editors", "viewers"}, // groups
		"1.3.9999.1.3": {"kube"},
		"2.5.4.11":     {"usage:kube"},
	} {
		if got := values(cert, oid); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", oid, got, want)
		}
	}
}

func TestKubernetesCertificatesAreRefused(t *testing.T) {
	w := startWithKubernetes(t)
	k := w.login(t, "off", softKey(t))
	for name, text := range map[string]string{
		"":          "missing KubernetesCluster",
		"unknown":   `kubernetes cluster "unknown" is not registered`,
		"kube-prod": `kubernetes cluster "kube-prod" is not registered`, // for this role
	} {
		r := w.wish(t, k)
		r.Usage, r.KubernetesCluster = authpb.UserCertsRequest_Kubernetes, name
		_, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
		wantStatus(t, err, codes.InvalidArgument, text)
	}
}

func TestKubernetesClustersAreListedAsInTheirVersion(t *testing.T) {
	for version, kind := range map[int]string{12: "kube_cluster", 15: "kube_server"} {
		w := startWithKubernetes(t, func(c *Config) { c.VersionProfile = version })
		auth := w.auth(t, w.login(t, "off", softKey(t)))
		for _, asked := range []string{"kube_cluster", "kube_server"} {
			list, err := auth.ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: asked, Limit: 9, SearchKeywords: []string{"dev"}})
			if err != nil {
				t.Fatal(err)
			}
			if asked != kind {
				if len(list.Resources) > 0 {
					t.Errorf("version %d lists %v as %s", version, list.Resources, asked)
				}
				continue
			}
			if len(list.Resources) != 1 {
				t.Fatalf("version %d lists %v", version, list.Resources)
			}
			cluster := list.Resources[0].GetKubeCluster()
			if version == 15 {
				cluster = list.Resources[0].GetKubernetesServer().GetSpec().GetCluster()
			}
			if cluster.GetMetadata().GetName() != "kube" || cluster.GetMetadata().GetLabels()["env"] != "dev" {
				t.Errorf("version %d lists %v", version, cluster)
			}
		}
	}
}

func TestAnAPIServerThatDoesNotStartIsAStatus(t *testing.T) {
	broken := NewKubernetes(func(string) string { return "" }, slog.New(slog.DiscardHandler))
	broken.missing, broken.programs = nil, kubernetesPrograms{apiServer: "/bin/false", etcd: "/bin/false"}
	defer broken.Close()
	w := startIn(t, newState(t), newVendor(t), func(c *Config) { c.Kubernetes = broken })
	off := w.login(t, "off", softKey(t))
	code, _, body := w.askKube(t, off, w.kubeRoute(t, off, "kube"), kubeMaps)
	wantKubeStatus(t, code, body, 503, "the API server of kube cannot be started", "ServiceUnavailable")
}

func TestWhomARequestAppearsAs(t *testing.T) {
	one := kubeNames{users: []string{"robot"}, groups: []string{"a", "b"}}
	two := kubeNames{users: []string{"robot", "ada"}, groups: []string{"a"}}
	none := kubeNames{groups: []string{"a"}}
	tests := []struct {
		name          string
		allowed       kubeNames
		users, groups []string
		user          string // empty for a refusal
		in            []string
	}{
		{"nothing asked, a user of the role", one, nil, nil, "robot", []string{"a", "b"}},
		{"nothing asked, no user of the role", none, nil, nil, "person", []string{"a"}},
		{"nothing asked, two users of the role", two, nil, nil, "", nil},
		{"one of two", two, []string{"ada"}, nil, "ada", []string{"a"}},
		{"oneself", none, []string{"person"}, nil, "person", []string{"a"}},
		{"oneself, who is not a user of the role", one, []string{"person"}, nil, "", nil},
		{"two users", two, []string{"ada", "robot"}, nil, "", nil},
		{"one group", one, nil, []string{"b"}, "robot", []string{"b"}},
		{"a group too many", one, nil, []string{"b", "c"}, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			user, groups, err := test.allowed.choose("person", test.users, test.groups)
			if (err != nil) != (test.user == "") {
				t.Fatalf("got %q, %v, %v", user, groups, err)
			}
			if err == nil && (user != test.user || !cmp.Equal(groups, test.in)) {
				t.Errorf("got %q in %v, want %q in %v", user, groups, test.user, test.in)
			}
		})
	}
}
