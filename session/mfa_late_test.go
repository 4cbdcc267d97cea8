package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/demo/demotest"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

func TestAChangedRoleLeadsToACheckBeforeTheNextConnection(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.signIn("guide")
	w.key.forget()
	p := w.database(id, "reader")
	if out, err := psql(p, "select 1"); out != "1" || err != nil {
		t.Fatalf("psql says %q, %v", out, err)
	}
	w.demand("guide", "false", "true") // of the role for development
	if out, err := psql(p, "select 1"); err == nil || !strings.Contains(out, "access to resource requires MFA") {
		t.Errorf("the certificate of before: %q, %v", out, err)
	}
	w.wantTaps()
	if out, err := psql(p, "select 1"); out != "1" || err != nil {
		t.Errorf("the next one: %q, %v", out, err)
	}
	w.wantTaps("MFA to connect to database orders as reader")
	w.echo(id, "demo-node") // a server is asked for at once
	w.wantTaps("MFA to connect to database orders as reader", fmt.Sprintf("MFA for SSH to %s@demo-node", show(t, w.Manager, id).Logins[0]))
}

func TestKubectlWaitsForACheckAfterARoleHasChanged(t *testing.T) {
	w := newKeyWorld(t, demo.Config{Kubernetes: demotest.Kubernetes(t)})
	id := w.signIn("guide")
	w.key.forget()
	p := w.kube(id)
	for range 2 {
		if out, err := kubectl(demotest.Kubectl(t), p, "get", "configmaps", "-n", "shop", "-o", "name"); err != nil || !strings.Contains(out, "configmap/prices") {
			t.Errorf("kubectl says %q, %v", out, err)
		}
		if len(w.key.requests()) == 0 {
			w.demand("guide", "false", "true")
		}
	}
	w.wantTaps("MFA to connect to Kubernetes cluster kube")
}

func TestAnAnswerThatCameTooLateIsAskedForOnceMore(t *testing.T) {
	// The minute of the certificate begins with the question, so that little of it would be left.
	cluster := &clock{}
	w := newKeyWorld(t, demo.Config{VersionProfile: 12, Now: cluster.now})
	id := w.signIn("mfa")
	w.key.forget()
	slow := 1
	w.card.onAssert = func(ctx context.Context, r keystore.AssertRequest) (*fido.Response, error) {
		if slow--; slow >= 0 {
			cluster.advance(slowAnswer + time.Second)
			w.clock.advance(slowAnswer + time.Second)
		}
		return w.key.assert(ctx, r)
	}
	if out, err := psql(w.database(id, "reader"), "select 1"); out != "1" || err != nil {
		t.Errorf("psql says %q, %v", out, err)
	}
	tap := "MFA to connect to database orders as reader"
	w.wantTaps(tap, tap)
	w.clock.advance(time.Minute) // and then it is over
	cluster.advance(time.Minute)
	if out, err := psql(w.database(id, "reader"), "select 1"); out != "1" || err != nil {
		t.Errorf("psql says %q, %v", out, err)
	}
	w.wantTaps(tap, tap, tap)
}
