package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/agent"
)

// keyAgentVariable says whether to sign for tsh, tctl and other programs, or to have another program sign.
const keyAgentVariable = "TOUCHSTONE_KEY_AGENT"

// agentMode is what keyAgentVariable can say.
type agentMode string

const (
	agentOff   agentMode = "off"
	agentUse   agentMode = "use"   // have an agent sign that is there, else use the card
	agentServe agentMode = "serve" // sign for other programs; where one serves already, use it
)

// keyAgent is Touchstone's part in the key agent service: the one that answers, or one that asks.
type keyAgent struct {
	folder  string
	mode    agentMode
	client  agent.Client
	server  *agent.Server // nil while it does not serve
	serving atomic.Bool
}

// newKeyAgent reads what the environment wants; otherwise is for an environment that says nothing.
func newKeyAgent(getenv func(string) string, otherwise agentMode) (*keyAgent, error) {
	mode := otherwise
	if word := getenv(keyAgentVariable); word != "" {
		mode = agentMode(word)
	}
	if mode != agentOff && mode != agentUse && mode != agentServe {
		return nil, &usageError{fmt.Sprintf("%s is %q.", keyAgentVariable, mode), "Set it to serve, use or off."}
	}
	folder := agent.Folder(getenv)
	return &keyAgent{folder: folder, mode: mode, client: agent.Client{Folder: folder}}, nil
}

// Sign is keystore.Agent: it asks another program, unless that would be this one.
func (k *keyAgent) Sign(ctx context.Context, r keystore.AgentRequest) ([]byte, error) {
	if k.mode == agentOff || k.serving.Load() {
		return nil, agent.ErrNoAgent
	}
	return k.client.Sign(ctx, r)
}

// serve begins to sign for other programs with keys, if that is wanted and nobody else does it.
func (k *keyAgent) serve(ctx context.Context, keys *keystore.Store, log *slog.Logger) error {
	if k.mode != agentServe {
		return nil
	}
	server, err := agent.Start(ctx, agent.Config{Folder: k.folder, Keys: keys, Now: time.Now, Log: log})
	if err != nil {
		return err
	}
	k.server = server
	k.serving.Store(true)
	return nil
}

// Close ends the service. Closing what does not serve is allowed.
func (k *keyAgent) Close() error {
	if k.server == nil {
		return nil
	}
	return k.server.Close()
}

// serveInWindow is serve for a window, which works without as well: another agent is used, and everything else that
// is in the way is for the log.
func (k *keyAgent) serveInWindow(ctx context.Context, r *rooms) {
	if err := k.serve(ctx, r.keys, r.log.logger); err != nil {
		r.log.logger.Warn("tsh and tctl are not answered", "err", err)
	}
}

// keyAgentReady is the line that "key agent" prints.
type keyAgentReady struct {
	Socket      string `json:"socket"`
	Certificate string `json:"certificate"`
	PID         int    `json:"pid"`
}

// runKeyAgent signs for other programs until it is interrupted, and asks in the terminal.
func runKeyAgent(ctx context.Context, env *environment, o *options, _ []string) error {
	return withSessions(env, o, func(r *rooms) error {
		k, err := newKeyAgent(func(name string) string {
			if name == keyAgentVariable {
				return string(agentServe) // that is what was asked for
			}
			return env.getenv(name)
		}, agentServe)
		if err != nil {
			return err
		}
		if err := k.serve(ctx, r.keys, r.log.logger); err != nil {
			return agentFault(k.folder, err)
		}
		defer k.Close()
		ready := keyAgentReady{Socket: filepath.Join(k.folder, "agent.sock"), Certificate: filepath.Join(k.folder, "cert.pem"), PID: os.Getpid()}
		if err := json.NewEncoder(env.stdout).Encode(ready); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
}

// agentFault says why other programs cannot be signed for.
func agentFault(folder string, err error) error {
	var running *agent.RunningError
	if errors.As(err, &running) {
		return fault.Wrap(err, fmt.Sprintf("Process %d signs for other programs already.", running.PID),
			"Close that program first, or leave it to it.")
	}
	return fault.Wrap(err, fmt.Sprintf("The folder %s cannot be used for the key agent.", folder),
		"Make sure that it is yours, or name another one in TELEPORT_KEY_AGENT_DIR.")
}
