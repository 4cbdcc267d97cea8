package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/emptypb"
)

func TestTheAuthServerKnowsItsCaller(t *testing.T) {
	w := start(t)
	auth := w.auth(t, w.login(t, "touch-pin", w.vendor.card(t, 7)))
	user, err := auth.GetCurrentUser(patience(t), &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if user.Metadata.Name != "touch-pin" || !cmp.Equal(user.Spec.Roles, []string{"demo-touch-pin"}) || user.Kind != "user" {
		t.Errorf("the caller is %v", user)
	}
	ping, err := auth.Ping(patience(t), &authpb.PingRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if ping.ClusterName != "demo" || ping.ServerVersion != "15.0.0" || ping.ProxyPublicAddr != w.ready.Proxy {
		t.Errorf("ping says %v", ping)
	}
	if host, _, _ := net.SplitHostPort(ping.RemoteAddr); !net.ParseIP(host).IsLoopback() {
		t.Errorf("ping says that the client is at %q", ping.RemoteAddr)
	}
}

func TestNobodyMayDoNothing(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	k.tlsCert = nil
	auth := w.auth(t, k)
	if _, err := auth.Ping(patience(t), &authpb.PingRequest{}); err != nil {
		t.Errorf("ping: %v", err)
	}
	_, err := auth.GetCurrentUser(patience(t), &emptypb.Empty{})
	wantStatus(t, err, codes.PermissionDenied, "access denied")
	_, err = auth.ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: "node", Limit: 1})
	wantStatus(t, err, codes.PermissionDenied, "access denied")
	_, err = w.transport(t, k).GetClusterDetails(patience(t), &transportpb.GetClusterDetailsRequest{})
	wantStatus(t, err, codes.Unavailable, "")
}

func TestUnknownMethodsAreUnimplemented(t *testing.T) {
	w := start(t)
	conn := w.grpc(t, w.login(t, "off", softKey(t)), "teleport-auth@"+hexName, "h2")
	for _, method := range []string{"/proto.AuthService/GetRoles", "/teleport.trust.v1.TrustService/GetCertAuthority"} {
		err := conn.Invoke(patience(t), method, &emptypb.Empty{}, &emptypb.Empty{})
		wantStatus(t, err, codes.Unimplemented, "unknown")
	}
}

func TestNodesAreListed(t *testing.T) {
	w := start(t)
	auth := w.auth(t, w.login(t, "off", softKey(t)))
	tests := map[string]struct {
		request *authpb.ListResourcesRequest
		found   bool
	}{
		"all":               {&authpb.ListResourcesRequest{}, true},
		"by label":          {&authpb.ListResourcesRequest{Labels: map[string]string{"env": "dev"}}, true},
		"by another label":  {&authpb.ListResourcesRequest{Labels: map[string]string{"env": "prod"}}, false},
		"by keywords":       {&authpb.ListResourcesRequest{SearchKeywords: []string{"NODE", "dev"}}, true},
		"one keyword wrong": {&authpb.ListResourcesRequest{SearchKeywords: []string{"node", "zebra"}}, false},
		"sorted":            {&authpb.ListResourcesRequest{SortBy: &typespb.SortBy{Field: "hostname"}}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request := test.request
			request.ResourceType, request.Limit = "node", 100
			list, err := auth.ListResources(patience(t), request)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(list.Resources) == 1; got != test.found {
				t.Fatalf("found: %v, want %v", got, test.found)
			}
			if test.found {
				node := list.Resources[0].GetNode()
				if node.Spec.Hostname != "demo-node" || !uuidLike.MatchString(node.Metadata.Name) || !node.Spec.UseTunnel {
					t.Errorf("the node is %v", node)
				}
			}
		})
	}
}

func TestListRequestsAreChecked(t *testing.T) {
	w := start(t)
	auth := w.auth(t, w.login(t, "off", softKey(t)))
	tests := map[string]struct {
		request *authpb.ListResourcesRequest
		code    codes.Code
		text    string
	}{
		"no limit":     {&authpb.ListResourcesRequest{ResourceType: "node"}, codes.InvalidArgument, "nonpositive parameter limit"},
		"unknown kind": {&authpb.ListResourcesRequest{ResourceType: "role", Limit: 1}, codes.Unimplemented, "resource type role does not support pagination"},
		"unknown sort": {&authpb.ListResourcesRequest{ResourceType: "node", Limit: 1, SortBy: &typespb.SortBy{Field: "age"}}, codes.Unimplemented, "age"},
		"a predicate":  {&authpb.ListResourcesRequest{ResourceType: "node", Limit: 1, PredicateExpression: `name == "x"`}, codes.InvalidArgument, "predicate"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := auth.ListResources(patience(t), test.request)
			wantStatus(t, err, test.code, test.text)
		})
	}
	if list, err := auth.ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: "kube_server", Limit: 1}); err != nil || len(list.Resources) > 0 {
		t.Errorf("Kubernetes clusters: %v, %v", list, err)
	}
}

func TestLongListsComeInPages(t *testing.T) {
	var nodes []entry
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		node := &typespb.ServerV2{Metadata: &typespb.Metadata{Name: name}}
		nodes = append(nodes, entry{name: name, resource: &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_Node{Node: node}}})
	}
	request := &authpb.ListResourcesRequest{Limit: 2, NeedTotalCount: true}
	var pages []string
	for {
		response := page(nodes, request)
		var names string
		for _, r := range response.Resources {
			names += r.GetNode().Metadata.Name
		}
		pages = append(pages, names)
		if response.TotalCount != 5 {
			t.Errorf("the total is %d", response.TotalCount)
		}
		if response.NextKey == "" {
			break
		}
		request.StartKey = response.NextKey
	}
	if got := strings.Join(pages, " "); got != "ab cd e" {
		t.Errorf("the pages are %q", got)
	}
	request.StartKey = "gone"
	if response := page(nodes, request); len(response.Resources) > 0 || response.NextKey != "" {
		t.Errorf("a page that is not there: %v", response)
	}
}

func TestTheTransportServiceChecksItsFirstMessage(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	tests := map[string]struct {
		hostPort, cluster string
		code              codes.Code
		text              string
	}{
		"another cluster": {"demo-node:0", "other", codes.NotFound, `cluster "other" is not found`},
		"no port":         {"demo-node", "demo", codes.InvalidArgument, "invalid address"},
		"no host":         {":22", "demo", codes.InvalidArgument, "invalid address"},
		"unknown name":    {"other:22", "demo", codes.NotFound, "direct dialing"},
		"unknown uuid": {"3b2f0a60-2d29-4a0e-9f0e-9d8b6b0e7c11:0", "demo", codes.NotFound,
			"unable to locate node matching UUID-like target 3b2f0a60-2d29-4a0e-9f0e-9d8b6b0e7c11"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.transportStream(t, k, test.hostPort, test.cluster)
			wantStatus(t, err, test.code, test.text)
		})
	}
	t.Run("no target", func(t *testing.T) {
		call, err := w.transport(t, k).ProxySSH(patience(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.Send(&transportpb.ProxySSHRequest{}); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		_, err = call.Recv()
		wantStatus(t, err, codes.InvalidArgument, "dial target")
	})
}

func TestTheNodeIsFoundByUUIDAndName(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	list, err := w.auth(t, k).ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: "node", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	id := list.Resources[0].GetNode().Metadata.Name
	for _, host := range []string{id, "demo-node", id + ".demo", "demo-node.demo"} {
		dialled, _, qualified := strings.Cut(host, ".")
		stream, err := w.transportStream(t, k, dialled+":0", "demo")
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		client, err := overSSH(stream, host+":0", k.sshConfig(t, me(t)))
		if err != nil {
			t.Errorf("%s (qualified: %v): %v", host, qualified, err)
			continue
		}
		_ = client.Close()
	}
	stream, err := w.transportStream(t, k, "demo-node:0", "demo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := overSSH(stream, "bank.example.com:22", k.sshConfig(t, me(t))); err == nil {
		t.Error("the node's host certificate is good for another host")
	}
}

func TestTheSSHProxyGivesStreams(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	for _, name := range []string{"proxy:demo-node:0", "proxy:demo-node:3022@demo", "proxy:demo-node:0@default@demo", "proxy:demo-node:0@any@demo"} {
		t.Run(name, func(t *testing.T) {
			stream, err := w.subsystemStream(t, k, name)
			if err != nil {
				t.Fatal(err)
			}
			client, err := overSSH(stream, "demo-node:0", k.sshConfig(t, me(t)))
			if err != nil {
				t.Fatal(err)
			}
			out, err := newSession(t, client).Output("echo here")
			if err != nil || string(out) != "here\n" {
				t.Errorf("%q, %v", out, err)
			}
			_ = client.Close()
		})
	}
	t.Run("the jump of OpenSSH", func(t *testing.T) {
		proxy, err := w.proxySSH(t, k)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := proxy.Dial("tcp", "demo-node:22")
		if err != nil {
			t.Fatal(err)
		}
		client, err := overSSH(stream, "demo-node:22", k.sshConfig(t, me(t)))
		if err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		outside, err := proxy.Dial("tcp", "other:22")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(outside); len(got) > 0 || err != nil {
			t.Errorf("a host outside the cluster says %q, %v", got, err)
		}
	})
}

func TestTheSSHProxyTellsWhatItCannotDo(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	tests := map[string]string{
		"proxy:other:22@demo":    "direct dialing to nodes not found in inventory is not supported",
		"proxy:demo-node:0@leaf": `invalid format for proxy request: unknown cluster "leaf"`,
		"proxy:@leaf":            `invalid format for proxy request: unknown cluster "leaf"`,
		"proxy:demo-node":        `invalid format for proxy request: "proxy:demo-node", expected 'proxy:host:port@cluster'`,
		"proxy:":                 `invalid format for proxy request: "proxy:", expected 'proxy:host:port@cluster'`,
		"proxy:@":                `invalid format for proxy request: missing cluster name or target host in "proxy:@"`,
		"sftp":                   "unrecognized subsystem: sftp",
	}
	for name, want := range tests {
		if _, err := w.subsystemStream(t, k, name); err == nil || !strings.HasSuffix(err.Error(), ": "+want+"\n") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestTheSSHProxyListsClusters(t *testing.T) {
	w := start(t)
	stream, err := w.subsystemStream(t, w.login(t, "off", softKey(t)), "proxysites")
	if err != nil {
		t.Fatal(err)
	}
	var sites []map[string]any
	if err := json.NewDecoder(stream).Decode(&sites); err != nil {
		t.Fatal(err)
	}
	if len(sites) != 1 || sites[0]["name"] != "demo" || sites[0]["status"] != "online" || sites[0]["lastconnected"] == nil {
		t.Errorf("the list is %v", sites)
	}
}

func TestTheSSHProxyReachesTheAuthServer(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	stream, err := w.subsystemStream(t, k, "proxy:@demo")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(context.Context, string) (net.Conn, error) { return stream, nil }
	conn, err := grpc.NewClient("passthrough:///demo", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(credentials.NewTLS(k.tlsConfig("h2"))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	user, err := authpb.NewAuthServiceClient(conn).GetCurrentUser(patience(t), &emptypb.Empty{})
	if err != nil || user.Metadata.Name != "off" {
		t.Errorf("%v, %v", user, err)
	}
}
