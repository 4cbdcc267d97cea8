package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Activity is one signature or assertion that was asked of a store, and what became of it. It says who asked for what
// and never what was signed: it holds no digest, no signature and no secret.
type Activity struct {
	Time    time.Time      `json:"time"` // when it was asked for
	Kind    ActivityKind   `json:"kind"`
	Result  ActivityResult `json:"result"`
	Reason  string         `json:"reason,omitempty"` // why it was not signed, in one sentence
	Where   string         `json:"where,omitempty"`  // as in Purpose
	What    string         `json:"what,omitempty"`
	Program string         `json:"program,omitempty"`
	// Model and Serial are the key. A security key does not tell its serial number; where several waited, Model names
	// them all. Via says that another program's key agent was asked.
	Model  string `json:"model,omitempty"`
	Serial uint32 `json:"serial,omitempty"`
	Via    string `json:"via,omitempty"`
	Slot   string `json:"slot,omitempty"` // "9a"
	// Duration is from the question to the answer, with everything that was waited for.
	Duration time.Duration `json:"duration_ns"`
	Touches  int           `json:"touches"` // how often a touch or a tap was asked for
}

// Key names the key that was asked, as every sentence does: "YubiKey 14725836, slot 9c".
func (a Activity) Key() string {
	switch {
	case a.Serial != 0 && a.Slot != "":
		return fmt.Sprintf("%s, slot %s", CardID{Serial: a.Serial}, a.Slot)
	case a.Model != "":
		return a.Model
	default:
		return "none"
	}
}

// ActivityKind says what was asked for.
type ActivityKind string

// ActivityResult says what became of it.
type ActivityResult string

// What is asked of a store, and what can become of it.
const (
	ActivitySignature ActivityKind = "signature" // of a key in a slot
	ActivityAssertion ActivityKind = "assertion" // of a security key

	ActivitySigned    ActivityResult = "signed"
	ActivityRefused   ActivityResult = "refused"   // by the person
	ActivityAbandoned ActivityResult = "abandoned" // whoever asked did not wait for it
	ActivityFailed    ActivityResult = "failed"
)

// Activity is what was asked of this store and of others that keep their activity in the same file, the newest first
// and no more than 1000. Snapshot.Activity changes with every new one of this store. It may wait for the disk.
func (s *Store) Activity() []Activity { return s.journal.list() }

// entry is an Activity in the making. Its methods are safe for concurrent use and do nothing on a nil entry.
type entry struct {
	mu       sync.Mutex
	activity Activity // guarded by mu
}

// record runs do, which makes a signature or an assertion, and notes what became of it.
func (s *Store) record(ctx context.Context, a Activity, purpose Purpose, do func(*entry) error) error {
	a.Time = s.now()
	a.Where, a.What, a.Program = clean(purpose.Where), clean(purpose.What), clean(purpose.Program)
	e := &entry{activity: a}
	err := do(e)
	e.mu.Lock()
	a = e.activity
	e.mu.Unlock()
	a.Duration = s.now().Sub(a.Time)
	a.Result, a.Reason = resultOf(ctx, err)
	s.journal.add(a)
	s.publish()
	return err
}

// resultOf sorts an error by who is behind it.
func resultOf(ctx context.Context, err error) (result ActivityResult, reason string) {
	switch {
	case err == nil:
		return ActivitySigned, ""
	case errors.Is(err, ErrUseCode):
		return ActivityRefused, "A one-time code was chosen instead."
	case ctx.Err() != nil:
		return ActivityAbandoned, ""
	case errors.Is(err, context.Canceled):
		return ActivityRefused, ""
	default:
		return ActivityFailed, clean(fault.From(err).What)
	}
}

// note changes what is noted.
func (e *entry) note(change func(*Activity)) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.activity)
}

// counted is p, with the touches and taps that it asks for noted.
func (e *entry) counted(p Prompter) Prompter {
	if e == nil {
		return p
	}
	return countingPrompter{p, e}
}

// countingPrompter notes the touches and taps that are asked for.
type countingPrompter struct {
	Prompter
	entry *entry
}

// ShowTouch counts.
func (p countingPrompter) ShowTouch(ctx context.Context, prompt TouchPrompt) (<-chan struct{}, func()) {
	p.entry.note(func(a *Activity) { a.Touches++ })
	return p.Prompter.ShowTouch(ctx, prompt)
}

// ShowTap counts taps, and notes which keys wait for one.
func (p countingPrompter) ShowTap(ctx context.Context, prompt TapPrompt) (<-chan struct{}, func()) {
	if len(prompt.Keys) > 0 { // without a key, it is one to plug in that is waited for
		p.entry.note(func(a *Activity) { a.Touches, a.Model = a.Touches+1, clean(strings.Join(prompt.Keys, ", ")) })
	}
	return p.Prompter.ShowTap(ctx, prompt)
}

// longestNote is how many characters of a text are kept: some texts come from other programs and from servers.
const longestNote = 200

// clean makes one short line of a text.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > longestNote {
		text = string(runes[:longestNote-1]) + "…"
	}
	return strings.TrimSpace(text)
}

// record makes a signature that is noted.
func (k *Key) record(ctx context.Context, use keyUse) (signature []byte, _ error) {
	about := Activity{Kind: ActivitySignature, Serial: k.Serial(), Slot: k.Slot().String()}
	err := k.store.record(ctx, about, use.purpose, func(e *entry) (err error) {
		use.entry = e
		signature, err = k.signAnywhere(ctx, use)
		return err
	})
	return signature, err
}

// noted is show, with the card and its touches noted.
func (u keyUse) noted(show touchShow) touchShow {
	u.entry.note(func(a *Activity) { a.Model = show.prompt.Card.Model })
	show.prompter = u.entry.counted(show.prompter)
	return show
}
