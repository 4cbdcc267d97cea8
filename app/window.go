package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"fyne.io/fyne/v2"
	fyneapp "fyne.io/fyne/v2/app"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore/virtual"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui"
)

// appID must be FyneApp.toml's: Fyne keeps its preferences under it.
const appID = "app.touchstone.Touchstone"

// keyArrival is how long the window waits for a security key to be plugged in: less than clusters wait for the answer to
// a challenge, five minutes.
const keyArrival = 3 * time.Minute

// runWindow is the app as people start it.
func runWindow(ctx context.Context, env *environment, o *options, _ []string) error {
	return openWindow(ctx, env.getenv, roomsConfig{home: o.home, agentMode: agentServe}, ui.Deps{})
}

// runDemoWindow is the app with the demo cluster and the virtual key. Its profiles live in the demo's state folder:
// a demo never touches those of real clusters.
func runDemoWindow(ctx context.Context, getenv func(string) string, world *demoWorld) error {
	// libpcsclite reads the socket's name once per process: it must be set before the first card call.
	if err := os.Setenv("PCSCLITE_CSOCK_NAME", world.key.Socket()); err != nil {
		return err
	}
	ready := world.ready()
	user := ready.Users[len(ready.Users)-1] // the one with the strictest policy shows the most
	roots := x509.NewCertPool()
	roots.AddCert(world.key.Root())
	config := roomsConfig{
		home: filepath.Join(world.state, "home"), agentMode: agentOff, fido: demoSecurityKey(world.key.FIDOPath()), attestationRoots: roots,
	}
	return openWindow(ctx, getenv, config, ui.Deps{
		VirtualKey: virtualKey{world.key},
		Welcome: ui.Welcome{
			Address: ready.Proxy, CAFile: ready.CAFile, User: user.Name, Password: user.Password,
			Note: "This is the demo cluster on this computer. Its password is filled in for you.",
		},
	})
}

// openWindow completes deps, shows the window and returns when the person quits or ctx ends.
func openWindow(ctx context.Context, getenv func(string) string, config roomsConfig, deps ui.Deps) error {
	if err := checkDisplay(runtime.GOOS, getenv); err != nil {
		return err
	}
	leaveConsole()
	fyneapp.SetMetadata(fyne.AppMetadata{
		ID: appID, Name: "Touchstone", Version: Version(), Icon: assets.AppIcon(),
		Migrations: fyneMigrations(),
	})
	application := fyneapp.NewWithID(appID)
	prompter := ui.NewPrompter(fyne.Do, time.Now)
	home, err := homeFolder(config.home)
	if err != nil {
		return err
	}
	memory, err := openSettings(home)
	if err != nil {
		return err
	}
	config.home, config.prompter, config.lang = home, prompter, getenv("LANG")
	config.pivSlot = getenv(session.SlotVariable)
	k, err := newKeyAgent(getenv, config.agentMode)
	if err != nil {
		return err
	}
	config.agent = k
	config.fido = cmp.Or(config.fido, securityKeys())
	config.fido.Arrival = keyArrival
	r, err := openRooms(config)
	if err != nil {
		return err
	}
	defer r.Close()
	k.serveInWindow(ctx, r)
	defer k.Close()
	log.SetOutput(fyneLog{r.log.logger}) // what Fyne has to say belongs in our log, not on a person's terminal
	around := openDesktop(application, getenv, r.log.logger)
	defer around.Close()
	deps.App, deps.Prompter = application, prompter
	deps.Desktop, deps.Memory = around, memory
	deps.Sessions, deps.Keys = r.sessions, r.keys
	deps.RunProgram = runProgram
	deps.Version, deps.Post, deps.Now = Version(), fyne.Do, time.Now
	deps.FirstRun = len(r.sessions.Snapshot().Clusters) == 0
	window := ui.New(deps)
	defer window.Close()
	stop := context.AfterFunc(ctx, func() { fyne.Do(application.Quit) })
	defer stop()
	window.Show()
	application.Run()
	return nil
}

// virtualKey shows the device to the window that is its face.
type virtualKey struct{ key *virtual.Key }

func (v virtualKey) Status() ui.VirtualKeyStatus {
	s := v.key.Status()
	return ui.VirtualKeyStatus{Serial: s.Serial, Firmware: s.Firmware, Plugged: s.Plugged, Waiting: s.Waiting}
}

func (v virtualKey) Changed() <-chan struct{} { return v.key.Changed() }
func (v virtualKey) Touch()                   { v.key.Touch() }
func (v virtualKey) Plug()                    { v.key.Plug() }
func (v virtualKey) Unplug()                  { v.key.Unplug() }
