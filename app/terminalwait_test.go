package app

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
)

// typed is a person at a terminal who types text and nothing after it.
func typed(t *testing.T, text string) (*patientTerminal, *bytes.Buffer) {
	t.Helper()
	in, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	if _, err := io.WriteString(keyboard, text); err != nil {
		t.Fatal(err)
	}
	keyboard.Close()
	out := &bytes.Buffer{}
	return &patientTerminal{&terminalPrompter{in: in, out: out}}, out
}

var signIn = keystore.Purpose{Where: "demo", What: "Sign in as alice", Program: "touchstone"}

func twoCards() []keystore.CardState {
	return []keystore.CardState{
		{CardID: keystore.CardID{Serial: 14725836, Model: "YubiKey 5C NFC", Name: "work"}},
		{CardID: keystore.CardID{Serial: 20111213, Model: "YubiKey 4"}},
	}
}

func TestATerminalAsksWhichKeyUntilItIsOneOfThem(t *testing.T) {
	p, out := typed(t, "3\nfirst\n2\n")
	serial, err := p.ChooseCard(t.Context(), keystore.ChoosePrompt{Cards: twoCards(), Purpose: signIn})
	if err != nil || serial != 20111213 {
		t.Errorf("ChooseCard = %d, %v, want the second key", serial, err)
	}
	for _, want := range []string{"demo, Sign in as alice", "1  YubiKey 14725836 (work), YubiKey 5C NFC", "2  YubiKey 20111213, YubiKey 4"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the terminal does not say %q:\n%s", want, out)
		}
	}
}

func TestATerminalThatEndsChoosesNoKey(t *testing.T) {
	p, _ := typed(t, "")
	_, err := p.ChooseCard(t.Context(), keystore.ChoosePrompt{Cards: twoCards(), Purpose: signIn})
	if _, ok := fault.As(err); !ok {
		t.Errorf("got %v, want a fault", err)
	}
}

func TestATerminalSaysWhatIsWaitedFor(t *testing.T) {
	p, out := typed(t, "")
	told := fault.New("YubiKey 14725836 (work) is needed and not plugged in.", "Plug it in; everything goes on by itself then.")
	_, done := p.ShowWait(t.Context(), keystore.WaitPrompt{Purpose: signIn, Reason: keystore.WaitInsert, Fault: told})
	done()
	want := told.What + " (demo, Sign in as alice)\n" + told.Do + "\n"
	if out.String() != want {
		t.Errorf("the terminal says %q, want %q", out, want)
	}
}

func TestNothingIsWaitedForWhereNobodySits(t *testing.T) {
	p, _ := typed(t, "")
	for name, asked := range map[string]prompter{
		"a pipe": p.terminalPrompter, "a pipe, with a code": &codePrompter{prompter: p.terminalPrompter},
	} {
		if _, ok := cardPrompter(asked).(keystore.WaitPrompter); ok {
			t.Errorf("%s can be told what is waited for", name)
		}
	}
}

func TestNamesOfKeysAreKept(t *testing.T) {
	home := t.TempDir()
	window, command := openKeyNames(home), openKeyNames(home)
	for serial, name := range map[uint32]string{1: "work", 2: "spare"} {
		if err := window.SetName(serial, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := command.SetName(2, ""); err != nil { // from another process
		t.Fatal(err)
	}
	again := openKeyNames(home)
	if got := again.Name(1) + again.Name(2); got != "work" {
		t.Errorf("the names are %q, want that of key 1 alone", got)
	}
}

func TestDamagedNamesOfKeysAreForgotten(t *testing.T) {
	home := t.TempDir()
	for _, text := range []string{"{", "null", "[]"} {
		if err := os.WriteFile(filepath.Join(home, "keys.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n := openKeyNames(home)
		if got := n.Name(1); got != "" {
			t.Errorf("%q names a key %q", text, got)
		}
		if err := n.SetName(1, "work"); err != nil || n.Name(1) != "work" {
			t.Errorf("after %q a name cannot be set: %v", text, err)
		}
	}
}

func TestNamesOfKeysThatCannotBeKeptAreRefused(t *testing.T) {
	n := openKeyNames(filepath.Join(t.TempDir(), "gone"))
	if err := n.SetName(1, "work"); err == nil || n.Name(1) != "" {
		t.Errorf("SetName = %v, and the key is called %q", err, n.Name(1))
	}
}
