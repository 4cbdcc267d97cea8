package demo

import (
	"os"
	"strings"
	"testing"
)

func TestThePinnedKubernetesIsTheOneLookedFor(t *testing.T) {
	module, err := os.ReadFile("../e2e/kubernetes/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(module), "require k8s.io/kubernetes "+kubernetesVersion+"\n") {
		t.Errorf("e2e/kubernetes/go.mod does not require %s", kubernetesVersion)
	}
}
