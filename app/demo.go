package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// demoWorld is the demo cluster and the virtual key beside it.
type demoWorld struct {
	key     *virtual.Key
	cluster *demo.Cluster
	kube    *demo.Kubernetes // behind the cluster
	state   string
	root    string // file with the attestation root
}

// demoReady is the line that "demo --serve" prints.
type demoReady struct {
	Proxy           string                 `json:"proxy"`
	CAFile          string                 `json:"ca_file"`
	Users           []demo.UserDescription `json:"users"`
	PCSCSocket      string                 `json:"pcsc_socket"`
	FIDODevice      string                 `json:"fido_device,omitempty"`
	Control         string                 `json:"control"`
	AttestationRoot string                 `json:"attestation_root"`
	AuditLog        string                 `json:"audit_log"`
	// Databases and Apps are what there is to reach; DatabasesMissing says why there are no databases.
	Databases        []demo.DatabaseDescription `json:"databases"`
	DatabasesMissing string                     `json:"databases_missing,omitempty"`
	Apps             []string                   `json:"apps"`
	// KubeClusters are the Kubernetes clusters; KubernetesMissing says why there are none.
	KubeClusters      []string `json:"kubernetes"`
	KubernetesMissing string   `json:"kubernetes_missing,omitempty"`
	State             string   `json:"state"`
}

// startDemo starts both in the state folder. The caller closes them.
func startDemo(ctx context.Context, state string, getenv func(string) string, o *options) (*demoWorld, error) {
	w := &demoWorld{state: state, root: filepath.Join(state, "attestation-root.pem")}
	keyState := filepath.Join(state, "key")
	if err := makePrivate(keyState); err != nil {
		return nil, err
	}
	var err error
	w.key, err = virtual.Start(virtual.Config{
		StateDir: keyState, Firmware: o.firmware, Latency: latencyOf(o.latency), Touch: virtual.TouchMode(o.touch), FIDO: canFIDO,
	})
	if err != nil {
		return nil, fault.Wrap(err, "The virtual key could not be started.", "Check that its state folder is yours, or choose another one with --state.")
	}
	if err := w.saveRoot(keyState); err != nil {
		return nil, closeAfter(err, w)
	}
	roots := x509.NewCertPool()
	roots.AddCert(w.key.Root())
	version, err := strconv.Atoi(o.version)
	if err != nil {
		return nil, closeAfter(err, w)
	}
	w.kube = demo.NewKubernetes(getenv, nil)
	w.cluster, err = demo.Start(ctx, demo.Config{
		State: filepath.Join(state, "cluster"), AttestationRoots: roots, AttestationRootFile: w.root, Now: time.Now,
		Shell: getenv("SHELL"), Env: os.Environ(), VersionProfile: version, Listeners: demo.Listeners(o.listeners),
		Kubernetes: w.kube,
	})
	if err == nil && canFIDO {
		err = w.enroll()
	}
	if err != nil {
		return nil, closeAfter(err, w)
	}
	return w, nil
}

// enroll makes the virtual key the security key of the people who have one.
func (w *demoWorld) enroll() error {
	for _, e := range w.cluster.KeyHolders() {
		credential, err := w.key.Register(e.RPID, e.UserID, e.UserName)
		if err == nil {
			err = w.cluster.AddSecurityKey(e.UserName, demo.SecurityKey{Name: "virtual key",
				ID: credential.ID, PublicKey: credential.PublicKey, AAGUID: credential.AAGUID})
		}
		if err != nil {
			return fault.Wrap(err, "The virtual key could not be made a security key of "+e.UserName+".", "Check the space left on the disk, or choose another state folder with --state.")
		}
	}
	return nil
}

func (w *demoWorld) saveRoot(keyState string) error {
	file, err := os.OpenFile(w.root, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(err, "The demo's state folder cannot be written.", "Check its owner and the space left on its disk, or choose another one with --state.")
	}
	if err := writeRoot(file, keyState); err != nil {
		return closeAfter(err, file)
	}
	return file.Close()
}

// Close ends the cluster first, so that nobody waits for the key any more.
func (w *demoWorld) Close() error {
	var err error
	if w.cluster != nil {
		err = w.cluster.Close()
	}
	if w.kube != nil {
		err = errors.Join(err, w.kube.Close())
	}
	if closing := w.key.Close(); err == nil {
		err = closing
	}
	return err
}

func (w *demoWorld) ready() demoReady {
	d := w.cluster.Ready()
	return demoReady{
		Proxy: d.Proxy, CAFile: d.CAFile, Users: d.Users, AuditLog: d.AuditLog, State: w.state,
		Databases: d.Databases, DatabasesMissing: d.DatabasesMissing, Apps: d.Apps,
		KubeClusters: d.KubeClusters, KubernetesMissing: d.KubernetesMissing,
		PCSCSocket: w.key.Socket(), FIDODevice: w.key.FIDOPath(), Control: w.key.Control(), AttestationRoot: w.root,
	}
}

func runDemo(ctx context.Context, env *environment, o *options, _ []string) error {
	if o.latency == "" && !o.serve {
		o.latency = "real"
	}
	state, err := demoFolder(o.state, env.getenv)
	if err != nil {
		return err
	}
	world, err := startDemo(ctx, state, env.getenv, o)
	if err != nil {
		return err
	}
	defer world.Close()
	if !o.serve {
		return runDemoWindow(ctx, env.getenv, world)
	}
	if err := json.NewEncoder(env.stdout).Encode(world.ready()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
