package demo

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// kubePair is a running etcd and the API server in front of it. When one ends, so does the other.
type kubePair struct {
	server *kubeServer
	folder string
	cancel context.CancelCauseFunc // ends both
	both   sync.WaitGroup
}

// kubePatience is how long the API server may take to answer. On an idle computer it takes two seconds.
const kubePatience = 2 * time.Minute

// start starts both and returns when the API server answers and holds what there is to see.
func (k *Kubernetes) start() (*kubePair, error) {
	begun := time.Now()
	folder, err := os.MkdirTemp("", "touchstone-kubernetes-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for Kubernetes: %w", err)
	}
	ctx, cancel := context.WithCancelCause(k.ctx)
	pair := &kubePair{folder: folder, cancel: cancel}
	if err := k.startIn(ctx, pair); err != nil {
		cancel(err)
		pair.wait()
		return nil, err
	}
	k.log.Info("Kubernetes answers", "programs", k.programs, "after", time.Since(begun))
	return pair, nil
}

func (k *Kubernetes) startIn(ctx context.Context, pair *kubePair) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	keys, err := writeKubeKeys(pair.folder)
	if err != nil {
		return err
	}
	pair.server = newKubeServer(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), keys)
	for _, command := range []*exec.Cmd{
		k.command(ctx, pair.folder, k.programs.etcd, etcdArguments),
		k.command(ctx, pair.folder, k.programs.apiServer, slices.Concat(apiServerArguments, []string{"--secure-port=" + strconv.Itoa(port)})),
	} {
		if err := pair.run(command); err != nil {
			return err
		}
	}
	patient, done := context.WithTimeout(ctx, kubePatience)
	defer done()
	if err := pair.server.prepare(patient); err != nil {
		return fmt.Errorf("waiting for Kubernetes: %w", err)
	}
	return nil
}

// run starts one program; when it ends, it ends the other.
func (p *kubePair) run(command *exec.Cmd) error {
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", command.Path, err)
	}
	p.both.Go(func() {
		err := command.Wait()
		p.cancel(fmt.Errorf("%s ended: %w: %s", filepath.Base(command.Path), err, command.Stderr))
	})
	return nil
}

// wait returns when both have ended and nothing of them is left.
func (p *kubePair) wait() {
	p.both.Wait()
	p.cancel(nil)
	if p.server != nil {
		p.server.close()
	}
	_ = os.RemoveAll(p.folder)
}

// command is one of the programs. It ends with its context, and with us.
func (k *Kubernetes) command(ctx context.Context, folder, program string, args []string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = folder
	command.Env = []string{plainPath, "HOME=" + folder, "LC_ALL=C.UTF-8", "TZ=UTC"}
	command.Stderr = &logTail{log: k.log.With("program", filepath.Base(program))}
	command.WaitDelay = 5 * time.Second
	tether(command)
	return command
}

// etcdArguments keep etcd off the network: who can enter the folder may talk to it, and that is us. What it holds need
// not survive anything, so it never waits for a disk.
var etcdArguments = []string{
	"--data-dir=data", "--unsafe-no-fsync",
	"--listen-client-urls=" + etcdSocket, "--advertise-client-urls=" + etcdSocket,
	"--listen-peer-urls=unix://peer:0", "--initial-advertise-peer-urls=http://127.0.0.1:1",
	"--initial-cluster=default=http://127.0.0.1:1",
}

// etcdSocket is the file "client:0" in the folder that both run in: what stands for host and port is the path.
const etcdSocket = "unix://client:0"

// apiServerArguments leave out what needs a controller or a node, neither of which is there.
var apiServerArguments = []string{
	"--etcd-servers=" + etcdSocket,
	"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
	"--tls-cert-file=server.crt", "--tls-private-key-file=server.key",
	"--client-ca-file=ca.crt", "--anonymous-auth=false", "--authorization-mode=RBAC",
	"--service-account-issuer=https://localhost", "--service-account-key-file=server.crt",
	"--service-account-signing-key-file=server.key", "--disable-admission-plugins=ServiceAccount",
	"--service-cluster-ip-range=10.0.0.0/24", "--profiling=false",
}
