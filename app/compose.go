package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
	"github.com/touchstone-app/touchstone/session"
)

// workerCommand is the hidden command that runs card I/O in a process of its own (see keystore.Config.Worker).
const workerCommand = "card-worker"

// prompter is what both rooms ask people through.
type prompter interface {
	keystore.Prompter
	keystore.SlotPrompter
	keystore.ManagementPrompter
	session.Prompter
}

// rooms are the parts that every way of using Touchstone needs.
type rooms struct {
	keys     *keystore.Store
	sessions *session.Manager
	log      *logFile
	home     string // the folder of profiles and certificates
}

// roomsConfig is what differs between the ways of using Touchstone.
type roomsConfig struct {
	home     string // empty for the user's configuration folder
	prompter prompter
	lang     string // LANG for sessions on servers
	pivSlot  string // the slot that the environment names
	progress func(clusterID string, s session.SignIn)
	fido     *fido.Authenticator // nil for the computer's own security keys
	// attestationRoots are recognised besides Yubico's.
	attestationRoots *x509.CertPool
	agent            keystore.Agent // nil for none
	// agentMode is the window's part in the key agent service where the environment says nothing about it.
	agentMode agentMode
}

// openRooms builds the key store and the session manager on it. The caller closes what it gets.
func openRooms(c roomsConfig) (*rooms, error) {
	home, err := homeFolder(c.home)
	if err != nil {
		return nil, err
	}
	log, err := openLog(home)
	if err != nil {
		return nil, err
	}
	r := &rooms{log: log, home: home}
	r.keys, err = keystore.Open(keystore.Config{
		Prompter: cardPrompter(c.prompter), Names: openKeyNames(home), Worker: cardWorker,
		SecurityKeys: cmp.Or(c.fido, securityKeys()), Now: time.Now,
		Agent: c.agent, Activity: activityFile(home), Version: Version(), Log: log.logger,
		Roots: c.attestationRoots,
	})
	if err != nil {
		return nil, closeAfter(err, r)
	}
	r.sessions, err = session.New(session.Config{
		Home: home, Keys: r.keys, Prompter: c.prompter, Now: time.Now, Version: Version(), Lang: c.lang, Log: log.logger, PIVSlot: c.pivSlot,
		Progress: c.progress,
	})
	if err != nil {
		return nil, closeAfter(err, r)
	}
	return r, nil
}

// Close ends the rooms in the reverse order of their making and waits for each.
func (r *rooms) Close() error {
	var err error
	if r.sessions != nil {
		err = r.sessions.Close()
	}
	if r.keys != nil {
		if closing := r.keys.Close(); err == nil {
			err = closing
		}
	}
	if closing := r.log.Close(); err == nil {
		err = closing
	}
	return err
}

// closeAfter closes c because of err, which is what the person should see.
func closeAfter(err error, c io.Closer) error {
	_ = c.Close() // err says more
	return err
}

func cardWorker() *exec.Cmd { return workerProcess(workerCommand) }

// workerProcess is this same program, asked to talk to a device.
func workerProcess(command string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return withoutConsole(exec.Command(self, command))
}

func runCardWorker(_ context.Context, env *environment, _ *options, _ []string) error {
	if err := keystore.RunWorker(env.stdin, env.stdout); err != nil {
		return fmt.Errorf("talking to the card: %w", err)
	}
	return nil
}
