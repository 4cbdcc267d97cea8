package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session"
)

// withSessions opens the rooms for one command and closes them after it.
func withSessions(env *environment, o *options, do func(*rooms) error) error {
	prompter := newTerminalPrompter(env)
	prompter.codes = session.Factor(o.auth) == session.FactorOTP
	k, err := newKeyAgent(env.getenv, agentOff)
	if err != nil {
		return err
	}
	r, err := openRooms(roomsConfig{home: o.home, prompter: prompter, agent: k, lang: env.getenv("LANG"), pivSlot: env.getenv(session.SlotVariable)})
	if err != nil {
		return err
	}
	if err := do(r); err != nil {
		return closeAfter(err, r)
	}
	return r.Close()
}

// pickCluster is the cluster that --cluster names, else the only one there is.
func pickCluster(s session.Snapshot, name string) (session.Cluster, error) {
	var found []session.Cluster
	for _, c := range s.Clusters {
		if name == "" && c.State != session.SignedOut || name != "" && (c.ID == name || c.Name == name) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return session.Cluster{}, fault.New("You are signed in to several clusters.", "Say which one with --cluster.")
	case name != "":
		return session.Cluster{}, fault.New(fmt.Sprintf("No cluster %s is known here.", name), `Sign in to it with "touchstone login".`)
	default:
		return session.Cluster{}, fault.New("You are not signed in.", `Sign in with "touchstone login".`)
	}
}

func runLogout(ctx context.Context, env *environment, o *options, _ []string) error {
	return withSessions(env, o, func(r *rooms) error {
		c, err := pickCluster(r.sessions.Snapshot(), o.cluster)
		if err != nil {
			return err
		}
		if err := r.sessions.SignOut(ctx, c.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "Signed out of %s.\n", c.Name)
		return err
	})
}

// clusterLine is what status prints of a cluster.
type clusterLine struct {
	Cluster string     `json:"cluster"`
	Proxy   string     `json:"proxy"`
	User    string     `json:"user"`
	State   string     `json:"state"`
	Policy  string     `json:"private_key_policy,omitempty"`
	Serial  uint32     `json:"serial,omitempty"`
	Slot    string     `json:"slot,omitempty"`
	Reason  string     `json:"slot_reason,omitempty"`
	Logins  []string   `json:"logins,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

func runStatus(_ context.Context, env *environment, o *options, _ []string) error {
	return withSessions(env, o, func(r *rooms) error {
		lines := []clusterLine{}
		for _, c := range r.sessions.Snapshot().Clusters {
			line := clusterLine{
				Cluster: c.Name, Proxy: c.Proxy, User: c.User, State: string(c.State), Policy: c.Policy,
				Serial: c.Serial, Slot: c.Slot, Reason: session.SlotChoice{From: c.SlotFrom}.Reason(), Logins: c.Logins,
			}
			if !c.Expires.IsZero() {
				line.Expires = &c.Expires
			}
			lines = append(lines, line)
		}
		if o.format == "json" {
			return printJSON(env.stdout, lines)
		}
		return printStatus(env.stdout, lines)
	})
}

func printStatus(w io.Writer, lines []clusterLine) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(w, `No cluster is known yet. "touchstone login" adds one.`)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLUSTER\tPROXY\tUSER\tSTATE\tKEY\tUNTIL")
	for _, l := range lines {
		until, key := "-", "software"
		if l.Expires != nil {
			until = l.Expires.Local().Format("2006-01-02 15:04")
		}
		if l.Serial != 0 {
			key = fmt.Sprintf("YubiKey %d, slot %s%s", l.Serial, l.Slot, inBrackets(l.Reason))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Cluster, l.Proxy, l.User, l.State, key, until)
	}
	return table.Flush()
}

// inBrackets is text behind a word that it explains, or nothing.
func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// resourceLine is what ls prints of a resource.
type resourceLine struct {
	Kind   string            `json:"kind"`
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

func runList(ctx context.Context, env *environment, o *options, _ []string) error {
	return withSessions(env, o, func(r *rooms) error {
		c, err := pickCluster(r.sessions.Snapshot(), o.cluster)
		if err != nil {
			return err
		}
		lines, err := listResources(ctx, r.sessions, c.ID)
		if err != nil {
			return err
		}
		if o.format == "json" {
			return printJSON(env.stdout, lines)
		}
		return printResources(env.stdout, lines)
	})
}

// listResources is what the user may see, kind by kind.
func listResources(ctx context.Context, sessions *session.Manager, cluster string) ([]resourceLine, error) {
	lines := []resourceLine{}
	servers, err := sessions.Servers(ctx, cluster)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		lines = append(lines, resourceLine{Kind: "node", Name: s.Hostname, Labels: s.Labels})
	}
	databases, err := sessions.Databases(ctx, cluster)
	if err != nil {
		return nil, err
	}
	for _, d := range databases {
		lines = append(lines, resourceLine{Kind: "db", Name: d.Name, Labels: d.Labels})
	}
	apps, err := sessions.Apps(ctx, cluster)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		lines = append(lines, resourceLine{Kind: "app", Name: a.Name, Labels: a.Labels})
	}
	kubes, err := sessions.KubeClusters(ctx, cluster)
	if err != nil {
		return nil, err
	}
	for _, k := range kubes {
		lines = append(lines, resourceLine{Kind: "kube", Name: k.Name, Labels: k.Labels})
	}
	return lines, nil
}

func printResources(w io.Writer, lines []resourceLine) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tNAME\tLABELS")
	for _, l := range lines {
		labels := []string{}
		for _, key := range slices.Sorted(maps.Keys(l.Labels)) {
			labels = append(labels, key+"="+l.Labels[key])
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", l.Kind, l.Name, strings.Join(labels, " "))
	}
	return table.Flush()
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
