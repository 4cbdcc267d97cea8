package session

import (
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
)

func TestTheFirstSourceThatNamesASlotDecides(t *testing.T) {
	touch := keystore.Policy{Touch: true}
	all := slotWords{chosen: keystore.Slot9A, chosenBy: SlotFromFlag, environment: "9c", profile: "9d", cluster: "9e", name: "demo"}
	without := func(change func(*slotWords)) slotWords {
		w := all
		change(&w)
		return w
	}
	rows := map[string]struct {
		words  slotWords
		policy keystore.Policy
		want   SlotChoice
		reason string
	}{
		"the flag": {all, touch, SlotChoice{keystore.Slot9A, SlotFromFlag}, "chosen with --piv-slot"},
		"the window": {without(func(w *slotWords) { w.chosenBy = SlotFromPerson }), touch,
			SlotChoice{keystore.Slot9A, SlotFromPerson}, "chosen for this sign-in"},
		"the flag over nonsense": {without(func(w *slotWords) { w.environment, w.profile, w.cluster = "x", "y", "z" }), touch,
			SlotChoice{keystore.Slot9A, SlotFromFlag}, "chosen with --piv-slot"},
		"the environment": {without(func(w *slotWords) { w.chosen = 0 }), touch,
			SlotChoice{keystore.Slot9C, SlotFromEnvironment}, "named by TELEPORT_PIV_SLOT"},
		"the profile": {without(func(w *slotWords) { w.chosen, w.environment = 0, "" }), touch,
			SlotChoice{keystore.Slot9D, SlotFromProfile}, "chosen at an earlier sign-in"},
		"the cluster": {slotWords{cluster: "9E"}, touch,
			SlotChoice{keystore.Slot9E, SlotFromCluster}, "wanted by the cluster"},
		"the policy without anything": {slotWords{}, keystore.Policy{},
			SlotChoice{keystore.Slot9A, SlotFromPolicy}, "the usual one for this policy"},
		"the policy with touch":         {slotWords{}, touch, SlotChoice{keystore.Slot9C, SlotFromPolicy}, "the usual one for this policy"},
		"the policy with PIN":           {slotWords{}, keystore.Policy{PIN: true}, SlotChoice{keystore.Slot9E, SlotFromPolicy}, "the usual one for this policy"},
		"the policy with touch and PIN": {slotWords{}, keystore.Policy{Touch: true, PIN: true}, SlotChoice{keystore.Slot9D, SlotFromPolicy}, "the usual one for this policy"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			got, err := row.words.choose(row.policy)
			if err != nil || got != row.want || got.Reason() != row.reason {
				t.Errorf("got slot %s by %q, %q, %v, want %+v, %q", got.Slot, got.From, got.Reason(), err, row.want, row.reason)
			}
			if r := got.want(row.policy); (r.Slot == 0) != (got.From == SlotFromPolicy) || r.Policy != row.policy {
				t.Errorf("the key store is asked for %+v", r)
			}
		})
	}
	if got := (SlotChoice{}).Reason(); got != "" {
		t.Errorf("no slot at all is explained: %q", got)
	}
}

func TestAWordThatNamesNoSlotIsRefusedWithItsSource(t *testing.T) {
	for source, row := range map[string]struct {
		words slotWords
		says  string
	}{
		"environment": {slotWords{environment: "9b", profile: "9a", cluster: "9a"}, `TELEPORT_PIV_SLOT names no PIV slot: "9b".`},
		"profile":     {slotWords{profile: "f9", cluster: "9a"}, `The slot that is remembered for demo is none: "f9".`},
		"cluster":     {slotWords{cluster: "82"}, `demo wants keys in slot "82", which no person's keys live in.`},
	} {
		t.Run(source, func(t *testing.T) {
			row.words.name = "demo"
			_, err := row.words.choose(keystore.Policy{})
			f, ok := fault.As(err)
			if !ok || f.What != row.says || !strings.Contains(f.Do, "9a, 9c, 9d or 9e") {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
}

func TestTheSlotOfTheEnvironmentIsUsedAndNotRemembered(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	w.Manager.config.PIVSlot = "9e"
	if err := w.SignIn(t.Context(), id, "touch", w.password("touch"), 0); err != nil {
		t.Fatal(err)
	}
	if got := show(t, w.Manager, id); got.Slot != "9e" || got.SlotFrom != SlotFromEnvironment {
		t.Errorf("the key is in slot %s by %q, want 9e by the environment", got.Slot, got.SlotFrom)
	}
	w.Manager.config.PIVSlot = ""
	if err := w.SignIn(t.Context(), id, "touch", w.password("touch"), 0); err != nil {
		t.Fatal(err)
	}
	if got := show(t, w.Manager, id); got.Slot != "9c" || got.SlotFrom != SlotFromPolicy {
		t.Errorf("the key is in slot %s by %q, want the usual 9c", got.Slot, got.SlotFrom)
	}
}

func TestAnEnvironmentThatNamesNoSlotIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	w.Manager.config.PIVSlot = "slot 9a"
	wantFault(t, w.SignIn(t.Context(), id, "touch", w.password("touch"), 0), "TELEPORT_PIV_SLOT")
	if len(w.progress) != 0 {
		t.Errorf("the sign-in went on: %+v", w.progress)
	}
	if err := w.SignIn(t.Context(), id, "touch", w.password("touch"), keystore.Slot9D); err != nil {
		t.Errorf("with a slot of the person's own choice: %v", err)
	}
}

func TestTheSlotIsShownWhileSigningIn(t *testing.T) {
	w := newWorld(t)
	w.signIn("pin")
	w.mu.Lock()
	last := w.progress[len(w.progress)-1]
	w.mu.Unlock()
	if want := (SlotChoice{keystore.Slot9E, SlotFromPolicy}); last.Slot != want {
		t.Errorf("the sign-in shows %+v, want %+v", last.Slot, want)
	}
}
