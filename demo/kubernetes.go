package demo

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Kubernetes is a private, real Kubernetes: an API server and the etcd that it keeps everything in. The first request
// starts both, which takes seconds, and Close ends them; their data are for trying, and start anew each time. Several
// clusters may lead to one Kubernetes.
type Kubernetes struct {
	programs kubernetesPrograms
	missing  error // why it cannot be started
	log      *slog.Logger
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	owner    group

	starting sync.Once
	ready    chan struct{} // closed once server or err is there
	server   *kubeServer   // set before ready is closed
	err      error         // set before ready is closed
}

// NewKubernetes looks for the programs and starts nothing. getenv is asked for TOUCHSTONE_KUBERNETES, XDG_CACHE_HOME,
// HOME and PATH; log may be nil. Whoever makes a Kubernetes closes it.
func NewKubernetes(getenv func(string) string, log *slog.Logger) *Kubernetes {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &Kubernetes{log: log, ready: make(chan struct{})}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	if k.programs, k.missing = findKubernetes(getenv); k.missing == nil {
		k.missing = canTether()
	}
	return k
}

// Missing is why there is no Kubernetes on this computer, as a fault; nil where it can be started.
func (k *Kubernetes) Missing() error {
	if k == nil {
		return fault.New("The demo was started without Kubernetes.", "Start it with the programs that \"make kubernetes\" builds.")
	}
	return k.missing
}

// Kubectl is the path of the kubectl that was built with the API server; empty where there is none.
func (k *Kubernetes) Kubectl() string { return k.programs.kubectl }

// Close ends the programs and returns when they are gone. Closing twice is allowed.
func (k *Kubernetes) Close() error {
	k.cancel()
	k.owner.close()
	return nil
}

// begin starts the programs in the background unless that was done before.
func (k *Kubernetes) begin() {
	k.starting.Do(func() { k.owner.run(k.cancel, k.run) })
}

// open waits until the API server answers, and starts it when it is called first.
func (k *Kubernetes) open(ctx context.Context) (*kubeServer, error) {
	k.begin()
	select {
	case <-k.ready:
	case <-k.ctx.Done():
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if k.ctx.Err() != nil {
		return nil, errStopped
	}
	return k.server, k.err
}

// errStopped says that Close came first.
var errStopped = errors.New("the API server was stopped")

// startTries is how often the programs are started: the port that was free a moment ago may be taken.
const startTries = 3

// run starts the programs and returns when they have ended.
func (k *Kubernetes) run() {
	for range startTries {
		pair, err := k.start()
		if err == nil {
			k.server = pair.server
			close(k.ready)
			pair.wait()
			return
		}
		k.err = err
		if k.ctx.Err() != nil {
			break
		}
		k.log.Warn("Kubernetes did not start", "err", err)
	}
	close(k.ready)
}
