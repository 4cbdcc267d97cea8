package session

import (
	"testing"

	"github.com/touchstone-app/touchstone/internal/wire/typespb"

	"github.com/google/go-cmp/cmp"
)

func TestServersAreListedAndPublished(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	servers, err := w.Servers(t.Context(), id)
	if err != nil {
		t.Fatalf("listing servers: %v", err)
	}
	if len(servers) == 0 || !isUUID(servers[0].ID) || servers[0].Hostname == "" || servers[0].Labels["env"] != "dev" {
		t.Errorf("the servers are %+v", servers)
	}
	c := show(t, w.Manager, id)
	if diff := cmp.Diff(servers, c.Servers); diff != "" || c.ServersLoading || c.ServersProblem != nil {
		t.Errorf("the cluster shows loading %v, problem %v, other servers (-want +got):\n%s", c.ServersLoading, c.ServersProblem, diff)
	}
}

func TestListingTwiceOpensOneConnection(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	for range 2 {
		if err := w.RefreshServers(t.Context(), id); err != nil {
			t.Fatalf("listing servers: %v", err)
		}
	}
	signed := w.card.signatures()
	if len(signed) != 2 || signed[0].What != "List servers" || signed[0].Where != "demo" || signed[0].Program != "Touchstone" {
		t.Errorf("the key signed for %+v, want one for the touch and one for the connection", signed)
	}
}

func TestListingNeedsASignIn(t *testing.T) {
	w := newWorld(t)
	_, err := w.Servers(t.Context(), w.add())
	wantFault(t, err, "not signed in to demo")
	_, err = w.Servers(t.Context(), "elsewhere.example.com")
	wantFault(t, err, `no cluster "elsewhere.example.com"`)
}

func TestAServerIsReadFromTheClusterForm(t *testing.T) {
	got := serverOf(&typespb.ServerV2{
		Metadata: &typespb.Metadata{Name: "id", Labels: map[string]string{"env": "dev", "load": "static"}},
		Spec: &typespb.ServerSpecV2{Hostname: "web-1", Addr: "10.0.0.1:3022",
			CmdLabels: map[string]*typespb.CommandLabelV2{"load": {Result: "0.1"}}},
	})
	want := Server{ID: "id", Hostname: "web-1", Address: "10.0.0.1:3022", Labels: map[string]string{"env": "dev", "load": "0.1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the server differs (-want +got):\n%s", diff)
	}
	tunnelled := serverOf(&typespb.ServerV2{Spec: &typespb.ServerSpecV2{Addr: "10.0.0.1:3022", UseTunnel: true}})
	if tunnelled.Address != "" {
		t.Errorf("a server behind a tunnel has the address %q", tunnelled.Address)
	}
}

func TestAServerIsFoundByWhatAPersonTypes(t *testing.T) {
	p := profile{Cluster: "demo"}
	servers := []Server{{ID: "1", Hostname: "web"}, {ID: "2", Hostname: "db"}, {ID: "3", Hostname: "db"}}
	tests := []struct{ name, host, id, fault string }{
		{"by its host name", "web", "1", ""},
		{"by its ID, where the host name is not enough", "3", "3", ""},
		{"not by a name that two have", "db", "", `2 servers on demo are called "db"`},
		{"not by a part of its name", "we", "", `no server "we" on demo`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := pick(p, servers, test.host)
			if test.fault != "" {
				wantFault(t, err, test.fault)
				return
			}
			if err != nil || got.ID != test.id {
				t.Errorf("pick(%q) = %+v, %v, want server %q", test.host, got, err, test.id)
			}
		})
	}
}

func TestIDsOfServersAreRecognised(t *testing.T) {
	for text, want := range map[string]bool{
		"2f1c9f5e-7d0b-4b5e-9c55-0a4f7f3b8d11":  true,
		"2F1C9F5E-7D0B-4B5E-9C55-0A4F7F3B8D11":  true,
		"2f1c9f5e-7d0b-4b5e-9c55-0a4f7f3b8d1":   false,
		"2f1c9f5e-7d0b-4b5e-9c55-0a4f7f3b8d11-": false,
		"2f1c9f5e07d0b-4b5e-9c55-0a4f7f3b8d11":  false,
		"web-1.example.com":                     false,
	} {
		if got := isUUID(text); got != want {
			t.Errorf("isUUID(%q) = %v, want %v", text, got, want)
		}
	}
}
