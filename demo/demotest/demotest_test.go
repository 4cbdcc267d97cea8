package demotest

import (
	"os"
	"testing"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestClustersInSuchFoldersShareAuthoritiesAndNothingElse(t *testing.T) {
	var authorities, passwords []string
	for range 2 {
		cluster, err := demo.Start(t.Context(), demo.Config{State: State(t)})
		if err != nil {
			t.Fatal(err)
		}
		ready := cluster.Ready()
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
		ca, err := os.ReadFile(ready.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		authorities = append(authorities, string(ca))
		passwords = append(passwords, ready.Users[0].Password)
	}
	if authorities[0] != authorities[1] || passwords[0] == passwords[1] {
		t.Errorf("same authority: %v, same password: %v", authorities[0] == authorities[1], passwords[0] == passwords[1])
	}
}
