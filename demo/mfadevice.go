package demo

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
)

// The second factors of a cluster (enforcement sheet, section 8).
const (
	factorOff      = "off"
	factorOTP      = "otp"
	factorWebauthn = "webauthn"
	factorOn       = "on"
	factorOptional = "optional"
)

// secondFactors are the values of second_factor that this cluster knows.
var secondFactors = []string{factorOff, factorOTP, factorWebauthn, factorOn, factorOptional}

// publicHost is the host that clients reach the proxy by, and so the relying party that security keys know.
const publicHost = "localhost"

// Names of files and kinds of devices.
const (
	fileMFA      = "mfa.json"
	deviceCodes  = "totp"
	deviceKey    = "webauthn"
	handleLength = 16 // bytes, any number up to 64 would do (WebAuthn 2, 5.4.3)
)

// mfaDevice is a second factor that a user has registered.
type mfaDevice struct {
	ID   string `json:"id"` // UUID; certificates name it
	Name string `json:"name"`
	Kind string `json:"kind"` // deviceCodes or deviceKey
	// Spare codes are those of somebody who never asked for any. They count only where the cluster wants a second factor
	// of everyone, so that everyone can sign in there.
	Spare bool `json:"spare,omitempty"`
	// Credential is what is known of a security key; nil for codes.
	Credential *credential `json:"credential,omitempty"`
}

// credential is the public half of a registered security key.
type credential struct {
	ID        []byte `json:"id"`
	PublicKey []byte `json:"public_key"` // COSE_Key
	AAGUID    []byte `json:"aaguid,omitempty"`
	SignCount uint32 `json:"sign_count"`
}

// countsUnder reports whether a device is a second factor under a setting.
func (d mfaDevice) countsUnder(setting string) bool {
	switch setting {
	case factorOTP:
		return d.Kind == deviceCodes
	case factorWebauthn:
		return d.Kind == deviceKey
	case factorOn:
		return true
	case factorOptional:
		return !d.Spare
	default:
		return false
	}
}

// mfaAccount is what a user has registered.
type mfaAccount struct {
	Handle  []byte      `json:"webauthn_user"` // by which security keys know the user
	Devices []mfaDevice `json:"devices"`
}

// mfaDevices remembers the devices of all users in a file.
type mfaDevices struct {
	dir stateDir

	mu       sync.Mutex
	accounts map[string]*mfaAccount // by user, guarded by mu
}

// openMFADevices reads the file, and gives everyone in the catalog an account with spare codes at least.
func (d stateDir) openMFADevices(c *catalog) (*mfaDevices, error) {
	m := &mfaDevices{dir: d, accounts: map[string]*mfaAccount{}}
	if err := d.readJSON(fileMFA, &m.accounts); err != nil {
		return nil, err
	}
	for name := range c.users {
		if m.accounts[name] == nil {
			m.accounts[name] = newMFAAccount(newCodes(true))
		}
	}
	return m, d.writeJSON(fileMFA, m.accounts)
}

func newMFAAccount(devices ...mfaDevice) *mfaAccount {
	a := &mfaAccount{Handle: make([]byte, handleLength), Devices: devices}
	_, _ = rand.Read(a.Handle) // never fails
	return a
}

// newCodes is the device that shows a user's one-time codes.
func newCodes(spare bool) mfaDevice {
	return mfaDevice{ID: newUUID(), Name: "authenticator app", Kind: deviceCodes, Spare: spare}
}

// usable returns a user's second factors under a setting, and the handle of their security keys.
func (m *mfaDevices) usable(name, setting string) (devices []mfaDevice, handle []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	account := m.accounts[name]
	if account == nil {
		return nil, nil
	}
	for _, d := range account.Devices {
		if d.countsUnder(setting) {
			devices = append(devices, d)
		}
	}
	return devices, account.Handle
}

// kinds returns the kinds of what a user has registered, sorted.
func (m *mfaDevices) kinds(name string) []string {
	devices, _ := m.usable(name, factorOptional)
	var kinds []string
	for _, d := range devices {
		kinds = append(kinds, d.Kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// addKey registers a security key for a user. One that is registered already is left as it is.
func (m *mfaDevices) addKey(name, label string, c credential) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	account := m.accounts[name]
	if account == nil {
		return fmt.Errorf("there is no user %q", name)
	}
	if slices.ContainsFunc(account.Devices, func(d mfaDevice) bool { return d.has(c.ID) }) {
		return nil
	}
	account.Devices = append(account.Devices, mfaDevice{ID: newUUID(), Name: label, Kind: deviceKey, Credential: &c})
	return m.dir.writeJSON(fileMFA, m.accounts)
}

// count remembers how often a security key has signed.
func (m *mfaDevices) count(name string, id []byte, signCount uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, d := range m.accounts[name].Devices {
		if d.has(id) {
			updated := *d.Credential
			updated.SignCount = max(updated.SignCount, signCount)
			m.accounts[name].Devices[i].Credential = &updated
		}
	}
	return m.dir.writeJSON(fileMFA, m.accounts)
}

// has reports whether a device is the security key with a credential.
func (d mfaDevice) has(id []byte) bool {
	return d.Credential != nil && slices.Equal(d.Credential.ID, id)
}

// codesOf returns the device of one-time codes among others.
func codesOf(devices []mfaDevice) (mfaDevice, bool) {
	at := slices.IndexFunc(devices, func(d mfaDevice) bool { return d.Kind == deviceCodes })
	if at < 0 {
		return mfaDevice{}, false
	}
	return devices[at], true
}

// credentialsOf returns the security keys among devices.
func credentialsOf(devices []mfaDevice) []credential {
	var all []credential
	for _, d := range devices {
		if d.Credential != nil {
			all = append(all, *d.Credential)
		}
	}
	return all
}
