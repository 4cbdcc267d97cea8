package demo

import (
	"errors"
	"fmt"
	osuser "os/user"

	"github.com/touchstone-app/touchstone/internal/wire"
)

const seedPreference = `# Settings of the whole cluster. Roles can demand more than this, never less.
kind: cluster_auth_preference
version: v2
metadata:
  name: cluster-auth-preference
spec:
  type: local
  # "off", otp or "on"
  second_factor: "off"
  # false, true, hardware_key, hardware_key_touch, hardware_key_pin or hardware_key_touch_and_pin
  require_session_mfa: false
  hardware_key:
    # how long clients may keep a PIN in memory, at most 1h
    pin_cache_ttl: 15m
`

const seedPerson = `# %[1]s
# Changes of this file hold from the next request on, also for certificates that were issued before.
kind: role
version: v7
metadata:
  name: %[3]q
spec:
  options:
    max_session_ttl: 12h
    require_session_mfa: %[4]s
  allow:
    logins: ["{{internal.logins}}"]
    node_labels: {env: dev}
    db_labels: {env: dev}
    db_users: [reader, writer]
    db_names: [orders]
    app_labels: {env: dev}
    kubernetes_labels: {env: dev}
    kubernetes_groups: [viewers, editors]
---
kind: user
version: v2
metadata:
  name: %[2]q
spec:
  roles: [%[3]q]
  traits:
    logins: [%[5]q]
`

// seeds are the people of a new demo cluster, one for every policy worth trying.
var seeds = []struct{ user, about, requirement string }{
	{"off", "Signs in with a password and a key on disk.", "false"},
	{"touch", "Needs a hardware key that is touched.", wire.PolicyTouch},
	{"pin", "Needs a hardware key that asks for its PIN.", wire.PolicyPIN},
	{"touch-pin", "Needs a hardware key that is touched and asks for its PIN.", wire.PolicyTouchAndPIN},
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
	errs := []error{d.write(dirResources+"/cluster.yaml", []byte(seedPreference))}
	for _, s := range seeds {
		text := fmt.Sprintf(seedPerson, s.about, s.user, "demo-"+s.user, s.requirement, owner.Username)
		errs = append(errs, d.write(dirResources+"/"+s.user+".yaml", []byte(text)))
	}
	return errors.Join(errs...)
}
