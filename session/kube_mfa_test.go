package session

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/demo/demotest"
)

// newCheckedWorld is a cluster of that version with a real Kubernetes, to which the user guide is signed in: nothing is
// checked in development, everything in production.
func newCheckedWorld(t *testing.T, version int) (w *keyWorld, id string, kubectl string) {
	t.Helper()
	var shared atomic.Pointer[clock] // the world's, once there is one
	shared.Store(&clock{})
	w = newKeyWorld(t, demo.Config{VersionProfile: version, Kubernetes: demotest.Kubernetes(t), Now: func() time.Time { return shared.Load().now() }})
	shared.Store(w.clock)
	id = w.add()
	if err := w.signInWith(id, "guide", AnyFactor); err != nil {
		t.Fatalf("signing in: %v", err)
	}
	w.key.seen = nil
	return w, id, demotest.Kubectl(t)
}

func TestKubectlCostsOneTapInProduction(t *testing.T) {
	for _, version := range []int{12, 15} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			w, id, program := newCheckedWorld(t, version)
			if out, err := kubectl(program, w.kubeNamed(id, "kube"), "get", "configmaps", "-n", "shop"); err != nil {
				t.Errorf("in development kubectl says %q, %v", out, err)
			}
			w.wantTaps()
			production := w.kubeNamed(id, "kube-prod")
			for range 3 {
				if out, err := kubectl(program, production, "get", "configmaps", "-n", "shop"); err != nil {
					t.Errorf("in production kubectl says %q, %v", out, err)
				}
				w.clock.advance(10 * time.Minute)
			}
			w.wantTaps("MFA to connect to Kubernetes cluster kube-prod")
		})
	}
}

func TestARefusedTapOpensNoKubernetes(t *testing.T) {
	for _, version := range []int{12, 15} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			w, id, program := newCheckedWorld(t, version)
			w.key.answers = []error{context.Canceled}
			p := w.kubeNamed(id, "kube-prod")
			if out, err := kubectl(program, p, "get", "configmaps", "-n", "shop"); err == nil || !strings.Contains(out, "was refused, so nothing was opened.") {
				t.Errorf("kubectl says %q, %v", out, err)
			}
			w.wantTaps("MFA to connect to Kubernetes cluster kube-prod") // though kubectl tries five times
			if asked := w.events(demo.EventKubeRequest); len(asked) != 0 {
				t.Errorf("the audit log has %+v", asked)
			}
			w.clock.advance(time.Minute)
			if out, err := kubectl(program, p, "get", "configmaps", "-n", "shop"); err != nil {
				t.Errorf("the next try: %q, %v", out, err)
			}
		})
	}
}
