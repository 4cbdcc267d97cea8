// Package ui is the window: it renders snapshots of sessions and keys and forwards what the person wants. It decides
// nothing: no network, no files, no cryptography. Everything it needs comes in through Deps, and every background
// result reaches the Fyne thread through one door, loop.go.
package ui

import (
	"context"
	"io"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// Sessions is what the window wants of the session manager.
type Sessions interface {
	Snapshot() session.Snapshot
	// Wait blocks until a snapshot newer than version after exists.
	Wait(ctx context.Context, after uint64) (session.Snapshot, error)
	// AddCluster reaches the proxy at address ("host:port") and remembers it. caFile may be empty; else it names a
	// PEM file whose certificates are trusted for this proxy besides the system's.
	AddCluster(ctx context.Context, address, caFile string) (clusterID string, err error)
	// SignIn runs the whole ceremony, the second round included. It takes password over and wipes it. The slot is
	// keystore's or zero for the cluster's choice.
	SignIn(ctx context.Context, clusterID, user string, password *secret.Bytes, slot keystore.Slot) error
	SignOut(ctx context.Context, clusterID string) error
	// RefreshServers asks for the server list again; the result arrives in the next snapshots.
	RefreshServers(ctx context.Context, clusterID string) error
	// Databases, Apps and KubeClusters ask for those lists again; the results arrive in the next snapshots as well.
	Databases(ctx context.Context, clusterID string) ([]session.Database, error)
	Apps(ctx context.Context, clusterID string) ([]session.App, error)
	KubeClusters(ctx context.Context, clusterID string) ([]session.KubeCluster, error)
	// OpenDatabase, OpenApp and OpenKube open a local proxy, or return the one that is open already; StopProxy ends it and waits.
	OpenDatabase(ctx context.Context, ref session.DatabaseRef) (session.ProxyID, error)
	OpenApp(ctx context.Context, ref session.AppRef) (session.ProxyID, error)
	OpenKube(ctx context.Context, ref session.KubeRef) (session.ProxyID, error)
	StopProxy(id session.ProxyID) error
	// OpenShell opens an SSH session with a terminal on the server with that ID.
	OpenShell(ctx context.Context, r session.ShellRequest) (*session.Shell, error)
}

// Keys is what the window wants of the key store.
type Keys interface {
	Snapshot() keystore.Snapshot
	Wait(ctx context.Context, after uint64) (keystore.Snapshot, error)
	// Refresh asks the cards again for their state, for example after another program may have changed a PIN.
	Refresh(ctx context.Context) error
	// SetPINAndPUK replaces the factory PIN and PUK of a card and checks the new ones on it. It wipes neither.
	SetPINAndPUK(ctx context.Context, serial uint32, pin, puk *secret.Bytes) error
	// ForgetPINs empties the PIN cache.
	ForgetPINs()
	// Activity is what keys were asked to sign, the newest first; it may wait for the disk.
	Activity() []keystore.Activity
	// Describe reads everything that a card tells about itself.
	Describe(ctx context.Context, serial uint32) (*keystore.CardDetails, error)
	// ChangePIN, ChangePUK and UnblockPIN replace a PIN or PUK on the authority of the present PIN or the PUK. They wipe
	// neither secret.
	ChangePIN(ctx context.Context, serial uint32, was, pin *secret.Bytes, last keystore.LastAttempt) error
	ChangePUK(ctx context.Context, serial uint32, was, puk *secret.Bytes, last keystore.LastAttempt) error
	UnblockPIN(ctx context.Context, serial uint32, puk, pin *secret.Bytes, last keystore.LastAttempt) error
	// Generate makes a key and destroys nothing but what g.Overwrite names. It asks for PIN and touch where that is needed.
	Generate(ctx context.Context, g keystore.Generation, purpose keystore.Purpose) (*keystore.SlotDetails, error)
	// ResetPIV destroys all PIV keys of a card if confirm is its serial number; it returns what there was.
	ResetPIV(ctx context.Context, serial uint32, confirm string) (*keystore.CardDetails, error)
	// SetName has a card called by a name of the person's; an empty one takes it away.
	SetName(serial uint32, name string) error
}

// Terminal is what runs in a terminal tab: an SSH session, or a program of this computer.
type Terminal interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Stderr() io.Reader
	Resize(cols, rows int) error
	// Wait waits for the end. An error means that there is no exit status.
	Wait() (status int, err error)
	// Close ends what runs and waits for it.
	Close() error
}

// Program is a program of this computer that runs in a terminal tab.
type Program struct {
	Argv []string // empty for the person's own shell
	Env  []string // besides the app's own environment, as "NAME=value"
}

// VirtualKey is the software key of demo mode, shown in a window of its own.
type VirtualKey interface {
	Status() VirtualKeyStatus
	// Changed returns a channel that is closed at the next change.
	Changed() <-chan struct{}
	Touch()
	Plug()
	Unplug()
}

// VirtualKeyStatus is what the virtual key's window shows.
type VirtualKeyStatus struct {
	Serial   uint32
	Firmware string
	Plugged  bool
	Waiting  bool // a touch is wanted
}

// Desktop is what the window wants of the desktop around it. All methods return at once.
type Desktop interface {
	// HasTray says whether there is a tray with room for an icon now; trays come and go.
	HasTray() bool
	// SetTrayIcon and SetTrayMenu replace what the tray shows, or will show when there is one. They are called before the
	// app runs for the first time, because Fyne looks for a tray only then.
	SetTrayIcon(icon fyne.Resource)
	SetTrayMenu(menu *fyne.Menu)
	// OpenURL opens a browser.
	OpenURL(url string) error
	// Notify shows a notification until withdraw is called, which may happen twice. clicked runs on any goroutine.
	Notify(title, text string, clicked func()) (withdraw func())
}

// Memory keeps what the window remembers from one run to the next.
type Memory interface {
	Remembered() Remembered
	// Remember replaces it all; it may wait for the disk.
	Remember(Remembered) error
}

// Remembered is what a person has taught the window.
type Remembered struct {
	Pins    []Place `json:"pins,omitempty"`    // in the order they were pinned
	Recents []Place `json:"recents,omitempty"` // the latest first
	// StaysInTray is set once the person knows that a closed window goes on in the tray.
	StaysInTray bool `json:"stays_in_tray,omitempty"`
	// NotifyUses is set where the person wants to be notified of each use of a key.
	NotifyUses bool `json:"notify_uses,omitempty"`
}

// Place is a server, a database, an application or a Kubernetes cluster as it is remembered.
type Place struct {
	Cluster  string `json:"cluster"`            // session.Cluster.ID
	Kind     string `json:"kind,omitempty"`     // "db", "app" or "kube"; empty for a server
	Server   string `json:"server"`             // session.Server.ID, or Name
	Name     string `json:"name"`               // the server's host name
	Login    string `json:"login,omitempty"`    // on the server, or in the database
	Database string `json:"database,omitempty"` // within the database server
}

// Welcome prefills the first-run wizard; demo mode uses it. All fields may be empty.
type Welcome struct {
	Address string
	CAFile  string
	User    string
	// Note is shown on the wizard's sign-in page, for example where the demo's password is to be found.
	Note     string
	Password string // the demo cluster's throw-away password, offered on the sign-in page
}

// Deps is everything the window is built from.
type Deps struct {
	App        fyne.App
	Sessions   Sessions
	Keys       Keys
	Desktop    Desktop
	Memory     Memory
	VirtualKey VirtualKey // nil outside demo mode
	// RunProgram starts a program on a terminal of its own; nil where that cannot be done.
	RunProgram func(context.Context, Program, session.Terminal) (Terminal, error)
	Welcome    Welcome
	// Prompter is the one that keystore and session were given: it is made first, with NewPrompter, because they need
	// it before the window, which needs them.
	Prompter *Prompter
	FirstRun bool // start with the wizard
	Version  string
	// Post runs a function on the Fyne thread: fyne.Do in the app, a queue in tests.
	Post func(func())
	// Now is the clock; time.Now in the app.
	Now func() time.Time
}
