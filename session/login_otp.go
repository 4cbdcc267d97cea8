package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// maxCodes is how many codes are sent for one answer. Clusters lock accounts for a while after five wrong tries.
const maxCodes = 3

// presentCode asks for certificates with the password and a one-time code. One that is not accepted is asked for
// again.
func (l *ceremony) presentCode(ctx context.Context, r wire.LoginFinishRequest) (answer *wire.LoginResponse, err error) {
	reason := l.codeReason()
	for range maxCodes {
		code, asking := l.m.askCode(ctx, l.id, OTPPrompt{Cluster: l.profile.name(), User: l.user, Reason: reason})
		if errors.Is(asking, ErrNobodyAnswers) && err != nil {
			return nil, err // why the last code was refused says more
		}
		if asking != nil {
			return nil, asking
		}
		l.codes++
		answer, err = l.client.FinishLogin(ctx, r, l.password, code)
		code.Wipe()
		if !wrongCode(err) {
			return answer, err
		}
		reason = fmt.Sprintf("%s did not accept that code. Wait for the next one.", l.profile.name())
	}
	return nil, err
}

// codeReason says why another code is wanted. The policy is checked only after a code was accepted, and used up.
func (l *ceremony) codeReason() string {
	if l.codes == 0 {
		return ""
	}
	return fmt.Sprintf("%s demands %s, so you are signed in once more. Wait for the next code: each counts only once.",
		l.profile.name(), demandText(l.asked))
}

// wrongCode reports whether a cluster refused a code (login sheet, 5.6).
func wrongCode(err error) bool {
	var refused *teleport.AnswerError
	return errors.As(err, &refused) && refused.Class == teleport.ClassDenied && strings.Contains(refused.Message, "second factor")
}

// askCode asks the person for a code that has not been sent yet.
func (m *Manager) askCode(ctx context.Context, clusterID string, prompt OTPPrompt) (*secret.Bytes, error) {
	if m.config.Prompter == nil {
		return nil, fault.Wrap(ErrNobodyAnswers, fmt.Sprintf("%s wants a one-time code besides the password.", prompt.Cluster), "Sign in with a code.")
	}
	for {
		typed, err := m.config.Prompter.AskOTP(ctx, prompt)
		if err != nil {
			return nil, err
		}
		code := withoutSpaces(typed)
		if code.Len() > 0 && m.maySend(clusterID, prompt.User, code) {
			return code, nil
		}
		if code.Len() > 0 {
			prompt.Reason = "That code was sent before, and each counts only once. Wait for the next one."
		}
		code.Wipe()
	}
}

// withoutSpaces is a code as it is meant: apps show it as "123 456". It takes typed over.
func withoutSpaces(typed *secret.Bytes) *secret.Bytes {
	defer typed.Wipe()
	return secret.Take(slices.DeleteFunc(slices.Clone(typed.Reveal()), func(b byte) bool { return b == ' ' }))
}

// codeLife is how long a cluster may take a code: its own 30 s, and as long before and after for clocks that differ
// (RFC 6238, 5.2).
const codeLife = 90 * time.Second

// sentCode is a one-time code that went to a cluster.
type sentCode struct {
	cluster, user string
	code          *secret.Bytes
	until         time.Time
}

// maySend reports whether a code has not been sent in its time, and remembers it as sent: the cluster would refuse it
// and count that as a wrong try.
func (m *Manager) maySend(clusterID, user string, code *secret.Bytes) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.config.Now()
	m.sent = slices.DeleteFunc(m.sent, func(s sentCode) bool {
		over := !now.Before(s.until)
		if over {
			s.code.Wipe()
		}
		return over
	})
	if slices.ContainsFunc(m.sent, func(s sentCode) bool { return s.cluster == clusterID && s.user == user && s.code.Equal(code) }) {
		return false
	}
	m.sent = append(m.sent, sentCode{clusterID, user, code.Clone(), now.Add(codeLife)})
	return true
}
