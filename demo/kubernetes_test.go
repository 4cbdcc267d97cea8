package demo

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThePinnedKubernetesIsTheOneLookedFor(t *testing.T) {
	module, err := os.ReadFile("../e2e/kubernetes/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(module), "\nrequire k8s.io/kubernetes "+kubernetesVersion+" ") {
		t.Errorf("e2e/kubernetes/go.mod does not require %s", kubernetesVersion)
	}
}

func TestTheProgramsOfKubernetesAreFound(t *testing.T) {
	root := t.TempDir()
	add := func(folder string, names ...string) string {
		folder = filepath.Join(root, folder)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(folder, name), nil, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	chosen := add("chosen/"+kubernetesVersion, "kube-apiserver", "kubectl")
	cached := add("cache/touchstone/kubernetes/"+kubernetesVersion, "kube-apiserver", "kubectl")
	home := add("home/.cache/touchstone/kubernetes/"+kubernetesVersion, "kube-apiserver", "kubectl")
	etcd, whole := add("etcd", "etcd"), add("whole", "etcd", "kube-apiserver")
	from := func(folder, etcd string) kubernetesPrograms {
		return kubernetesPrograms{filepath.Join(folder, "kube-apiserver"), filepath.Join(etcd, "etcd"), filepath.Join(folder, "kubectl")}
	}
	tests := []struct {
		name string
		env  map[string]string
		want kubernetesPrograms
		says string
	}{
		{"in a folder of choice", map[string]string{"TOUCHSTONE_KUBERNETES": filepath.Join(root, "chosen"), "HOME": filepath.Join(root, "home"), "PATH": etcd}, from(chosen, etcd), ""},
		{"in the cache", map[string]string{"XDG_CACHE_HOME": filepath.Join(root, "cache"), "HOME": filepath.Join(root, "home"), "PATH": whole}, from(cached, whole), ""},
		{"at home", map[string]string{"HOME": filepath.Join(root, "home"), "PATH": root + ":" + etcd}, from(home, etcd), ""},
		{"on PATH, without kubectl", map[string]string{"PATH": whole}, kubernetesPrograms{apiServer: filepath.Join(whole, "kube-apiserver"), etcd: filepath.Join(whole, "etcd")}, ""},
		{"no API server", map[string]string{"PATH": etcd}, kubernetesPrograms{etcd: filepath.Join(etcd, "etcd")}, `Build it with "make kubernetes".`},
		{"no etcd", map[string]string{"HOME": filepath.Join(root, "home"), "PATH": root}, kubernetesPrograms{apiServer: filepath.Join(home, "kube-apiserver"), kubectl: filepath.Join(home, "kubectl")}, "There is no etcd on this computer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := findKubernetes(func(name string) string { return test.env[name] })
			if got != test.want {
				t.Errorf("found %+v, want %+v", got, test.want)
			}
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestAClusterSaysWhyItHasNoKubernetes(t *testing.T) {
	ready := startIn(t, newState(t), newVendor(t), func(c *Config) {
		c.Kubernetes = NewKubernetes(func(string) string { return "" }, nil)
	}).ready
	if len(ready.KubeClusters) > 0 || !strings.Contains(ready.KubernetesMissing, "make kubernetes") {
		t.Errorf("it has %v and says %q", ready.KubeClusters, ready.KubernetesMissing)
	}
	if ready := startWithKubernetes(t).ready; !cmp.Equal(ready.KubeClusters, []string{"kube", "kube-prod"}) || ready.KubernetesMissing != "" {
		t.Errorf("with one, it has %v and says %q", ready.KubeClusters, ready.KubernetesMissing)
	}
}

func TestNothingOfKubernetesIsLeftBehind(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	k := NewKubernetes(os.Getenv, slog.New(slog.DiscardHandler))
	server, err := k.open(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := server.send(patience(t), http.MethodGet, "/readyz", ""); err == nil {
		t.Error("the API server still answers")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if _, err := k.open(patience(t)); !errors.Is(err, errStopped) {
		t.Errorf("it opens again: %v", err)
	}
}

func TestKubernetesClosesWithoutHavingBeenOpened(t *testing.T) {
	k := NewKubernetes(os.Getenv, nil)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, err := k.open(patience(t)); !errors.Is(err, errStopped) {
		t.Errorf("it opens: %v", err)
	}
}

func TestNobodyElseTalksToKubernetes(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	k := NewKubernetes(os.Getenv, nil)
	defer k.Close()
	server, err := k.open(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	stranger := server.streams.Clone()
	defer stranger.CloseIdleConnections()
	stranger.TLSClientConfig.Certificates = nil
	request, err := http.NewRequestWithContext(patience(t), http.MethodGet, server.url.JoinPath("/version").String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := stranger.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a certificate: %s", response.Status)
	}
	private, err := filepath.Glob(filepath.Join(folder, "touchstone-kubernetes-*"))
	if err != nil || len(private) != 1 {
		t.Fatalf("its folder: %v, %v", private, err)
	}
	if info, err := os.Stat(private[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder is %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Join(private[0], "client:0")); err != nil || info.Mode().Type() != os.ModeSocket {
		t.Errorf("etcd's socket: %v, %v", info, err)
	}
}
