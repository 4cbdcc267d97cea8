package teleport

import (
	"fmt"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/wire"
)

func TestAddressesFollowFromWhatTheProxyAnnounces(t *testing.T) {
	const web = "teleport.example.com:443"
	listening := wire.PingSSH{ListenAddr: "0.0.0.0:3023"}
	tests := map[string]struct {
		web  string // else the one above
		ping wire.PingProxy
		want Services
	}{
		"TLS routing has one address": {
			ping: wire.PingProxy{TLSRoutingEnabled: true,
				SSH:  wire.PingSSH{ListenAddr: "0.0.0.0:443", SSHPublicAddr: "ssh.example.com:3023"},
				Kube: wire.PingKube{Enabled: true, ListenAddr: "0.0.0.0:443"},
				DB:   wire.PingDB{PostgresListenAddr: "0.0.0.0:443"}},
		},
		"public addresses come first": {
			ping: wire.PingProxy{
				SSH:  wire.PingSSH{ListenAddr: "0.0.0.0:3023", SSHPublicAddr: "ssh.example.com:2022"},
				Kube: wire.PingKube{Enabled: true, ListenAddr: "0.0.0.0:3026", PublicAddr: "kube.example.com:6443"},
				DB:   wire.PingDB{PostgresListenAddr: "0.0.0.0:5432", PostgresPublicAddr: "db.example.com:5433"}},
			want: Services{SSH: "ssh.example.com:2022", Kube: "kube.example.com:6443", Postgres: "db.example.com:5433"},
		},
		"public addresses without a port have the usual ones": {
			ping: wire.PingProxy{
				SSH:  wire.PingSSH{SSHPublicAddr: "ssh.example.com"},
				Kube: wire.PingKube{Enabled: true, PublicAddr: "kube.example.com"},
				DB:   wire.PingDB{PostgresPublicAddr: "db.example.com"}},
			want: Services{SSH: "ssh.example.com:3023", Kube: "kube.example.com:3026", Postgres: "db.example.com:443"},
		},
		"a scheme and a path are no part of an address": {
			ping: wire.PingProxy{
				SSH:  wire.PingSSH{SSHPublicAddr: "tcp://ssh.example.com:3023"},
				Kube: wire.PingKube{Enabled: true, PublicAddr: "https://kube.example.com:3026/"},
				DB:   wire.PingDB{PostgresPublicAddr: "tcp://db.example.com:5432"}},
			want: Services{SSH: "ssh.example.com:3023", Kube: "kube.example.com:3026", Postgres: "db.example.com:5432"},
		},
		"listeners on every address are on the web host": {
			ping: wire.PingProxy{SSH: wire.PingSSH{ListenAddr: "[::]:3023"},
				Kube: wire.PingKube{Enabled: true, ListenAddr: "0.0.0.0:3026"},
				DB:   wire.PingDB{PostgresListenAddr: "tcp://0.0.0.0:5432"}},
			want: Services{SSH: "teleport.example.com:3023", Kube: "teleport.example.com:3026", Postgres: "teleport.example.com:5432"},
		},
		"a listener for SSH or databases has the web host, one for Kubernetes its own": {
			ping: wire.PingProxy{SSH: wire.PingSSH{ListenAddr: "10.0.0.7:3023"},
				Kube: wire.PingKube{Enabled: true, ListenAddr: "10.0.0.7:3026"},
				DB:   wire.PingDB{PostgresListenAddr: "10.0.0.7:5432"}},
			want: Services{SSH: "teleport.example.com:3023", Kube: "10.0.0.7:3026", Postgres: "teleport.example.com:5432"},
		},
		"nothing announced leaves the usual ports": {
			ping: wire.PingProxy{Kube: wire.PingKube{Enabled: true}},
			want: Services{SSH: "teleport.example.com:3023", Kube: "teleport.example.com:3026"},
		},
		"without Kubernetes there is no address for it": {
			ping: wire.PingProxy{SSH: listening, Kube: wire.PingKube{PublicAddr: "kube.example.com:3026"}},
			want: Services{SSH: "teleport.example.com:3023"},
		},
		"PostgreSQL on the web port is no address of its own": {
			ping: wire.PingProxy{SSH: listening, DB: wire.PingDB{PostgresListenAddr: "0.0.0.0:443"}},
			want: Services{SSH: "teleport.example.com:3023"},
		},
		"addresses of IPv6": {
			web:  "[2001:db8::1]:3080",
			ping: wire.PingProxy{SSH: listening, Kube: wire.PingKube{Enabled: true, PublicAddr: "[2001:db8::2]"}},
			want: Services{SSH: "[2001:db8::1]:3023", Kube: "[2001:db8::2]:3026"},
		},
		"what is no address is passed over": {
			ping: wire.PingProxy{
				SSH:  wire.PingSSH{SSHPublicAddr: "ssh.example.com:ssh", ListenAddr: "pipe"},
				Kube: wire.PingKube{Enabled: true, PublicAddr: ":0", ListenAddr: ":3027"},
				DB:   wire.PingDB{PostgresPublicAddr: "tcp://", PostgresListenAddr: "0.0.0.0:0"}},
			want: Services{SSH: "teleport.example.com:3023", Kube: "teleport.example.com:3027"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.web == "" {
				test.web = web
			}
			if diff := cmp.Diff(test.want, ServicesOf(test.web, test.ping)); diff != "" {
				t.Errorf("the services (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKubernetesHasANameOfItsOwnBehindTheWebPort(t *testing.T) {
	for host, want := range map[string]string{
		"teleport.example.com": "kube-teleport-proxy-alpn.teleport.example.com",
		"localhost":            "kube-teleport-proxy-alpn.teleport.cluster.local",
		"127.0.0.1":            "kube-teleport-proxy-alpn.teleport.cluster.local",
		"::1":                  "kube-teleport-proxy-alpn.teleport.cluster.local",
	} {
		if got := kubeName(host); got != want {
			t.Errorf("the name behind %s is %s, want %s", host, got, want)
		}
	}
}

func TestPingFramingIsOfferedFirst(t *testing.T) {
	for protocol, want := range map[string]string{
		"postgres":        "[teleport-postgres-ping teleport-postgres]",
		"cockroachdb":     "[teleport-postgres-ping teleport-postgres]",
		"clickhouse-http": "[teleport-clickhouse-ping teleport-clickhouse]",
		"redis":           "[teleport-redis-ping teleport-redis]",
	} {
		if got := fmt.Sprint(DatabaseService(protocol).alpn); got != want {
			t.Errorf("for %s %s is offered, want %s", protocol, got, want)
		}
	}
}

func FuzzServicesOf(f *testing.F) {
	f.Add("localhost:3080", "tcp://0.0.0.0:3023", "kube.example.com", "[::]:3026", "[::1]:5432")
	f.Add("[::1]:3080", "", ":", "://", "[")
	f.Fuzz(func(t *testing.T, web, ssh, kubePublic, kube, postgres string) {
		s := ServicesOf(web, wire.PingProxy{
			SSH:  wire.PingSSH{ListenAddr: ssh, SSHPublicAddr: postgres},
			Kube: wire.PingKube{Enabled: true, PublicAddr: kubePublic, ListenAddr: kube},
			DB:   wire.PingDB{PostgresListenAddr: postgres, PostgresPublicAddr: kubePublic}})
		for _, address := range []string{s.SSH, s.Kube, s.Postgres} {
			if host, port, err := net.SplitHostPort(address); address != "" && (err != nil || host == "" || port == "") {
				t.Errorf("%q is no address", address)
			}
		}
	})
}
