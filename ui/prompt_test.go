package ui

import (
	"context"
	"errors"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

var purpose = keystore.Purpose{Where: "prod-eu", What: "Sign in as alice", Program: "Touchstone"}

func pinPrompt() keystore.PINPrompt {
	return keystore.PINPrompt{Card: yubiKey, Slot: keystore.Slot9D, Purpose: purpose, AttemptsLeft: 3}
}

// answered is what a goroutine that asked got.
type answered struct {
	first, second string
	err           error
}

// inBackground asks on a goroutine, as key store and session manager do.
func inBackground(ask func() (first, second *secret.Bytes, err error)) <-chan answered {
	done := make(chan answered, 1)
	go func() {
		first, second, err := ask()
		done <- answered{string(first.Reveal()), string(second.Reveal()), err}
		first.Wipe()
		second.Wipe()
	}()
	return done
}

func (h *harness) askPIN(ctx context.Context, p keystore.PINPrompt) <-chan answered {
	return inBackground(func() (*secret.Bytes, *secret.Bytes, error) {
		pin, err := h.deps.Prompter.AskPIN(ctx, p)
		return pin, nil, err
	})
}

// wait gets an answer while the Fyne thread runs.
func wait[T any](h *harness, what string, from <-chan T) T {
	h.t.Helper()
	var got T
	h.until(what, func() bool {
		select {
		case got = <-from:
			return true
		default:
			return false
		}
	})
	return got
}

func openWindow(t *testing.T) *harness {
	t.Helper()
	return newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
}

func TestAPINIsTypedAndSubmittedByKeyboardAlone(t *testing.T) {
	h := openWindow(t)
	done := h.askPIN(t.Context(), pinPrompt())
	h.until("the PIN is asked", h.shows("Enter your PIN"))
	for _, words := range []string{"prod-eu", "Sign in as alice", "Touchstone", "YubiKey 5C NFC · 24 118 306", "9d"} {
		if !h.shows(words)() {
			t.Errorf("the dialog does not show %q", words)
		}
	}
	if got := h.focused(); got.Kind != "secret" || got.Text != "PIN" {
		t.Fatalf("the keyboard is on %+v, want the PIN", got)
	}
	h.typeInto("secret", "PIN", "4829")
	h.press(fyne.KeyReturn) // too short: stays
	if !h.find("button", "Continue").Describe().Disabled {
		t.Error("four digits can be submitted")
	}
	h.typeInto("secret", "PIN", "13")
	h.press(fyne.KeyReturn)
	if got := wait(h, "the PIN arrives", done); got.first != "482913" || got.err != nil {
		t.Errorf("got %+v, want 482913", got)
	}
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestAPromptIsRefusedWithEscapeAndWithItsButton(t *testing.T) {
	h := openWindow(t)
	for name, refuse := range map[string]func(){
		"escape": func() { h.press(fyne.KeyEscape) },
		"button": func() { h.tap("button", "Cancel") },
	} {
		t.Run(name, func(t *testing.T) {
			done := h.askPIN(t.Context(), pinPrompt())
			h.until("the PIN is asked", h.shows("Enter your PIN"))
			refuse()
			if got := wait(h, "the refusal arrives", done); !errors.Is(got.err, context.Canceled) {
				t.Errorf("got %+v, want a refusal", got)
			}
		})
	}
}

func TestAWrongPINSaysHowManyAttemptsAreLeft(t *testing.T) {
	h := openWindow(t)
	p := pinPrompt()
	p.Wrong, p.AttemptsLeft = true, 2
	done := h.askPIN(t.Context(), p)
	h.until("the PIN is asked again", h.shows("That PIN was wrong. 2 attempts left."))
	h.press(fyne.KeyEscape)
	wait(h, "the refusal arrives", done)
}

func TestAnEmptyAnswerIsTheFactoryPINOnlyWhereItMayBe(t *testing.T) {
	h := openWindow(t)
	p := pinPrompt()
	p.MayBeDefault = true
	done := h.askPIN(t.Context(), p)
	h.until("the hint is there", h.shows("Leave this empty"))
	h.press(fyne.KeyReturn)
	if got := wait(h, "the answer arrives", done); got.first != "" || got.err != nil {
		t.Errorf("got %+v, want an empty answer", got)
	}
}

func TestQuestionsWaitInOrderAndSaySo(t *testing.T) {
	h := openWindow(t)
	first := h.askPIN(t.Context(), pinPrompt())
	h.until("the first is asked", h.shows("Enter your PIN"))
	second := inBackground(func() (*secret.Bytes, *secret.Bytes, error) {
		password, err := h.deps.Prompter.AskPassword(t.Context(), session.PasswordPrompt{Cluster: "prod-eu", User: "alice"})
		return password, nil, err
	})
	h.until("it says that another waits", h.shows("1 more question waits"))
	if h.shows("Enter your password")() {
		t.Fatal("two questions are visible at once")
	}
	h.typeInto("secret", "PIN", "482913")
	h.press(fyne.KeyReturn)
	wait(h, "the first is answered", first)
	h.until("the second is asked", h.shows("Enter your password"))
	if h.shows("more question")() {
		t.Error("it still says that another waits")
	}
	h.typeInto("secret", "Password", "hunter22")
	h.press(fyne.KeyReturn)
	if got := wait(h, "the second is answered", second); got.first != "hunter22" {
		t.Errorf("got %+v, want hunter22", got)
	}
}

func TestAnAskerWhoGoesAwayTakesTheQuestionAlong(t *testing.T) {
	h := openWindow(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := h.askPIN(ctx, pinPrompt())
	h.until("the PIN is asked", h.shows("Enter your PIN"))
	cancel()
	if got := wait(h, "the asker is released", done); !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %+v", got)
	}
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestAQuestionAskedBeforeTheWindowIsThereWaitsForIt(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{})
	done := h.askPIN(t.Context(), pinPrompt())
	h.open()
	h.until("the PIN is asked", h.shows("Enter your PIN"))
	h.press(fyne.KeyEscape)
	wait(h, "the refusal arrives", done)
}

func TestTheKeyboardGoesBackToWhereItWas(t *testing.T) {
	h := openWindow(t)
	h.w.newConnection()
	before := h.w.win.Canvas().Focused()
	done := h.askPIN(t.Context(), pinPrompt())
	h.until("the PIN is asked", h.shows("Enter your PIN"))
	h.press(fyne.KeyEscape)
	wait(h, "the refusal arrives", done)
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
	if h.w.win.Canvas().Focused() != before {
		t.Error("the search box has lost the keyboard")
	}
}

func touchPrompt(what string) keystore.TouchPrompt {
	return keystore.TouchPrompt{Card: yubiKey, Slot: keystore.Slot9C, Purpose: keystore.Purpose{Where: "prod-eu", What: what, Program: "Touchstone"}}
}

func TestOneTouchDialogServesAllWhoWaitForAKey(t *testing.T) {
	h := openWindow(t)
	_, first := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("Sign in as alice"))
	_, second := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("SSH to root@web-1"))
	h.until("both are named", func() bool {
		return h.shows("One touch confirms all 2 things")() && h.shows("SSH to root@web-1 (prod-eu)")()
	})
	first()
	first() // twice is allowed
	h.until("one is left", h.shows("SSH to root@web-1 on prod-eu needs a touch"))
	second()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestTouchesOfDifferentKeysDoNotMerge(t *testing.T) {
	h := openWindow(t)
	other := touchPrompt("Sign in as bob")
	other.Card.Serial = 5
	_, first := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("Sign in as alice"))
	_, second := h.deps.Prompter.ShowTouch(t.Context(), other)
	h.until("the other waits", h.shows("1 more question waits"))
	first()
	h.until("the other's turn comes", h.shows("Sign in as bob on prod-eu"))
	second()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestGivingUpATouchTellsAllWhoWait(t *testing.T) {
	h := openWindow(t)
	first, endFirst := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("a"))
	second, endSecond := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("b"))
	h.until("the dialog is there", h.shows("Touch your security key"))
	h.press(fyne.KeyEscape)
	for _, c := range []<-chan struct{}{first, second} {
		select {
		case <-c:
		case <-time.After(patience):
			t.Fatal("nobody told the asker")
		}
	}
	endFirst()
	endSecond()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestTheTouchRingCountsDownAndSaysWhenNoTouchCame(t *testing.T) {
	h := openWindow(t)
	_, done := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("Sign in as alice"))
	defer done()
	h.until("the ring is full", h.shows("15 seconds"))
	h.clock.advance(5 * time.Second)
	h.until("ten seconds are left", h.shows("10 seconds"))
	h.clock.advance(9500 * time.Millisecond)
	h.until("one is left", h.shows("1 second"))
	h.clock.advance(time.Second)
	h.until("the time is over", h.shows("No touch came."))
}

func TestANewPINAndPUKAreAskedTogether(t *testing.T) {
	h := openWindow(t)
	done := inBackground(func() (*secret.Bytes, *secret.Bytes, error) {
		return h.deps.Prompter.AskNewPIN(t.Context(), keystore.NewPINPrompt{Card: yubiKey, Purpose: purpose, PUKIsDefault: true})
	})
	h.until("the PIN is asked", h.shows("Choose a PIN"))
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.typeInto("secret", "New PUK", "482913")
	h.typeInto("secret", "Repeat PUK", "482913")
	h.press(fyne.KeyReturn)
	if !h.find("button", "Set PIN").Describe().Disabled {
		t.Fatal("the PIN is accepted as PUK")
	}
	h.typeInto("secret", "New PUK", "57")
	h.typeInto("secret", "Repeat PUK", "57")
	h.press(fyne.KeyReturn)
	want := answered{first: "482913", second: "48291357"}
	if got := wait(h, "the answer arrives", done); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestThePresentPUKIsAskedWhereItWasChosenBefore(t *testing.T) {
	h := openWindow(t)
	done := inBackground(func() (*secret.Bytes, *secret.Bytes, error) {
		return h.deps.Prompter.AskNewPIN(t.Context(), keystore.NewPINPrompt{Card: yubiKey, Purpose: purpose, Problem: "The PUK is wrong."})
	})
	h.until("the problem is told", h.shows("The PUK is wrong."))
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.typeInto("secret", "PUK", "87654321")
	h.press(fyne.KeyReturn)
	want := answered{first: "482913", second: "87654321"}
	if got := wait(h, "the answer arrives", done); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTypedSecretsAreWipedWhenTheDialogCloses(t *testing.T) {
	h := openWindow(t)
	done := h.askPIN(t.Context(), pinPrompt())
	h.until("the PIN is asked", h.shows("Enter your PIN"))
	h.typeInto("secret", "PIN", "482913")
	field := h.w.layer.view.(*pinView).field
	h.press(fyne.KeyEscape)
	wait(h, "the refusal arrives", done)
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
	if field.entry.Len() != 0 || field.store.Len() != 0 {
		t.Error("the field still holds what was typed")
	}
	field.entry.TypedRune('1') // a key that was under way: its memory is gone
	if field.entry.Len() != 0 {
		t.Error("a closed field takes keys")
	}
}

func TestATouchThatWasMissedIsAskedForOnceMoreInTheSameDialog(t *testing.T) {
	h := openWindow(t)
	p := touchPrompt("Sign in as alice")
	p.Until = epoch.Add(10 * time.Second)
	_, first := h.deps.Prompter.ShowTouch(t.Context(), p)
	h.until("the key's own time is shown", h.shows("10 seconds"))
	h.clock.advance(10 * time.Second)
	p.Until, p.Missed, p.Waiting = epoch.Add(25*time.Second), 1, 2
	_, second := h.deps.Prompter.ShowTouch(t.Context(), p) // comes before the first one goes
	h.until("it says what happened", h.shows("No touch came in time. The key waits once more."))
	if !h.shows("15 seconds")() || !h.shows("2 more requests wait")() || h.shows("One touch confirms all")() {
		t.Errorf("on the screen: %q", h.texts())
	}
	dialog := h.w.modals.open[0]
	first()
	h.until("nothing else is posted", func() bool { return len(h.posted) == 0 })
	if len(h.w.modals.open) != 1 || h.w.modals.open[0] != dialog {
		t.Error("the dialog was exchanged")
	}
	second()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}
