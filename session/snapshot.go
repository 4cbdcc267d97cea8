package session

import (
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Snapshot is everything the manager knows at one moment. It never changes once published; Version rises by at
// least one with every change, and readers may skip versions.
type Snapshot struct {
	Version  uint64
	Clusters []Cluster // ordered by Name
	Shells   []ShellInfo
	Proxies  []ProxyInfo // open local proxies, in the order of their opening
}

// State is where a cluster's session stands.
type State string

// The states of a session.
const (
	SignedOut State = "signed out"
	SigningIn State = "signing in"
	SignedIn  State = "signed in"
	Expired   State = "expired"
)

// Cluster is one profile and its session.
type Cluster struct {
	ID      string // the profile's name: the host of the proxy
	Name    string // what the cluster calls itself; the ID until it was reached once
	Proxy   string // host:port of the web proxy
	User    string
	State   State
	Expires time.Time // end of the certificates; zero when there are none
	// Policy is the private key policy that the present certificates satisfy, in the cluster's word
	// ("none", "hardware_key_touch", ...).
	Policy string
	Serial uint32 // of the key that signs; zero for a software key
	Slot   string // of the key that signs, "9c"; empty for a software key
	// SlotFrom is who chose Slot; empty for a software key and for one of an earlier Touchstone.
	SlotFrom SlotSource
	Roles    []string
	Logins   []string // Unix logins the certificates allow
	SignIn   *SignIn  // set while a sign-in runs
	Problem  *fault.Fault

	Servers        []Server
	ServersLoading bool
	ServersProblem *fault.Fault

	Databases        []Database // ordered by name
	DatabasesLoading bool
	DatabasesProblem *fault.Fault

	Apps        []App // ordered by name
	AppsLoading bool
	AppsProblem *fault.Fault

	KubeClusters        []KubeCluster // ordered by name
	KubeClustersLoading bool
	KubeClustersProblem *fault.Fault
}

// Step is one step of a sign-in.
type Step string

// The steps of a sign-in, in the order they can happen. StepKey and StepAgain happen only when the cluster's
// private key policy was not met by the first round.
const (
	StepReach    Step = "Reach the cluster"
	StepPassword Step = "Check the password"
	StepKey      Step = "Prepare the hardware key"
	StepAgain    Step = "Sign in again with the key"
	StepDone     Step = "Ready"
)

// SignIn is the progress of a running sign-in.
type SignIn struct {
	Steps   []Step // those that this sign-in has or will have, in order
	Current Step
	// Unmet is the policy that the first round did not meet, in the cluster's word; empty before that.
	Unmet string
	// Slot is where the hardware key is or will be; zero before that is settled.
	Slot SlotChoice
	// Gestures are in the order they come; nil where nothing besides the password is known to be wanted.
	Gestures []Gesture
}

// Gesture is something that a sign-in wants of the person besides the password.
type Gesture struct {
	Kind  GestureKind
	Why   string // what it is for, in words
	State GestureState
}

// GestureKind says what the person does.
type GestureKind string

// The gestures.
const (
	GestureTap   GestureKind = "tap"   // of the security key
	GestureTouch GestureKind = "touch" // of the hardware key that the certificates are for
	GesturePIN   GestureKind = "pin"   // of that hardware key
	GestureCode  GestureKind = "code"  // one-time, from another device
)

// GestureState says whether a gesture was made.
type GestureState string

// The states of a gesture.
const (
	GestureAhead GestureState = "ahead"
	GestureNow   GestureState = "now"
	GestureDone  GestureState = "done"
)

// Server is an SSH server that the user may see.
type Server struct {
	ID       string // UUID
	Hostname string
	Address  string // empty for servers that reach the cluster through a tunnel
	Labels   map[string]string
}

// ShellInfo is one open or ended SSH session.
type ShellInfo struct {
	ID      uint64
	Cluster string // Cluster.ID
	Login   string
	Host    string
	Ended   bool
	Status  int // exit status once ended
	Problem *fault.Fault
}
