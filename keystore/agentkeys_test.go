//go:build linux

package keystore

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// marked is how another program names a key of the bench.
func marked(key *Key) MarkedKey {
	return MarkedKey{Serial: key.Serial(), Slot: key.Slot(), Public: key.Reference().PublicKey}
}

func TestAMarkedKeySignsForAnotherProgram(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: bothPolicy})
	b.person.answers(goodPIN)
	opened, err := b.store.OpenMarkedKey(t.Context(), marked(key))
	if err != nil {
		t.Fatal(err)
	}
	if opened.Policy() != bothPolicy {
		t.Errorf("the key asks for %s, want what the card attests", opened.Policy())
	}
	if err := b.sign(t.Context(), opened); err != nil {
		t.Error(err)
	}
	digest := sha512.Sum512([]byte("longer than the key"))
	if _, err := opened.For(t.Context(), purpose).Sign(rand.Reader, digest[:], crypto.SHA512); err != nil {
		t.Errorf("signing a SHA-512 digest: %v", err)
	}
}

func TestKeysThatAreNotMarkedAreNotForOtherPrograms(t *testing.T) {
	for _, does := range []string{
		"makes a key and a certificate in 9c", "makes a key without a certificate in 9c", "imports a marked key into 9c",
		"marks an empty 9c", "looks at the card",
	} {
		t.Run(does, func(t *testing.T) {
			b := newBench(t)
			b.another(does)
			_, err := b.store.OpenMarkedKey(t.Context(), MarkedKey{Serial: b.key.Status().Serial, Slot: Slot9C})
			if f, ok := fault.As(err); !ok || !errors.Is(err, ErrNotMarked) {
				t.Errorf("after another program that %s: %v", does, f)
			}
		})
	}
}

func TestAnotherProgramMustKnowTheKey(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	good := marked(key)
	for name, test := range map[string]struct {
		change func(*MarkedKey)
		want   error
	}{
		"another public key":   {func(k *MarkedKey) { k.Public = append([]byte{1}, k.Public[1:]...) }, ErrSlotChanged},
		"no public key":        {func(k *MarkedKey) { k.Public = nil }, ErrSlotChanged},
		"another card":         {func(k *MarkedKey) { k.Serial++ }, ErrNoCard},
		"no card":              {func(k *MarkedKey) { k.Serial = 0 }, nil},
		"a slot for no logins": {func(k *MarkedKey) { k.Slot = 0xf9 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			want := good
			test.change(&want)
			_, err := b.store.OpenMarkedKey(t.Context(), want)
			if _, ok := fault.As(err); !ok || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	b.another("replaces the key in 9c")
	if _, err := b.store.OpenMarkedKey(t.Context(), good); !errors.Is(err, ErrSlotChanged) {
		t.Errorf("a key that was replaced gives %v", err)
	}
}

// agentFunc is a key agent made of one answer.
type agentFunc func(AgentRequest) ([]byte, error)

func (f agentFunc) Sign(_ context.Context, r AgentRequest) ([]byte, error) { return f(r) }

func TestAnAgentIsAskedBeforeTheCard(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	good := agentFunc(func(r AgentRequest) ([]byte, error) { // has the card sign as another program would
		return key.sign(t.Context(), keyUse{key: key, purpose: r.Purpose, digest: r.Digest, hash: r.Hash})
	})
	refusal := func(err error) agentFunc { return func(AgentRequest) ([]byte, error) { return nil, err } }
	for name, test := range map[string]struct {
		agent Agent
		want  error
		via   string
	}{
		"it signs":                     {good, nil, viaAgent},
		"it is not there":              {refusal(errors.New("nobody answers")), nil, ""},
		"the person refuses there":     {refusal(context.Canceled), context.Canceled, viaAgent},
		"it signs with something else": {agentFunc(func(AgentRequest) ([]byte, error) { return []byte("nonsense"), nil }), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b.store.agent = test.agent
			if err := b.sign(t.Context(), key); !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if got := b.store.Activity()[0].Via; got != test.via {
				t.Errorf("it was signed via %q, want %q", got, test.via)
			}
		})
	}
}
