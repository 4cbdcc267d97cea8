package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session"
)

func runProxyDatabase(ctx context.Context, env *environment, o *options, args []string) error {
	if len(args) != 1 {
		return &usageError{"proxy db needs one database.", `"touchstone proxy db --help" shows how it is used.`}
	}
	return serveProxy(ctx, env, o, func(m *session.Manager, cluster string) (session.ProxyID, error) {
		return m.OpenDatabase(ctx, session.DatabaseRef{Cluster: cluster, Name: args[0], User: o.dbUser, Database: o.dbName, Port: o.port})
	})
}

func runProxyApp(ctx context.Context, env *environment, o *options, args []string) error {
	if len(args) != 1 {
		return &usageError{"proxy app needs one application.", `"touchstone proxy app --help" shows how it is used.`}
	}
	return serveProxy(ctx, env, o, func(m *session.Manager, cluster string) (session.ProxyID, error) {
		return m.OpenApp(ctx, session.AppRef{Cluster: cluster, Name: args[0], Port: o.port})
	})
}

func runProxyKube(ctx context.Context, env *environment, o *options, args []string) error {
	if len(args) != 1 {
		return &usageError{"proxy kube needs one Kubernetes cluster.", `"touchstone proxy kube --help" shows how it is used.`}
	}
	return serveProxy(ctx, env, o, func(m *session.Manager, cluster string) (session.ProxyID, error) {
		return m.OpenKube(ctx, session.KubeRef{Cluster: cluster, Name: args[0], Port: o.port})
	})
}

// serveProxy opens a local proxy, prints where it is, and serves until interrupted.
func serveProxy(ctx context.Context, env *environment, o *options, open func(*session.Manager, string) (session.ProxyID, error)) error {
	return withSessions(env, o, func(r *rooms) error {
		c, err := pickCluster(r.sessions.Snapshot(), o.cluster)
		if err != nil {
			return err
		}
		id, err := open(r.sessions, c.ID)
		if err != nil {
			return err
		}
		info := proxyByID(r.sessions.Snapshot(), id)
		if err := printProxy(env.stdout, o.format, info); err != nil {
			return err
		}
		return reportProblems(ctx, env.stderr, r.sessions, id)
	})
}

// proxyLine is the first line that a proxy prints.
type proxyLine struct {
	Address    string `json:"address"`
	Command    string `json:"command"`
	Kubeconfig string `json:"kubeconfig,omitempty"`
}

func printProxy(w io.Writer, format string, p session.ProxyInfo) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(proxyLine{Address: p.Address, Command: p.Command, Kubeconfig: p.Kubeconfig})
	}
	_, err := fmt.Fprintf(w, "%s is at %s until this command is interrupted.\n%s\n", p.Name, p.Address, p.Command)
	return err
}

// reportProblems prints why connections fail, each reason once in a row, until ctx ends.
func reportProblems(ctx context.Context, w io.Writer, sessions *session.Manager, id session.ProxyID) error {
	var last *fault.Fault
	for version := uint64(0); ; {
		snapshot, err := sessions.Wait(ctx, version)
		if ctx.Err() != nil {
			return nil // interrupted, as is the way to end it
		}
		if err != nil {
			return err
		}
		version = snapshot.Version
		p := proxyByID(snapshot, id)
		if p.Problem != nil && p.Problem != last {
			fmt.Fprintln(w, p.Problem.What, p.Problem.Do)
		}
		last = p.Problem
	}
}

func proxyByID(s session.Snapshot, id session.ProxyID) session.ProxyInfo {
	for _, p := range s.Proxies {
		if p.ID == id {
			return p
		}
	}
	return session.ProxyInfo{}
}
