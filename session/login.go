package session

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// ceremony is one sign-in in progress: reach the cluster, prove who the user is, have a key certified, and once more
// with another key where the cluster's private key policy was not met (login sheet, 8.1).
type ceremony struct {
	m        *Manager
	id       string
	user     string
	slot     keystore.Slot // zero where the person has chosen none now
	slotFrom SlotSource
	factor   Factor
	password *secret.Bytes // wiped at the end
	reason   string        // why the password is asked for in the middle of something else; a sentence

	// For run's goroutine only.
	profile  profile
	client   *teleport.Client
	ping     *wire.Ping
	key      signingKey
	accepted bool   // the password was
	asked    string // the policy that the present key was made for
	choice   SlotChoice

	challenge json.RawMessage // for a security key; nil where the cluster has none for this round
	wantsOTP  bool            // the cluster takes a one-time code
	taps      int             // that were asked for
	codes     int             // that were sent

	progress SignIn // guarded by Manager.mu
	waiters  int    // guarded by Manager.mu
	cancel   context.CancelFunc
	done     chan struct{} // closed once err is set
	err      error
}

// run performs the ceremony and publishes how it ended.
func (l *ceremony) run(ctx context.Context) {
	defer close(l.done)
	defer l.cancel()
	defer func() { l.password.Wipe() }()
	ring, err := l.perform(ctx)
	if l.client != nil {
		l.client.Close()
	}
	if err == nil {
		err = l.save(ring)
	}
	l.err = err
	l.m.finish(l, ring, err)
}

// perform runs both rounds and returns the checked certificates.
func (l *ceremony) perform(ctx context.Context) (*keyring, error) {
	if err := l.askPassword(ctx); err != nil {
		return nil, err
	}
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	l.step(StepPassword)
	if err := l.prove(ctx); err != nil {
		return nil, l.signInFault(err)
	}
	policy := l.knownDemand()
	l.foresee(policy)
	if demands[policy].hardware {
		l.step(StepKey)
	}
	ring, err := l.certify(ctx, policy)
	var unmet *teleport.UnmetPolicyError
	if errors.As(err, &unmet) && l.mayMeet(unmet.Policy) {
		ring, err = l.again(ctx, unmet.Policy)
	}
	if err != nil {
		return nil, l.signInFault(err)
	}
	l.step(StepDone)
	return ring, nil
}

// reach asks the cluster how it wants to be signed in to.
func (l *ceremony) reach(ctx context.Context) (err error) {
	if l.client, err = l.m.client(l.profile, l.profile.Proxy); err != nil {
		return err
	}
	l.step(StepReach)
	if l.ping, err = l.client.Ping(ctx); err != nil {
		return reachFault(l.profile.Proxy, err)
	}
	if l.ping.ClusterName == "" {
		return reachFault(l.profile.Proxy, errNoCluster)
	}
	l.profile.learn(l.ping)
	if kind := l.ping.Auth.Type; kind != "" && kind != "local" {
		return fault.New(fmt.Sprintf("%s signs people in through %s, which this Touchstone cannot do yet.", l.profile.name(), kind),
			"Ask whoever looks after the cluster for an account with a password.")
	}
	if policy := l.knownDemand(); !knownPolicy(policy) {
		return unknownPolicyFault(l.profile.name(), policy, nil)
	}
	return nil
}

// knownDemand is the strictest policy known before the cluster has said anything about this user: the cluster's own,
// or what it demanded of the same user before. Never less than the cluster's own.
func (l *ceremony) knownDemand() string { return raise(l.ping.Auth.PrivateKeyPolicy, l.profile.Policy) }

// mayMeet reports whether a second round can help: the demand is one that we know and more than what the refused key
// was made for.
func (l *ceremony) mayMeet(policy string) bool {
	return knownPolicy(policy) && !satisfies(l.asked, policy)
}

// again is the second round: a key that meets the policy, the password once more without asking, a new code where one
// is wanted, and certificates. Its refusal is final.
func (l *ceremony) again(ctx context.Context, policy string) (*keyring, error) {
	l.unmet(policy)
	policy = raise(policy, l.knownDemand())
	l.foresee(policy)
	if err := l.prepareKey(ctx, policy); err != nil {
		return nil, err
	}
	l.step(StepAgain)
	if err := l.prove(ctx); err != nil {
		return nil, err
	}
	return l.certify(ctx, policy)
}

// prepareKey gets a key that meets a policy. Hardware may ask the person for a PIN or a touch.
func (l *ceremony) prepareKey(ctx context.Context, policy string) (err error) {
	demand := demands[policy]
	l.asked = policy
	if !demand.hardware {
		l.key, err = newSoftwareKey()
		return err
	}
	choice, err := l.chooseSlot(demand.key)
	if err != nil {
		return err
	}
	l.settleSlot(choice)
	want := choice.want(demand.key)
	want.PINCacheTTL = min(l.ping.Auth.PIVPINCacheTTL, maxPINCache)
	return l.during(GestureTouch, func() (err error) {
		l.key, err = l.m.keys.key(ctx, want, l.m.purpose(l.profile, "Sign in as "+l.user))
		if err == nil {
			l.noteSlot(l.key.Slot())
		}
		return err
	})
}

// maxPINCache is the longest that any cluster may have a PIN remembered (hardware-key sheet, 6.4).
const maxPINCache = time.Hour

// certify has a key for policy certified and checks what comes back.
func (l *ceremony) certify(ctx context.Context, policy string) (*keyring, error) {
	if l.key == nil {
		if err := l.prepareKey(ctx, policy); err != nil {
			return nil, err
		}
	}
	certificates, err := l.certificateRequest()
	if err != nil {
		return nil, err
	}
	answer, err := l.present(ctx, wire.LoginFinishRequest{User: l.user, CertificateRequest: certificates})
	if err != nil {
		return nil, err
	}
	ring, err := newKeyring(l.key, answer, l.m.config.Now())
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("%s issued certificates that cannot be used.", l.profile.name()),
			"Try again; if it stays, check this computer's clock and ask whoever looks after the cluster.")
	}
	l.profile.Policy = policy
	return ring, nil
}

// splitSince is the first major version that certifies separate keys for SSH and TLS (login sheet, 5.1).
const splitSince = 17

// defaultTTL is asked for where the cluster proposes nothing (login sheet, 5.1).
const defaultTTL = 12 * time.Hour

// certificateRequest describes the key in the members that the cluster's version knows.
func (l *ceremony) certificateRequest() (wire.CertificateRequest, error) {
	r := wire.CertificateRequest{TTL: time.Duration(l.ping.Auth.DefaultSessionTTL)}
	if r.TTL <= 0 {
		r.TTL = defaultTTL
	}
	public, err := ssh.NewPublicKey(l.key.Public())
	if err != nil {
		return r, fmt.Errorf("encoding the public key: %w", err)
	}
	line, statement := ssh.MarshalAuthorizedKey(public), l.key.attestation()
	if l.profile.major() < splitSince {
		r.PublicKey, r.Attestation = line, statement
		return r, nil
	}
	der, err := x509.MarshalPKIXPublicKey(l.key.Public())
	if err != nil {
		return r, fmt.Errorf("encoding the public key: %w", err)
	}
	r.SSHPublicKey, r.SSHAttestation = line, statement
	r.TLSPublicKey, r.TLSAttestation = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), statement
	return r, nil
}

// save stores what the ceremony learned. The certificates come last: with them the sign-in counts.
func (l *ceremony) save(ring *keyring) error {
	l.profile.User = l.user
	l.rememberSlot()
	if err := l.m.store.saveProfile(l.profile); err != nil {
		return err
	}
	return l.m.store.saveLogin(l.id, ring)
}

// step publishes that the ceremony has come to a step.
func (l *ceremony) step(to Step) {
	l.report(func(p *SignIn) {
		p.Current = to
		if !slices.Contains(p.Steps, to) { // the key was known to be needed
			p.Steps = slices.Insert(slices.Clone(p.Steps), len(p.Steps)-1, to)
		}
	})
}

// unmet publishes that the cluster demands more, and the steps that this adds.
func (l *ceremony) unmet(policy string) {
	l.report(func(p *SignIn) {
		p.Unmet, p.Current = policy, StepKey
		p.Steps = []Step{StepReach, StepPassword, StepKey, StepAgain, StepDone}
	})
}

// report changes the progress, publishes it and tells who listens.
func (l *ceremony) report(change func(*SignIn)) {
	var before, now SignIn
	l.m.change(func() {
		before = l.progress
		change(&l.progress)
		now = l.progress
	})
	if now.Current != before.Current || now.Current == StepReach {
		l.m.config.Log.Info("signing in", "cluster", l.id, "step", string(now.Current), "unmet", now.Unmet)
	}
	if l.m.config.Progress != nil {
		l.m.config.Progress(l.id, now)
	}
}
