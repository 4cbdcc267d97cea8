package session

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
)

// demoPINCache is how long the demo cluster lets a PIN be kept (its resource cluster.yaml).
const demoPINCache = 15 * time.Minute

func TestAUserWithoutPolicySignsInWithASoftwareKey(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	c := show(t, w.Manager, id)
	if c.State != SignedIn || c.User != "off" || c.Policy != wire.PolicyNone || c.Serial != 0 || c.Slot != "" {
		t.Errorf("the cluster shows %+v", c)
	}
	if c.Name != "demo" || len(c.Logins) == 0 || len(c.Roles) == 0 || c.Expires.Before(w.clock.now()) {
		t.Errorf("the cluster shows name %q, logins %q, roles %q, end %v", c.Name, c.Logins, c.Roles, c.Expires)
	}
	if len(w.card.asked) != 0 {
		t.Errorf("the card was asked for %v", w.card.asked)
	}
}

func TestAnUnmetPolicyLeadsToASecondSignInWithAHardwareKey(t *testing.T) {
	tests := []struct {
		user, policy, slot string
		want               keystore.Policy
	}{
		{"touch", wire.PolicyTouch, "9c", keystore.Policy{Touch: true}},
		{"pin", wire.PolicyPIN, "9e", keystore.Policy{PIN: true}},
		{"touch-pin", wire.PolicyTouchAndPIN, "9d", keystore.Policy{Touch: true, PIN: true}},
	}
	for _, test := range tests {
		t.Run(test.policy, func(t *testing.T) {
			w := newWorld(t)
			id := w.signIn(test.user)
			c := show(t, w.Manager, id)
			if c.State != SignedIn || c.Policy != test.policy || c.Serial != fakeSerial || c.Slot != test.slot {
				t.Errorf("the cluster shows %+v", c)
			}
			if want := []keystore.Requirement{{Policy: test.want, PINCacheTTL: demoPINCache}}; !slices.Equal(w.card.asked, want) {
				t.Errorf("the card was asked for %+v, want %+v", w.card.asked, want)
			}
			wantIssues(t, w, test.policy, false, true)
			wantSteps(t, w, test.policy)
			wantNoPrivateKey(t, w.home)
		})
	}
}

// wantIssues checks which requests for certificates the cluster refused and granted, in order, and which policy it
// demanded of them, unless that is empty.
func wantIssues(t *testing.T, w *world, policy string, want ...bool) {
	t.Helper()
	var got []bool
	for _, e := range w.events(demo.EventCertCreate) {
		got = append(got, e.Success)
		if policy != "" && e.RequiredPolicy != policy {
			t.Errorf("the cluster demanded %q, want %q", e.RequiredPolicy, policy)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("requests for certificates succeeded: %v, want %v", got, want)
	}
}

// wantSteps checks what was reported while it happened.
func wantSteps(t *testing.T, w *world, policy string) {
	t.Helper()
	all := []Step{StepReach, StepPassword, StepKey, StepAgain, StepDone}
	short := []Step{StepReach, StepPassword, StepDone}
	slot := SlotChoice{demands[policy].key.DefaultSlot(), SlotFromPolicy}
	want := []SignIn{
		{Steps: short, Current: StepReach},
		{Steps: short, Current: StepPassword},
		{Steps: all, Current: StepKey, Unmet: policy},
		{Steps: all, Current: StepKey, Unmet: policy, Slot: slot},
		{Steps: all, Current: StepAgain, Unmet: policy, Slot: slot},
		{Steps: all, Current: StepDone, Unmet: policy, Slot: slot},
	}
	var got []SignIn
	for _, s := range w.progress {
		s.Gestures = nil // they change in between
		if len(got) == 0 || !cmp.Equal(got[len(got)-1], s) {
			got = append(got, s)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the reported steps differ (-want +got):\n%s", diff)
	}
}

// wantNoPrivateKey checks that nothing below home is or holds a private key.
func wantNoPrivateKey(t *testing.T, home string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(home, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		text := strings.ReplaceAll(string(data), "BEGIN "+pemHardware, "")
		if strings.Contains(text, "BEGIN PRIVATE KEY") || strings.Contains(text, "BEGIN EC PRIVATE KEY") {
			t.Errorf("%s holds a private key", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("looking through %d files of the home: %v", files, err)
	}
}

func TestARememberedPolicyStartsWithTheRightKey(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	again := w.open(w.card) // as the next process
	w.progress = nil
	if err := again.SignIn(t.Context(), id, "", w.password("touch"), 0); err != nil {
		t.Fatalf("signing in again: %v", err)
	}
	wantIssues(t, w, wire.PolicyTouch, false, true, true)
	var current []Step
	for _, s := range w.progress {
		current = append(current, s.Current)
	}
	current = slices.Compact(current)
	if want := []Step{StepReach, StepPassword, StepKey, StepDone}; !slices.Equal(current, want) {
		t.Errorf("the steps were %v, want %v", current, want)
	}
	if len(w.card.asked) != 2 {
		t.Errorf("the card was asked %d times, want 2", len(w.card.asked))
	}
}

func TestTheSlotOfTheCallerWinsAndIsRemembered(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	for _, slot := range []keystore.Slot{keystore.Slot9A, 0} {
		if err := w.SignIn(t.Context(), id, "touch", w.password("touch"), slot); err != nil {
			t.Fatalf("signing in with slot %q: %v", slot, err)
		}
		if got := show(t, w.Manager, id).Slot; got != "9a" {
			t.Errorf("the key is in slot %q, want 9a", got)
		}
	}
}

func TestAWrongPasswordIsRefusedAndTheNextTryWorks(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	wrong := secret.New([]byte("not this one"))
	err := w.SignIn(t.Context(), id, "touch", wrong, 0)
	wantFault(t, err, "did not accept the user name or the password")
	if wrong.Len() != 0 {
		t.Error("the password was not wiped")
	}
	c := show(t, w.Manager, id)
	if c.State != SignedOut || c.Problem == nil || c.SignIn != nil {
		t.Errorf("the cluster shows %+v", c)
	}
	if err := w.SignIn(t.Context(), id, "touch", w.password("touch"), 0); err != nil {
		t.Fatalf("the next try: %v", err)
	}
	if c := show(t, w.Manager, id); c.State != SignedIn || c.Problem != nil {
		t.Errorf("the cluster shows %+v", c)
	}
}
