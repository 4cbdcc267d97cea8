package demotest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

// shared is the one API server of a test process: it takes seconds to start.
var shared = sync.OnceValue(func() *demo.Kubernetes {
	k := demo.NewKubernetes(os.Getenv, nil)
	testkit.AtEnd(func() { _ = k.Close() })
	return k
})

// Kubernetes is for demo.Config.Kubernetes. All tests of a package share it and what is in it, so each uses names of
// its own. It starts with the first request, and testkit.Main ends it: TestMain of the package must call that. Where it
// cannot be started the test fails and says what to do.
func Kubernetes(t testing.TB) *demo.Kubernetes {
	t.Helper()
	k := shared()
	if err := k.Missing(); err != nil {
		t.Fatalf("this test needs Kubernetes: %v", err)
	}
	return k
}

// Kubectl is the path of the kubectl that was built with the API server.
func Kubectl(t testing.TB) string {
	t.Helper()
	path := Kubernetes(t).Kubectl()
	if path == "" {
		t.Fatal("this test needs kubectl: build it with \"make kubernetes\"")
	}
	return path
}

// KubernetesEnv is the variable, as "NAME=value", that leads a program with another home folder to the same programs.
func KubernetesEnv(t testing.TB) string {
	t.Helper()
	return "TOUCHSTONE_KUBERNETES=" + filepath.Dir(filepath.Dir(Kubectl(t)))
}
