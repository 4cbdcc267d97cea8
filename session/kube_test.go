package session

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/demo/demotest"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore"
)

// newKubeWorld is a movable world with a real Kubernetes behind it.
func newKubeWorld(t *testing.T, user string) (w *world, person *knowing, kubectl string) {
	t.Helper()
	w = &world{t: t, card: newFakeCard(t), home: t.TempDir(), clock: &clock{}}
	w.cluster = startDemo(t, demo.Config{
		State: t.TempDir(), AttestationRoots: w.card.roots(), Now: w.clock.now, Kubernetes: demotest.Kubernetes(t)})
	w.ready = w.cluster.Ready()
	person = &knowing{password: func() *secret.Bytes { return w.password(user) }}
	m, err := newManager(Config{Home: w.home, Prompter: person, Now: w.clock.now, Version: "test", Log: slogTo(t), Progress: w.hear}, w.card)
	if err != nil {
		t.Fatalf("opening the sessions: %v", err)
	}
	t.Cleanup(func() { _ = m.Close() })
	w.Manager = m
	return w, person, demotest.Kubectl(t)
}

// kube opens the demo's Kubernetes cluster.
func (w *world) kube(id string) ProxyInfo {
	w.t.Helper()
	return w.kubeNamed(id, "kube")
}

func (w *world) kubeNamed(id, name string) ProxyInfo {
	w.t.Helper()
	open, err := w.OpenKube(w.t.Context(), KubeRef{Cluster: id, Name: name})
	if err != nil {
		w.t.Fatalf("opening the Kubernetes cluster: %v", err)
	}
	return w.proxy(open)
}

// kubectl runs the command of a proxy.
func kubectl(program string, p ProxyInfo, args ...string) (string, error) {
	out, err := kubectlCommand(program, p, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func kubectlCommand(program string, p ProxyInfo, args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Env = []string{"HOME=" + filepath.Dir(p.Kubeconfig), "KUBECONFIG=" + p.Kubeconfig}
	return command
}

// watch is a kubectl that prints changes until it is ended.
type watch struct {
	lines chan string // closed with the output
	over  chan error
}

// watchConfigMaps starts a watch and ends it with the test.
func watchConfigMaps(t *testing.T, program string, p ProxyInfo) *watch {
	t.Helper()
	command := kubectlCommand(program, p, "get", "configmaps", "-n", "shop", "--watch", "-o", "name")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("starting kubectl: %v", err)
	}
	w := &watch{lines: make(chan string, 100), over: make(chan error, 1)}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(w.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			w.lines <- scanner.Text()
		}
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		reading.Wait()
		w.over <- command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended by itself
		<-ended
	})
	return w
}

// until reads lines until one is there.
func (w *watch) until(t *testing.T, want string) {
	t.Helper()
	for got := ""; got != want; {
		if got = testkit.Receive(t, want, w.lines); got == "" {
			t.Fatalf("the watch ended before %s", want)
		}
	}
}

// apply puts a config map into the cluster, which other tests share, and returns its name.
func apply(t *testing.T, program string, p ProxyInfo) (name string) {
	t.Helper()
	name = "fruit-" + strings.ToLower(rand.Text())
	file := filepath.Join(t.TempDir(), name+".yaml")
	text := "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + ", namespace: shop}, data: {quince: \"0.90\"}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := kubectl(program, p, "apply", "-f", file); err != nil || !strings.Contains(out, name+" created") {
		t.Errorf("kubectl apply says %q, %v", out, err)
	}
	return name
}

func TestKubectlReachesAClusterThroughTheKey(t *testing.T) {
	w, _, program := newKubeWorld(t, "touch")
	id := w.signIn("touch")
	clusters, err := w.KubeClusters(t.Context(), id)
	if err != nil || len(clusters) != 1 || clusters[0].Name != "kube" || clusters[0].Labels["env"] != "dev" {
		t.Errorf("Kubernetes clusters: %+v, %v", clusters, err)
	}
	p := w.kube(id)
	if p.Kind != ProxyKube || !p.Expires.IsZero() || p.Command != "KUBECONFIG="+p.Kubeconfig+" kubectl" {
		t.Errorf("the proxy is %+v", p)
	}
	if out, err := kubectl(program, p, "get", "configmaps", "-n", "shop", "-o", "name"); err != nil || !strings.Contains(out, "configmap/prices") {
		t.Fatalf("kubectl get says %q, %v", out, err)
	}
	signed := w.card.signatures()
	if last := signed[len(signed)-1]; last.What != "Connect to Kubernetes cluster kube" {
		t.Errorf("the key last signed for %q", last.What)
	}
	watch := watchConfigMaps(t, program, p)
	watch.until(t, "configmap/prices")
	watch.until(t, "configmap/"+apply(t, program, p))
	if again := w.card.signatures(); len(again) != len(signed) {
		t.Errorf("more requests cost %d more signatures", len(again)-len(signed))
	}
	if shown := w.proxy(p.ID); !shown.Expires.Equal(show(t, w.Manager, id).Expires) || shown.Problem != nil || shown.Clients == 0 {
		t.Errorf("the proxy is %+v", shown)
	}
	if out, err := kubectl(program, p, "get", "secrets", "-n", "shop"); err == nil || !strings.Contains(out, "secrets is forbidden") {
		t.Errorf("what the roles do not allow: %q, %v", out, err)
	}
	if err := w.StopProxy(p.ID); err != nil {
		t.Fatalf("stopping with an open watch: %v", err)
	}
	testkit.Receive(t, "end of the watch", watch.over)
}

func TestAKubeconfigIsPrivateAndLastsAsLongAsItsProxy(t *testing.T) {
	w, _, program := newKubeWorld(t, "off")
	id := w.signIn("off")
	p := w.kube(id)
	for path, mode := range map[string]fs.FileMode{p.Kubeconfig: 0o600, filepath.Dir(p.Kubeconfig): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	content, err := os.ReadFile(p.Kubeconfig)
	if err != nil || strings.Contains(string(content), "key") {
		t.Errorf("the kubeconfig is %s, %v", content, err)
	}
	if again := w.kube(id); again.ID != p.ID {
		t.Errorf("the same cluster was opened twice: %+v", again)
	}
	if err := w.StopProxy(p.ID); err != nil {
		t.Fatalf("stopping: %v", err)
	}
	if _, err := os.Stat(p.Kubeconfig); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the kubeconfig of a stopped proxy: %v", err)
	}
	again := w.kube(id)
	if again.Kubeconfig != p.Kubeconfig || again.Address != p.Address {
		t.Errorf("it came back as %+v", again)
	}
	if err := os.WriteFile(again.Kubeconfig, content, 0o600); err != nil { // as another account would have kept it
		t.Fatal(err)
	}
	if out, err := kubectl(program, again, "get", "configmaps", "-n", "shop"); err == nil || !strings.Contains(out, "certificate signed by unknown authority") {
		t.Errorf("with the kubeconfig of the last time: %q, %v", out, err)
	}
	if err := w.SignOut(t.Context(), id); err != nil {
		t.Fatalf("signing out: %v", err)
	}
	if _, err := os.Stat(p.Kubeconfig); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the kubeconfig after signing out: %v", err)
	}
}

func TestKubernetesIsNotForOtherAccounts(t *testing.T) {
	w, _, program := newKubeWorld(t, "off")
	p := w.kube(w.signIn("off"))
	if out, err := kubectl(program, p, "--token", "guessed", "get", "--raw", "/version"); err == nil || !strings.Contains(out, "You must be logged in to the server") {
		t.Errorf("with another token: %q, %v", out, err)
	}
	if asked := w.events(demo.EventKubeRequest); len(asked) != 0 {
		t.Errorf("the audit log has %+v", asked)
	}
}

func TestAnExpiredCertificateIsRenewedOnceForAllOfKubectl(t *testing.T) {
	w, person, program := newKubeWorld(t, "touch")
	id := w.signIn("touch")
	p := w.kube(id)
	watch := watchConfigMaps(t, program, p)
	watch.until(t, "configmap/prices")
	w.clock.advance(13 * time.Hour)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if out, err := kubectl(program, p, "get", "configmaps", "-n", "shop", "-o", "name"); err != nil || !strings.Contains(out, "configmap/prices") {
				t.Errorf("kubectl get says %q, %v", out, err)
			}
		})
	}
	all.Wait()
	if person.asked != 1 {
		t.Errorf("the password was asked for %d times, want once", person.asked)
	}
	watch.until(t, "configmap/"+apply(t, program, p))
}

func TestAStricterPolicyIsMetWhileKubectlWaits(t *testing.T) {
	w, person, program := newKubeWorld(t, "off")
	id := w.signIn("off")
	p := w.kube(id)
	if out, err := kubectl(program, p, "get", "configmaps", "-n", "shop"); err != nil {
		t.Fatalf("kubectl says %q, %v", out, err)
	}
	w.demand("off", "false", "hardware_key_touch")
	if out, err := kubectl(program, p, "get", "configmaps", "-n", "shop"); err != nil {
		t.Errorf("with the weak key: %q, %v", out, err)
	}
	if policy := show(t, w.Manager, id).Policy; policy != "hardware_key_touch" || person.asked != 1 {
		t.Errorf("the certificates are for %s after %d questions", policy, person.asked)
	}
}

func TestKubectlIsToldWhyItIsRefused(t *testing.T) {
	w, _, program := newKubeWorld(t, "touch")
	id := w.signIn("touch")
	_, err := w.OpenKube(t.Context(), KubeRef{Cluster: id, Name: "missing"})
	wantFault(t, err, `no Kubernetes cluster "missing" on demo`)
	_, err = w.OpenKube(t.Context(), KubeRef{Cluster: id, Name: "kube", Port: 70000})
	wantFault(t, err, "Port 70000 cannot be opened")

	var untouched atomic.Bool
	w.card.onSign = func(context.Context, keystore.Purpose) error {
		if untouched.Load() {
			return fault.New("The key was not touched.", "Touch it when it blinks.")
		}
		return nil
	}
	p := w.kube(id)
	untouched.Store(true)
	if out, err := kubectl(program, p, "get", "namespaces"); err == nil || !strings.Contains(out, "The key was not touched. Touch it when it blinks.") {
		t.Errorf("kubectl says %q, %v", out, err)
	}
	untouched.Store(false)
	w.clock.advance(time.Minute)
	if out, err := kubectl(program, p, "get", "namespaces", "-o", "name"); err != nil {
		t.Errorf("the next try: %q, %v", out, err)
	}
}

func TestNoKubernetesRequestGoesToAProxyThatProvesNothing(t *testing.T) {
	w, _, program := newKubeWorld(t, "off")
	id := w.signIn("off")
	if _, err := w.KubeClusters(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.clusters[id].keyring.hostTLS = nil // its certificate is from an authority that nobody named
	p := w.kube(id)
	if out, err := kubectl(program, p, "get", "namespaces"); err == nil || !strings.Contains(out, "did not prove that it belongs to demo. Nothing was sent to it.") {
		t.Errorf("kubectl says %q, %v", out, err)
	}
	if asked := w.events(demo.EventKubeRequest); len(asked) != 0 {
		t.Errorf("the audit log has %+v", asked)
	}
}
