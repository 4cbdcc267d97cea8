package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

func TestSerialsAreGroupedFromTheRight(t *testing.T) {
	for serial, want := range map[uint32]string{7: "7", 999: "999", 1000: "1 000", 24118306: "24 118 306", 4294967295: "4 294 967 295"} {
		if got := serialText(serial); got != want {
			t.Errorf("serialText(%d) = %q, want %q", serial, got, want)
		}
	}
}

func TestTimesAreRoundedUpToOneUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", time.Second: "1 s", 59 * time.Second: "59 s", 61 * time.Second: "2 min",
		14 * time.Minute: "14 min", 7 * time.Hour: "7 h", 7*time.Hour + 1: "8 h", 72 * time.Hour: "3 days",
	} {
		if got := durationText(d); got != want {
			t.Errorf("durationText(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestClusterStates(t *testing.T) {
	for name, test := range map[string]struct {
		cluster session.Cluster
		text    string
		dot     fyne.ThemeColorName
	}{
		"signed in says until when":          {prod(), "alice · expires in 7 h", widget.ColorOK},
		"certificates may end by themselves": {session.Cluster{User: "a", State: session.SignedIn, Expires: epoch}, "a · expired", widget.ColorWarn},
		"expired says so":                    {session.Cluster{User: "a", State: session.Expired}, "a · expired", widget.ColorWarn},
		"signing in":                         {session.Cluster{State: session.SigningIn}, "signing in…", widget.ColorAccent},
		"signed out":                         {session.Cluster{State: session.SignedOut}, "signed out", widget.ColorFaint},
	} {
		t.Run(name, func(t *testing.T) {
			if text, dot := clusterState(test.cluster, epoch); text != test.text || dot != test.dot {
				t.Errorf("got %q %s, want %q %s", text, dot, test.text, test.dot)
			}
		})
	}
}

func TestTheStatusBarTellsTheStateOfTheKey(t *testing.T) {
	waiting, touched, blocked := readyCard(), readyCard(), readyCard()
	waiting.TouchWaiting = true
	touched.TouchCachedUntil = epoch.Add(9 * time.Second)
	blocked.PINAttempts, blocked.PINCachedUntil = 0, time.Time{}
	other := keystore.CardState{CardID: keystore.CardID{Serial: 5, Model: "YubiKey 5"}}
	for name, test := range map[string]struct {
		keys  keystore.Snapshot
		key   string
		pills []string
	}{
		"no key":         {keystore.Snapshot{}, "No security key plugged in", nil},
		"another key":    {keystore.Snapshot{Cards: []keystore.CardState{other}}, "Insert YubiKey 24 118 306", nil},
		"no service":     {keystore.Snapshot{Problem: fault.New("The smart-card service is not running.", "Start it.")}, "The smart-card service is not running.", nil},
		"ready":          {keystore.Snapshot{Cards: []keystore.CardState{other, readyCard()}}, "YubiKey 5C NFC · 24 118 306", []string{"PIV 9c ready", "PIN cached 14 min"}},
		"touch wanted":   {keystore.Snapshot{Cards: []keystore.CardState{waiting}}, "YubiKey 5C NFC · 24 118 306", []string{"PIV 9c ready", "Waiting for touch", "PIN cached 14 min"}},
		"touch is fresh": {keystore.Snapshot{Cards: []keystore.CardState{touched}}, "YubiKey 5C NFC · 24 118 306", []string{"PIV 9c ready", "Touch good for 9 s", "PIN cached 14 min"}},
		"PIN blocked":    {keystore.Snapshot{Cards: []keystore.CardState{blocked}}, "YubiKey 5C NFC · 24 118 306", []string{"PIV 9c ready", "PIN blocked"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := statusOf(test.keys, prod(), epoch)
			var pills []string
			for _, p := range m.Pills {
				pills = append(pills, p.Text)
			}
			if m.Key != test.key {
				t.Errorf("key: got %q, want %q", m.Key, test.key)
			}
			if diff := cmp.Diff(test.pills, pills); diff != "" {
				t.Errorf("pills (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASignInThatTakesTwoRoundsExplainsItself(t *testing.T) {
	s := session.SignIn{Steps: []session.Step{session.StepReach, session.StepPassword, session.StepKey, session.StepAgain, session.StepDone},
		Current: session.StepKey, Unmet: "hardware_key_touch"}
	got := signInSteps(s)
	want := []widget.Step{
		{Title: "Reach the cluster", State: widget.StepDone},
		{Title: "Check the password", State: widget.StepDone},
		{Title: "Prepare the hardware key", Detail: "a hardware key with touch", State: widget.StepNow},
		{Title: "Sign in again with the key", Detail: "by itself, with the password you typed"},
		{Title: "Ready"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if text := unmetText("demo", s.Unmet); !strings.HasPrefix(text, "demo wants a hardware key with touch.") {
		t.Errorf("the explanation is %q", text)
	}
	if text := unmetText("demo", ""); text != "" {
		t.Errorf("a met policy is explained: %q", text)
	}
	s.Slot = session.SlotChoice{Slot: keystore.Slot9C, From: session.SlotFromPolicy}
	if text := signInSteps(s)[2].Detail; text != "a hardware key with touch, slot 9c (the usual one for this policy)" {
		t.Errorf("the step with the key says %q", text)
	}
	s.Current = session.StepDone
	for _, step := range signInSteps(s) {
		if step.State != widget.StepDone {
			t.Errorf("%s is not done at the end", step.Title)
		}
	}
}

func TestAttemptsAreCountedInWords(t *testing.T) {
	for want, p := range map[string]keystore.PINPrompt{
		"3 attempts left before the key blocks its PIN.":                              {AttemptsLeft: 3},
		"That PIN was wrong. 2 attempts left.":                                        {AttemptsLeft: 2, Wrong: true},
		"One attempt left. Another wrong PIN blocks the key until you enter its PUK.": {AttemptsLeft: 1, Wrong: true},
	} {
		if got := attemptsText(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSearch(t *testing.T) {
	servers := []session.Server{
		{ID: "1", Hostname: "web-1", Address: "10.0.0.1:3022", Labels: map[string]string{"env": "prod", "team": "web"}},
		{ID: "2", Hostname: "Web-2", Address: "10.0.0.2:3022", Labels: map[string]string{"env": "staging"}},
		{ID: "3", Hostname: "db-1", Labels: map[string]string{"env": "prod"}},
	}
	for name, test := range map[string]struct{ query, want string }{
		"nothing typed shows all, by name":        {"", "2 3 1"},
		"a word is found in names in any case":    {"WEB", "2 1"},
		"a word is found in addresses":            {"10.0.0.2", "2"},
		"a word is found in labels":               {"staging", "2"},
		"a label with its value":                  {"env=prod", "3 1"},
		"a label with any value":                  {"team=", "1"},
		"a label is found by its beginning":       {"env=st", "2"},
		"every word must be found":                {"env=prod web", "1"},
		"a label query does not look at names":    {"web=", ""},
		"words that nothing has leave nothing":    {"env=prod nowhere", ""},
		"space around words does not matter":      {"  db  ", "3"},
		"a server without an address is in there": {"tunnel", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			var ids []string
			for _, row := range matching(resourceRows(session.Cluster{Servers: servers}), anyKind, parseQuery(test.query)) {
				ids = append(ids, row.ID)
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("env=prod web", "web-1", "env")
	f.Add("=", "", "")
	f.Fuzz(func(t *testing.T, text, name, label string) {
		q := parseQuery(text)
		row := resourceRows(session.Cluster{Servers: []session.Server{{Hostname: name, Labels: map[string]string{label: "x"}}}})[0]
		all := q.matches(row)
		for _, word := range q {
			if all && !(query{word}).matches(row) {
				t.Errorf("%q matches %q as a whole but not by its word %q", text, name, word)
			}
		}
	})
}

func BenchmarkSearchIn100000Servers(b *testing.B) {
	servers := make([]session.Server, 100_000)
	for i := range servers {
		servers[i] = session.Server{Hostname: fmt.Sprintf("web-%d.prod", i), Address: fmt.Sprintf("10.0.%d.%d:3022", i/256%256, i%256),
			Labels: map[string]string{"env": "prod", "team": "web"}}
	}
	rows := resourceRows(session.Cluster{Servers: servers})
	for b.Loop() {
		if got := len(matching(rows, anyKind, parseQuery("env=prod web-9999"))); got == 0 {
			b.Fatal("nothing found")
		}
	}
}

func TestNewSecretRules(t *testing.T) {
	for name, test := range map[string]struct {
		first, second string
		want          secretRules
	}{
		"nothing":                  {"", "", secretRules{}},
		"too short":                {"12345", "12345", secretRules{match: true}},
		"the factory PIN":          {"123456", "123456", secretRules{length: true, match: true}},
		"not repeated yet":         {"482913", "4829", secretRules{length: true, allowed: true}},
		"good":                     {"482913", "482913", secretRules{true, true, true}},
		"eight is the most":        {"48291300", "48291300", secretRules{true, true, true}},
		"nine is too long":         {"482913000", "482913000", secretRules{match: true}},
		"letters beyond ASCII not": {"pässword", "pässword", secretRules{match: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := newSecretRules([]byte(test.first), []byte(test.second), keystore.CheckNewPIN)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	t.Run("a PUK that is the PIN", func(t *testing.T) {
		pin := []byte("482913")
		if newSecretRules(pin, pin, checkPUK(func() []byte { return pin })).allowed {
			t.Error("it is allowed")
		}
	})
}

func TestTheWizardLeavesPINAndPUKOutForAKeyThatHasThem(t *testing.T) {
	titles := func(needsPIN bool) string {
		var out []string
		for _, s := range wizardSteps(stageCluster, readyCard(), needsPIN, session.Cluster{}) {
			out = append(out, s.Title)
		}
		return strings.Join(out, ", ")
	}
	if got, want := titles(true), "Smart-card service, Security key, Choose a PIN, Choose a PUK, Cluster, Sign in"; got != want {
		t.Errorf("fresh key: got %q, want %q", got, want)
	}
	if got, want := titles(false), "Smart-card service, Security key, Cluster, Sign in"; got != want {
		t.Errorf("used key: got %q, want %q", got, want)
	}
}
