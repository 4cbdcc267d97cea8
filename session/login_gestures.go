package session

import (
	"slices"
)

// foresee publishes what the coming round wants of the person: what the key takes, then the proof.
func (l *ceremony) foresee(policy string) {
	ahead := l.keyGestures(policy)
	if proof := l.proof(); proof != "" {
		ahead = append(ahead, Gesture{Kind: proof, Why: l.proofReason(), State: GestureAhead})
	}
	if len(ahead) > 0 {
		l.report(func(p *SignIn) { p.Gestures = slices.Concat(p.Gestures, ahead) })
	}
}

// keyGestures is what preparing a key for policy takes. One that was made for an earlier sign-in takes nothing.
func (l *ceremony) keyGestures(policy string) (ahead []Gesture) {
	if satisfies(l.profile.Policy, policy) {
		return nil
	}
	const why = "Make the hardware key"
	key := demands[policy].key
	if key.PIN {
		ahead = append(ahead, Gesture{Kind: GesturePIN, Why: why, State: GestureAhead})
	}
	if key.Touch {
		ahead = append(ahead, Gesture{Kind: GestureTouch, Why: why, State: GestureAhead})
	}
	return ahead
}

// during publishes that gestures of a kind are wanted now and, where do succeeds, that they were made. Those of a PIV
// key come together: only the card knows which it waits for.
func (l *ceremony) during(kind GestureKind, do func() error) error {
	l.gestures(GestureAhead, func(g Gesture) bool { return g.Kind == kind || ofKey(g.Kind) && ofKey(kind) }, GestureNow)
	err := do()
	if err == nil {
		l.gestures(GestureNow, func(Gesture) bool { return true }, GestureDone)
	}
	return err
}

func ofKey(kind GestureKind) bool { return kind == GesturePIN || kind == GestureTouch }

// gestures moves the next gestures from one state to another, up to the first in that state that is not meant.
func (l *ceremony) gestures(from GestureState, meant func(Gesture) bool, to GestureState) {
	var next []Gesture
	l.m.mu.Lock()
	now := l.progress.Gestures
	l.m.mu.Unlock()
	for _, g := range now {
		if g.State == from && meant(g) {
			g.State = to
		} else if g.State == from {
			break
		}
		next = append(next, g)
	}
	next = append(next, now[len(next):]...)
	if !slices.Equal(now, next) {
		l.report(func(p *SignIn) { p.Gestures = next })
	}
}

// codeNotTap publishes that codes are wanted where taps were announced.
func (l *ceremony) codeNotTap() {
	l.report(func(p *SignIn) {
		p.Gestures = slices.Clone(p.Gestures)
		for i, g := range p.Gestures {
			if g.Kind == GestureTap && g.State != GestureDone {
				p.Gestures[i].Kind, p.Gestures[i].State = GestureCode, GestureAhead
			}
		}
	})
}
