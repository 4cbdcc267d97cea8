//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/demo/demotest"
)

// TestKubectlRunsInATabOfTheWindow opens a Kubernetes cluster and a shell that finds it. kubectl waits there while the
// key waits to be touched, and a second one asks for nothing.
func TestKubectlRunsInATabOfTheWindow(t *testing.T) {
	t.Parallel()
	path := filepath.Dir(demotest.Kubectl(t)) + string(os.PathListSeparator) + os.Getenv("PATH")
	w := newWorldWith(t, []string{demotest.KubernetesEnv(t), "PATH=" + path, "SHELL=/bin/sh"}, program)
	openServers(w)
	w.Clicks("Show kubernetes")
	w.Shot("kubernetes")
	w.Clicks("Connect to kube")
	w.Sees("listening")
	w.Shot("open")
	w.Clicks("Run command for kube · demo")
	w.SeesNot("Touch good for")
	w.Enters("kubectl get configmaps -n shop -o name")
	w.Sees("Connect to Kubernetes cluster kube")
	w.Shot("touch")
	w.Clicks("Gold contact")
	w.Reads("configmap/prices")
	w.Enters("kubectl create configmap fruit -n shop --from-literal=quince=0.90")
	w.Reads("configmap/fruit created")
	w.SeesNot("Touch your security key")
	w.Shot("kubectl-in-a-tab")
	w.Presses("ctrl+shift+p")
	w.Sees("certificate for")
	w.Shot("open-with-kubectl")
	w.Clicks("Stop kube · demo")
	w.SeesNot("kube · demo")
}
