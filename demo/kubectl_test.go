package demo

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// sharedKubernetes is the one API server of the package: it takes seconds to start.
var sharedKubernetes = sync.OnceValue(func() *Kubernetes {
	k := NewKubernetes(os.Getenv, nil)
	testkit.AtEnd(func() { _ = k.Close() })
	return k
})

// startWithKubernetes starts a cluster in front of the shared API server.
func startWithKubernetes(t *testing.T, changes ...func(*Config)) *world {
	t.Helper()
	k := sharedKubernetes()
	if err := k.Missing(); err != nil {
		t.Fatal(err)
	}
	return startIn(t, newState(t), newVendor(t), append(changes, func(c *Config) { c.Kubernetes = k })...)
}

func (w *world) kubeRoute(t *testing.T, k *keyring, name string) tls.Certificate {
	t.Helper()
	r := w.wish(t, k)
	r.Usage, r.KubernetesCluster = authpb.UserCertsRequest_Kubernetes, name
	return w.route(t, k, r)
}

const kubeServerName = "kube-teleport-proxy-alpn.teleport.cluster.local"

// kubectl prepares Kubernetes' own client, which is told all there is to know in a file.
func (w *world) kubectl(t *testing.T, cert tls.Certificate, args ...string) *exec.Cmd {
	t.Helper()
	return w.kubectlAt(t, w.ready.Proxy, kubeServerName, cert, args...)
}

func (w *world) kubectlAt(t *testing.T, addr, serverName string, cert tls.Certificate, args ...string) *exec.Cmd {
	t.Helper()
	hostCA, err := os.ReadFile(filepath.Join(w.ready.State, "host-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	config, err := json.Marshal(object{
		"kind": "Config", "apiVersion": "v1", "current-context": "demo",
		"contexts": []object{{"name": "demo", "context": object{"cluster": "demo", "user": "demo"}}},
		"clusters": []object{{"name": "demo", "cluster": object{
			"server": "https://" + addr, "tls-server-name": serverName, "certificate-authority-data": hostCA}}},
		"users": []object{{"name": "demo", "user": object{
			"client-certificate-data": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
			"client-key-data":         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := filepath.Join(home, "config")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	program := sharedKubernetes().Kubectl()
	if program == "" {
		t.Fatal("there is no kubectl: build it with \"make kubernetes\"")
	}
	command := exec.CommandContext(patience(t), program, args...)
	command.Env = []string{"HOME=" + home, "KUBECONFIG=" + file}
	return command
}

func kubectlSays(t *testing.T, command *exec.Cmd, want string) {
	t.Helper()
	out, err := command.CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("%v says %q, %v; want %q", command.Args, out, err, want)
	}
}

func kubectlFails(t *testing.T, command *exec.Cmd, want string) {
	t.Helper()
	out, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%v says %q, %v; want a failure with %q", command.Args, out, err, want)
	}
}

// configMap is what a test applies, under a name of its own.
func configMap(name, value string) *strings.Reader {
	return strings.NewReader(`{apiVersion: v1, kind: ConfigMap, metadata: {name: ` + name + `, namespace: shop}, data: {key: "` + value + `"}}`)
}

func TestKubectlGetsAndApplies(t *testing.T) {
	w := startWithKubernetes(t)
	k := w.login(t, "touch", w.vendor.card(t, 7))
	cert := w.kubeRoute(t, k, "kube")
	kubectlSays(t, w.kubectl(t, cert, "get", "configmap", "prices", "-n", "shop", "-o", "jsonpath={.data.pear}"), "0.55")
	for _, step := range []struct{ value, said string }{{"1", "created"}, {"1", "unchanged"}, {"2", "configured"}} {
		apply := w.kubectl(t, cert, "apply", "-f", "-")
		apply.Stdin = configMap("applied", step.value)
		kubectlSays(t, apply, "configmap/applied "+step.said+"\n")
	}
	kubectlSays(t, w.kubectl(t, cert, "delete", "configmap", "applied", "-n", "shop", "-o", "name"), "configmap/applied\n")
	kubectlSays(t, w.kubectl(t, cert, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}"),
		`touch ["editors","viewers","system:authenticated"]`)
	kubectlFails(t, w.kubectl(t, cert, "get", "secrets", "-n", "shop"), `User "touch" cannot list resource "secrets"`)
	patched := slices.ContainsFunc(w.find(t, EventKubeRequest), func(e Event) bool {
		return e.Success && e.User == "touch" && e.KubeCluster == "kube" && e.Command == "PATCH /api/v1/namespaces/shop/configmaps/applied"
	})
	if !patched {
		t.Errorf("no event of the change in %+v", w.find(t, EventKubeRequest))
	}
}

func TestKubectlWatches(t *testing.T) {
	w := startWithKubernetes(t)
	cert := w.kubeRoute(t, w.login(t, "off", softKey(t)), "kube")
	watch := w.kubectl(t, cert, "get", "configmap", "-n", "shop", "--watch", "--field-selector=metadata.name=watched",
		"--output-watch-events", "-o", "name")
	out, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"1", "2"} {
		apply := w.kubectl(t, cert, "apply", "-f", "-")
		apply.Stdin = configMap("watched", value)
		if text, err := apply.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if value == "1" {
			if err := watch.Start(); err != nil {
				t.Fatal(err)
			}
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "configmap/watched") {
			t.Errorf("the watch says %q, %v", line, err)
		}
	}
	if err := w.Close(); err != nil { // the watch ends with the cluster
		t.Error(err)
	}
	_ = watch.Process.Kill()
	_ = watch.Wait() // it was killed
}

func TestKubernetesHasAPortOfItsOwnInTheOldLayout(t *testing.T) {
	w := startWithKubernetes(t, like12)
	cert := w.kubeRoute(t, w.login(t, "off", softKey(t)), "kube")
	addr := w.pingProxy(t).Proxy.Kube.ListenAddr
	kubectlSays(t, w.kubectlAt(t, addr, "localhost", cert, "get", "configmap", "prices", "-n", "shop", "-o", "name"), "configmap/prices\n")
	kubectlSays(t, w.kubectl(t, cert, "get", "configmap", "prices", "-n", "shop", "-o", "name"), "configmap/prices\n")
}

func TestGroupsAreThoseOfTheRoles(t *testing.T) {
	w := startWithKubernetes(t)
	cert := w.kubeRoute(t, w.login(t, "off", softKey(t)), "kube")
	create := []string{"create", "configmap", "refused", "-n", "shop"}
	kubectlFails(t, w.kubectl(t, cert, append(create, "--as=off", "--as-group=viewers")...), `User "off" cannot create resource "configmaps"`)
	w.edit(t, "off.yaml", "kubernetes_groups: [viewers, editors]", "kubernetes_groups: [viewers]")
	kubectlSays(t, w.kubectl(t, cert, "get", "configmap", "prices", "-n", "shop", "-o", "name"), "configmap/prices\n")
	kubectlFails(t, w.kubectl(t, cert, create...), `User "off" cannot create resource "configmaps"`)
	kubectlFails(t, w.kubectl(t, cert, append(create, "--as=off", "--as-group=editors")...), `group header "editors" value is not allowed in roles`)
	kubectlFails(t, w.kubectl(t, cert, append(create, "--as=touch")...), `user header "touch" is not allowed in roles`)
	kubectlFails(t, w.kubectl(t, cert, append(create, "--as=off", "--as-uid=1")...), "header Impersonate-Uid is not supported")
	w.edit(t, "off.yaml", "kubernetes_groups: [viewers]", "kubernetes_groups: []")
	kubectlFails(t, w.kubectl(t, cert, "get", "--raw", kubeMaps), "access to kube_cluster denied. User does not have permissions. Confirm Kubernetes user or group.")
}
