package demo

import (
	"errors"
	"fmt"
	osuser "os/user"
	"strings"

	"github.com/touchstone-app/touchstone/internal/wire"
)

const seedPreference = `# Settings of the whole cluster. Roles can demand more than this, never less.
kind: cluster_auth_preference
version: v2
metadata:
  name: cluster-auth-preference
spec:
  type: local
  # "off", otp, webauthn, "on" (either), or optional: only those who have registered something need it
  second_factor: optional
  webauthn:
    # the host that security keys were registered for
    rp_id: localhost
  # false, true, hardware_key, hardware_key_touch, hardware_key_pin or hardware_key_touch_and_pin
  require_session_mfa: false
  hardware_key:
    # how long clients may keep a PIN in memory, at most 1h
    pin_cache_ttl: 15m
`

const seedAbout = `# %s
# Changes of this file hold from the next request on, also for certificates that were issued before.
`

const seedRole = `kind: role
version: v7
metadata:
  name: %[1]q
spec:
  options:
    max_session_ttl: 12h
    require_session_mfa: %[2]s
  allow:
    logins: ["{{internal.logins}}"]
    node_labels: {env: %[3]s}
    db_labels: {env: %[3]s}
    db_users: [reader, writer]
    db_names: [orders]
    app_labels: {env: %[3]s}
    kubernetes_labels: {env: %[3]s}
    kubernetes_groups: [viewers, editors]
---
`

const seedUser = `kind: user
version: v2
metadata:
  name: %q
spec:
  roles: [%s]
  traits:
    logins: [%q]
`

// seed is a person of a new demo cluster.
type seed struct {
	user, about string
	roles       []roleSeed
	key         bool // has a security key
	codes       bool // has an authenticator app
}

// roleSeed is a role for what has the label env.
type roleSeed struct{ name, requirement, env string }

// Values of the label env.
const (
	envDev  = "dev"
	envProd = "prod"
)

// seeds are the people of a new demo cluster, one for every demand worth trying.
var seeds = []seed{
	{user: "off", about: "Signs in with a password and a key on disk.", roles: everyday("off", "false")},
	{user: "touch", about: "Needs a hardware key that is touched.", roles: everyday("touch", wire.PolicyTouch)},
	{user: "pin", about: "Needs a hardware key that asks for its PIN.", roles: everyday("pin", wire.PolicyPIN)},
	{user: "touch-pin", about: "Needs a hardware key that is touched and asks for its PIN.", roles: everyday("touch-pin", wire.PolicyTouchAndPIN)},
	{user: "key", about: "Needs a hardware key, and taps a security key at sign-in and for every session.",
		roles: everyday("key", wire.PolicyHardware), key: true},
	{user: "mfa", about: "Taps a security key or types a one-time code, at sign-in and for every session.",
		roles: everyday("mfa", "true"), key: true, codes: true},
	{user: "touch-mfa", about: "Taps a security key at sign-in, and needs a hardware key that is touched.",
		roles: everyday("touch-mfa", wire.PolicyTouch), key: true},
	{user: "guide", about: "Taps a security key at sign-in, and for every session with what is in production.",
		roles: []roleSeed{{"access-dev", "false", envDev}, {"access-prod", "true", envProd}}, key: true},
}

// everyday is the role of somebody who has one of their own.
func everyday(user, requirement string) []roleSeed {
	return []roleSeed{{"demo-" + user, requirement, envDev}}
}

// seed writes the first users and roles. The cluster belongs to its owner from then on: whatever the folder holds
// later, even nothing, is left alone.
func (d stateDir) seed() error {
	if d.has(dirResources) {
		return nil
	}
	owner, err := osuser.Current()
	if err != nil {
		return fmt.Errorf("finding out who starts the demo: %w", err)
	}
	if err := d.mkdir(dirResources); err != nil {
		return err
	}
	devices := map[string]*mfaAccount{}
	errs := []error{d.write(dirResources+"/cluster.yaml", []byte(seedPreference))}
	for _, s := range seeds {
		errs = append(errs, d.write(dirResources+"/"+s.user+".yaml", []byte(s.yaml(owner.Username))))
		devices[s.user] = newMFAAccount(newCodes(!s.codes))
	}
	return errors.Join(append(errs, d.writeJSON(fileMFA, devices))...)
}

// yaml is the file of a person and their roles.
func (s *seed) yaml(login string) string {
	text := fmt.Sprintf(seedAbout, s.about)
	var names []string
	for _, r := range s.roles {
		text += fmt.Sprintf(seedRole, r.name, r.requirement, r.env)
		names = append(names, fmt.Sprintf("%q", r.name))
	}
	return text + fmt.Sprintf(seedUser, s.user, strings.Join(names, ", "), login)
}
