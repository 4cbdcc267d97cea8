package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session"
)

// openSSHConfig is what OpenSSH must be told to reach the servers of a cluster.
type openSSHConfig struct {
	Hosts        string `json:"hosts"` // pattern
	ProxyCommand string `json:"proxy_command"`
	Agent        string `json:"identity_agent"`
	KnownHosts   string `json:"user_known_hosts_file"`
}

// runConfig prints a piece of configuration for OpenSSH.
func runConfig(_ context.Context, env *environment, o *options, _ []string) error {
	return withSessions(env, o, func(r *rooms) error {
		c, err := pickCluster(r.sessions.Snapshot(), o.cluster)
		if err != nil {
			return err
		}
		config, err := openSSHConfigOf(r, c)
		if err != nil {
			return err
		}
		if o.format == "json" {
			return printJSON(env.stdout, config)
		}
		return config.print(env.stdout, c.Name)
	})
}

func openSSHConfigOf(r *rooms, c session.Cluster) (openSSHConfig, error) {
	files, err := prepareOpenSSH(r, c.ID)
	if err != nil {
		return openSSHConfig{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return openSSHConfig{}, fmt.Errorf("finding this program: %w", err)
	}
	command := fmt.Sprintf("%s proxy ssh --home %s --cluster %s ", shellQuote(self), shellQuote(r.home), shellQuote(c.ID))
	return openSSHConfig{
		Hosts:        "*." + c.Name,
		ProxyCommand: percent(command) + "%r@%h:%p",
		Agent:        percent(files.agent),
		KnownHosts:   percent(files.knownHosts),
	}, nil
}

// print writes the lines. Nothing but Touchstone's agent and the cluster's authorities counts for these hosts: other
// keys are not offered to them, and nobody is asked whether to trust an unknown host.
func (c openSSHConfig) print(w io.Writer, cluster string) error {
	_, err := fmt.Fprintf(w, `# Servers of %s, as "ssh LOGIN@SERVER%s": append this to ~/.ssh/config.
Host %s
    ProxyCommand %s
    IdentityAgent "%s"
    IdentityFile none
    UserKnownHostsFile "%s"
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
    UpdateHostKeys no
    ForwardAgent no
`, cluster, strings.TrimPrefix(c.Hosts, "*"), c.Hosts, c.ProxyCommand, c.Agent, c.KnownHosts)
	return err
}

// percent doubles percent signs, which OpenSSH would replace.
func percent(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// shellQuote makes one word of text for a POSIX shell, which runs a ProxyCommand.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// openSSHFiles are the files that OpenSSH is pointed to for one cluster.
type openSSHFiles struct{ agent, knownHosts string }

// openSSHFilesOf names the files below home and makes their folder. Cluster IDs are host names, perhaps IPv6.
func openSSHFilesOf(home, clusterID string) (openSSHFiles, error) {
	folder := filepath.Join(home, "ssh")
	if err := makePrivate(folder); err != nil {
		return openSSHFiles{}, err
	}
	name := filepath.Join(folder, strings.ReplaceAll(clusterID, ":", "_"))
	return openSSHFiles{agent: name + ".agent", knownHosts: name + ".known_hosts"}, nil
}

// writeKnownHosts replaces the known_hosts file as a whole, because other connections may be reading it.
func (f openSSHFiles) writeKnownHosts(lines []byte) error {
	next := fmt.Sprintf("%s.%d", f.knownHosts, os.Getpid())
	err := os.WriteFile(next, lines, 0o600)
	if err == nil {
		err = os.Rename(next, f.knownHosts)
	}
	if err != nil {
		return fault.Wrap(err, fmt.Sprintf("The file %s cannot be written.", f.knownHosts), "Check that the folder is yours and its disk is not full.")
	}
	return nil
}
