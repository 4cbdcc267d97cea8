package ui

import (
	"context"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// relogin is what a first sign-in under hardware_key_touch wants of a person with a security key, with so many gestures
// done.
func relogin(done int) []session.Gesture {
	gestures := []session.Gesture{
		{Kind: session.GestureTap, Why: "proves that it is you, with the password"},
		{Kind: session.GestureTouch, Why: "signs the new key's marker in slot 9c"},
		{Kind: session.GestureTap, Why: "signs you in again, now with the hardware key"},
	}
	for i := range gestures {
		switch {
		case i < done:
			gestures[i].State = session.GestureDone
		case i == done:
			gestures[i].State = session.GestureNow
		default:
			gestures[i].State = session.GestureAhead
		}
	}
	return gestures
}

// signingIn is someClusters while the third of them is signed in to.
func signingIn(gestures []session.Gesture) session.Snapshot {
	s := someClusters()
	s.Clusters[2].State = session.SigningIn
	s.Clusters[2].SignIn = &session.SignIn{
		Steps:   []session.Step{session.StepReach, session.StepPassword, session.StepKey, session.StepAgain, session.StepDone},
		Current: session.StepKey, Unmet: "hardware_key_touch", Gestures: gestures,
	}
	return s
}

func TestGesturesAreTickedOff(t *testing.T) {
	got := gestureSteps(relogin(1))
	want := []widget.Step{
		{Title: "Tap the security key", Detail: "proves that it is you, with the password", State: widget.StepDone},
		{Title: "Touch the hardware key", Detail: "signs the new key's marker in slot 9c", State: widget.StepNow},
		{Title: "Tap the security key", Detail: "signs you in again, now with the hardware key", State: widget.StepAhead},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	for done, want := range []string{"0 of 3 done", "1 of 3 done", "2 of 3 done", "3 of 3 done"} {
		if got := gestureCount(relogin(done)); got != want {
			t.Errorf("with %d done it says %q, want %q", done, got, want)
		}
	}
	if got := gestureCount(nil); got != "" {
		t.Errorf("with nothing to do it says %q", got)
	}
}

func TestTheQuestionTellsWhetherAKeyIsAtItsPINOrAtItsTouch(t *testing.T) {
	preparing := []session.Gesture{
		{Kind: session.GestureTap, State: session.GestureDone}, {Kind: session.GesturePIN, State: session.GestureNow},
		{Kind: session.GestureTouch, State: session.GestureNow}, {Kind: session.GestureTap, State: session.GestureAhead},
	}
	for name, test := range map[string]struct {
		asks *question
		want []session.GestureState
	}{
		"the PIN": {&question{pin: &keystore.PINPrompt{}},
			[]session.GestureState{session.GestureDone, session.GestureNow, session.GestureAhead, session.GestureAhead}},
		"a new PIN": {&question{newPIN: &keystore.NewPINPrompt{}},
			[]session.GestureState{session.GestureDone, session.GestureNow, session.GestureAhead, session.GestureAhead}},
		"the touch": {&question{},
			[]session.GestureState{session.GestureDone, session.GestureDone, session.GestureNow, session.GestureAhead}},
		"a password": {&question{password: &session.PasswordPrompt{}},
			[]session.GestureState{session.GestureDone, session.GestureNow, session.GestureNow, session.GestureAhead}},
	} {
		var got []session.GestureState
		for _, g := range during(test.asks.gesture(), preparing) {
			got = append(got, g.State)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("while %s is asked (-want +got):\n%s", name, diff)
		}
	}
	if preparing[1].State != session.GestureNow {
		t.Error("the snapshot was changed")
	}
}

func TestTickingOffMovesNothing(t *testing.T) {
	newHarness(t, session.Snapshot{}, keystore.Snapshot{})
	l := newGestureList()
	var sizes []fyne.Size
	for done := range 4 {
		l.show(relogin(done))
		sizes = append(sizes, l.root.MinSize())
	}
	if got := slices.Compact(slices.Clone(sizes)); len(got) != 1 {
		t.Errorf("the list has the sizes %v", sizes)
	}
	if got := sizes[0].Width; got != gestureWidth {
		t.Errorf("the list is %v wide, want %v", got, gestureWidth)
	}
}

func TestASignInListsWhatItWantsOfThePerson(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	h.w.cluster = "lab"
	h.w.show()
	ended := make(chan struct{})
	h.clusters.signIn = func(ctx context.Context, _, _, _ string) error { <-ctx.Done(); close(ended); return ctx.Err() }
	h.w.signIn()
	h.typeInto("field", "User", "alice")
	h.typeInto("secret", "Password", "hunter22")
	h.press(fyne.KeyReturn)
	if !h.shows("Nothing besides the password so far.")() {
		t.Errorf("the list says nothing at first; on the screen: %q", h.texts())
	}
	for done := range 3 {
		h.w.showSessions(signingIn(relogin(done)))
		if !h.shows("signs the new key's marker in slot 9c")() {
			t.Fatalf("the list gives no reasons; on the screen: %q", h.texts())
		}
	}
	h.shoot("gestures-page", h.w.win)
	h.press(fyne.KeyEscape)
	wait(h, "the sign-in is cancelled", ended)
}

func TestAQuestionOfASignInShowsTheListBesideIt(t *testing.T) {
	h := newHarness(t, signingIn(relogin(0)), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	p := tapPrompt()
	p.Purpose = keystore.Purpose{Where: "lab", What: "Sign in as alice", Program: "Touchstone"}
	_, done := h.deps.Prompter.ShowTap(t.Context(), p)
	h.until("the list is there", h.shows("0 of 3 done"))
	h.shoot("gestures-tap", h.w.win)
	h.w.win.Resize(wizardSize)
	h.checkLayout("gestures-tap in the first run's window", h.w.win)
	h.w.win.Resize(mainSize)
	size := h.w.layer.card.content.MinSize()
	h.clusters.change(func(s *session.Snapshot) { s.Clusters = signingIn(relogin(1)).Clusters })
	h.until("the tap is ticked off", h.shows("1 of 3 done"))
	if got := h.w.layer.card.content.MinSize(); got != size {
		t.Errorf("ticking off changes the dialog from %v to %v", size, got)
	}
	h.clusters.change(func(s *session.Snapshot) { s.Clusters = someClusters().Clusters })
	h.until("the list goes with the sign-in", func() bool { return !h.shows("of 3 done")() })
	done()
}
