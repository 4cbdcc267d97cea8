package demo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

func TestEachServerHasANameAndAnIdentity(t *testing.T) {
	w := start(t)
	w.edit(t, "guide.yaml", "require_session_mfa: true", "require_session_mfa: false")
	k := w.loginWith(t, w.newFinger(t), "guide", softKey(t))
	list, err := w.auth(t, k).ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: "node", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ids := map[string]bool{}
	for _, r := range list.Resources {
		node := r.GetNode()
		found[node.Spec.Hostname] = node.Metadata.Labels["env"]
		ids[node.Metadata.Name] = true
		stream, err := w.transportStream(t, k, node.Metadata.Name+":0", "demo")
		if err != nil {
			t.Fatal(err)
		}
		client, err := overSSH(stream, node.Spec.Hostname+":0", k.sshConfig(t, me(t)))
		if err != nil {
			t.Fatal(err)
		}
		out, err := newSession(t, client).Output("echo $SSH_TELEPORT_HOST_UUID")
		if err != nil || strings.TrimSpace(string(out)) != node.Metadata.Name {
			t.Errorf("%s says that it is %q, %v", node.Spec.Hostname, out, err)
		}
		_ = client.Close()
	}
	if diff := cmp.Diff(map[string]string{"demo-node": "dev", "prod": "prod"}, found); diff != "" || len(ids) != 2 {
		t.Errorf("%d servers (-want +got):\n%s", len(ids), diff)
	}
}

func TestOneServerDoesNotPassForTheOther(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	stream, err := w.transportStream(t, k, "demo-node:0", "demo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := overSSH(stream, "prod:0", k.sshConfig(t, me(t))); err == nil {
		t.Error("the certificate of demo-node is good for prod")
	}
	if _, err := w.transportStream(t, k, "prod:0", "demo"); err == nil {
		t.Error("somebody without a role for production reaches it")
	}
}
