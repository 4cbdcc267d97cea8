package fido

// A worker process does one job: it reads the PIN (a length byte and that many bytes, usually none) and the job as
// JSON, writes any number of events as JSON lines, the last of them its result, and ends. When its standard input ends
// before, it cancels what the keys are doing.

// task names what a worker is to do.
type task string

const (
	taskFind   task = "find"   // look for keys and for the credentials on them, without a tap
	taskAssert task = "assert" // have one of the keys sign
)

// job is the order to a worker.
type job struct {
	Task       task     `json:"task"`
	Paths      []string `json:"paths,omitempty"` // find: devices besides those that are discovered
	Discover   bool     `json:"discover,omitempty"`
	RPID       string   `json:"rp_id"`
	AppID      string   `json:"app_id,omitempty"`
	Allowed    [][]byte `json:"allowed,omitempty"`
	Hash       []byte   `json:"hash,omitempty"`
	VerifyUser bool     `json:"verify_user,omitempty"`
	Keys       []key    `json:"keys,omitempty"` // assert: the ones to ask
}

// key is a security key that was found.
type key struct {
	Path     string   `json:"path"`
	Name     string   `json:"name"` // for people
	Problem  *failure `json:"problem,omitempty"`
	FIDO2    bool     `json:"fido2,omitempty"`
	HasPIN   bool     `json:"has_pin,omitempty"`
	ReadsUV  bool     `json:"reads_uv,omitempty"` // it can verify the user without a PIN
	PINTries int      `json:"pin_tries,omitempty"`
	// Credential is one that the key holds, under RPID; empty with Holds means any discoverable one.
	Holds      bool   `json:"holds,omitempty"`
	Credential []byte `json:"credential,omitempty"`
	RPID       string `json:"rp_id,omitempty"`
}

// event is one line from a worker.
type event struct {
	Waiting bool     `json:"waiting,omitempty"` // the keys blink
	Done    bool     `json:"done,omitempty"`    // this is the result
	Keys    []key    `json:"keys,omitempty"`
	Signed  *signed  `json:"signed,omitempty"`
	Failure *failure `json:"failure,omitempty"`
}

// signed is a key's answer.
type signed struct {
	Credential []byte `json:"credential"`
	AuthData   []byte `json:"auth_data"`
	Signature  []byte `json:"signature"`
	UserHandle []byte `json:"user_handle,omitempty"`
	AppID      bool   `json:"app_id,omitempty"`
}

// failure is a worker's error. It never reaches a person: faults.go has the sentences.
type failure struct {
	Kind     kind   `json:"kind"`
	PINTries int    `json:"pin_tries,omitempty"` // left, for kindPINWrong
	Text     string `json:"text"`
}

func (f *failure) Error() string { return f.Text }

// kind sorts failures by what has to be done about them.
type kind string

const (
	kindGone         kind = "gone"   // the device is away, or cannot be opened
	kindDenied       kind = "denied" // the system does not let this account use it
	kindNoCredential kind = "no credential"
	kindNotTapped    kind = "not tapped"
	kindCancelled    kind = "cancelled"
	kindPINNeeded    kind = "pin needed"
	kindPINNotSet    kind = "pin not set"
	kindPINWrong     kind = "pin wrong"
	kindPINPaused    kind = "pin paused" // until the key is plugged in again
	kindPINBlocked   kind = "pin blocked"
	kindUnsupported  kind = "unsupported" // by this build
	kindOther        kind = "other"
)
