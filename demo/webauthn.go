package demo

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/touchstone-app/touchstone/internal/wire/mfapb"
)

// ceremonyTime is how long a challenge may be answered (enforcement sheet, section 6).
const ceremonyTime = 5 * time.Minute

// scope is what an answer to a challenge may be spent on.
type scope = mfapb.ChallengeScope

// The scopes that this cluster has a use for.
const (
	scopeLogin   = mfapb.ChallengeScope_CHALLENGE_SCOPE_LOGIN
	scopeSession = mfapb.ChallengeScope_CHALLENGE_SCOPE_USER_SESSION
)

// relyingParty challenges security keys and checks what they have signed (WebAuthn 2, section 7.2). A challenge is good
// for one answer of one user, in its time and for its scope.
type relyingParty struct {
	origin string // "https://" and host:port, as clients reach the proxy
	now    func() time.Time

	mu   sync.Mutex
	open map[string]ceremony // by challenge, guarded by mu
}

// ceremony is a challenge that waits for its answer.
type ceremony struct {
	scope   scope
	expires time.Time
	session *webauthn.SessionData
	// holder has counted signatures up to here. Answers to challenges of one time may come in any order, but none of
	// them can have been signed before its challenge was made.
	holder *holder
}

// holder is a user as a relying party sees them.
type holder struct {
	name        string
	handle      []byte
	credentials []credential
}

func newRelyingParty(proxy string, now func() time.Time) *relyingParty {
	return &relyingParty{origin: "https://" + proxy, now: now, open: map[string]ceremony{}}
}

// library returns go-webauthn for the relying party with that ID.
func (p *relyingParty) library(id string) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: "Touchstone demo", RPOrigins: []string{p.origin},
		AuthenticatorSelection: protocol.AuthenticatorSelection{UserVerification: protocol.VerificationDiscouraged},
		Timeouts:               webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Timeout: ceremonyTime, TimeoutUVD: ceremonyTime}},
	})
}

// begin makes a challenge for the security keys of a user.
func (p *relyingParty) begin(id string, h *holder, s scope) (*protocol.PublicKeyCredentialRequestOptions, error) {
	library, err := p.library(id)
	if err != nil {
		return nil, fmt.Errorf("being the relying party %q: %w", id, err)
	}
	assertion, session, err := library.BeginLogin(h)
	if err != nil {
		return nil, fmt.Errorf("making a challenge: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for challenge, c := range p.open {
		if !now.Before(c.expires) {
			delete(p.open, challenge)
		}
	}
	p.open[session.Challenge] = ceremony{scope: s, expires: now.Add(ceremonyTime), session: session, holder: h}
	return &assertion.Response, nil
}

// take returns the ceremony that an answer belongs to. It is over then, however the answer turns out.
func (p *relyingParty) take(challenge string) (ceremony, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.open[challenge]
	delete(p.open, challenge)
	return c, ok && p.now().Before(c.expires)
}

// Why an answer is refused. Clients are told less.
var (
	errNoCeremony = errors.New("the challenge is unknown, too old or was answered already")
	errOtherUser  = errors.New("the challenge was another user's")
	errCloned     = errors.New("the security key has counted fewer signatures than before: it may be a copy")
)

// finish checks an answer and returns the credential that gave it, with its new count of signatures.
func (p *relyingParty) finish(id, name string, s scope, answer *protocol.CredentialAssertionResponse) (*credential, error) {
	parsed, err := answer.Parse()
	if err != nil {
		return nil, fmt.Errorf("reading an assertion: %w", err)
	}
	c, ok := p.take(parsed.Response.CollectedClientData.Challenge)
	switch {
	case !ok:
		return nil, errNoCeremony
	case c.holder.name != name:
		return nil, errOtherUser
	case c.scope != s:
		return nil, fmt.Errorf("required scope %q is not satisfied by the given webauthn session with scope %q", s, c.scope)
	}
	library, err := p.library(id)
	if err != nil {
		return nil, fmt.Errorf("being the relying party %q: %w", id, err)
	}
	used, err := library.ValidateLogin(c.holder, *c.session, parsed)
	if err != nil {
		return nil, fmt.Errorf("checking an assertion: %w", err)
	}
	if used.Authenticator.CloneWarning {
		return nil, errCloned
	}
	return &credential{ID: used.ID, SignCount: used.Authenticator.SignCount}, nil
}

// WebAuthnID implements webauthn.User.
func (h *holder) WebAuthnID() []byte { return h.handle }

// WebAuthnName implements webauthn.User.
func (h *holder) WebAuthnName() string { return h.name }

// WebAuthnDisplayName implements webauthn.User.
func (h *holder) WebAuthnDisplayName() string { return h.name }

// WebAuthnCredentials implements webauthn.User.
func (h *holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, 0, len(h.credentials))
	for _, c := range h.credentials {
		all = append(all, webauthn.Credential{
			ID: slices.Clone(c.ID), PublicKey: slices.Clone(c.PublicKey),
			Authenticator: webauthn.Authenticator{AAGUID: slices.Clone(c.AAGUID), SignCount: c.SignCount},
		})
	}
	return all
}
