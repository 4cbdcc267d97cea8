package keystore

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// Config is what a Store is built from. Prompter and Worker are needed, the rest has defaults.
type Config struct {
	Prompter Prompter
	// Worker makes the command of a worker process, a program that calls RunWorker with its standard input and
	// output. It is called again whenever a worker had to be thrown away.
	Worker func() *exec.Cmd
	// SecurityKeys are asked for assertions; without them Assert says that there are none.
	SecurityKeys *fido.Authenticator
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// NewTimer returns a channel that receives once, when d has passed on that clock, and a function that gives the
	// timer up; the computer's if nil.
	NewTimer func(d time.Duration) (fired <-chan time.Time, stop func())
	// Names remembers what the person calls each card; nil remembers it for as long as the store is open.
	Names Names
	// TouchDelay is how long a card may take before the person is asked for a touch; 250 ms if zero.
	TouchDelay time.Duration
	// HeldDelay is how long another program may keep a card before the person is told; 2 s if zero.
	HeldDelay time.Duration
	// ScanEvery is how often readers are looked at for arrivals and removals; 500 ms if zero.
	ScanEvery time.Duration
	// Roots are attestation roots to recognise besides Yubico's. They change what is shown, never what is refused.
	Roots *x509.CertPool
	// Version is written into the certificates that mark our slots.
	Version string
	// Agent is asked for signatures before a card is; nil for none.
	Agent Agent
	// Activity is the file that keeps what the store is asked to sign, for its owner alone; empty keeps it in memory.
	Activity string
	// Log takes diagnostics; discarded if nil. Secrets are never logged.
	Log *slog.Logger
}

// Store is the hardware keys that are plugged in. Open makes one, Close ends it; all methods are safe for
// concurrent use.
type Store struct {
	prompter   Prompter
	worker     func() *exec.Cmd
	now        func() time.Time
	newTimer   func(time.Duration) (<-chan time.Time, func())
	names      Names
	touchDelay time.Duration
	heldDelay  time.Duration
	roots      *x509.CertPool
	unit       string
	log        *slog.Logger

	agent   Agent // nil for none
	journal *journal
	board   *board
	watcher *watcher
	keys    *securityKeys
	puks    pukMemory

	mu      sync.Mutex
	cards   []*card // in the order of the readers; guarded by mu
	problem *fault.Fault
}

// Open starts looking for cards. The first snapshot follows as soon as the readers have been read.
func Open(config Config) (*Store, error) {
	if config.Prompter == nil || config.Worker == nil {
		return nil, errors.New("opening the key store: no prompter or no worker")
	}
	s := &Store{
		prompter:   config.Prompter,
		worker:     config.Worker,
		now:        config.Now,
		newTimer:   config.NewTimer,
		names:      config.Names,
		touchDelay: orDefault(config.TouchDelay, 250*time.Millisecond),
		heldDelay:  orDefault(config.HeldDelay, 2*time.Second),
		roots:      config.Roots,
		unit:       unitOf(config.Version),
		log:        config.Log,
		board:      newBoard(),
		keys:       newSecurityKeys(config.SecurityKeys),
	}
	s.complete()
	s.agent, s.journal = config.Agent, newJournal(config.Activity, s.log)
	s.watcher = startWatcher(s, orDefault(config.ScanEvery, 500*time.Millisecond))
	return s, nil
}

// complete gives defaults to what the configuration left out.
func (s *Store) complete() {
	if s.now == nil {
		s.now = time.Now
	}
	if s.newTimer == nil {
		s.newTimer = newTimer
	}
	if s.names == nil {
		s.names = &memoryNames{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
}

func newTimer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Close wipes all PINs, ends every worker process and waits until nothing of the store runs any more. What was
// waiting for a card fails. Closing twice is allowed.
func (s *Store) Close() error {
	s.keys.close()
	s.watcher.close()
	s.mu.Lock()
	cards := s.cards
	s.cards = nil
	s.mu.Unlock()
	for _, c := range cards {
		c.close(ErrClosed)
	}
	s.journal.close()
	s.board.close()
	return nil
}

// Snapshot is what the store knows now.
func (s *Store) Snapshot() Snapshot { return s.board.snapshot() }

// Wait blocks until a snapshot newer than version after exists, or ctx ends, or the store is closed.
func (s *Store) Wait(ctx context.Context, after uint64) (Snapshot, error) {
	return s.board.wait(ctx, after)
}

// Refresh looks for cards at once and asks each for its state again, for example after another program may have
// changed a PIN. It returns when the next snapshot shows the answers; cards that cannot be read say so there.
func (s *Store) Refresh(ctx context.Context) error {
	if err := s.watcher.scan(ctx); err != nil {
		return err
	}
	var asking sync.WaitGroup
	for _, c := range s.plugged() {
		asking.Go(func() { _, _ = c.identify(ctx) }) // its failure is in the snapshot
	}
	asking.Wait()
	return context.Cause(ctx)
}

// ForgetPINs empties the PIN cache of every card.
func (s *Store) ForgetPINs() {
	for _, c := range s.plugged() {
		c.pins.forget()
	}
	s.publish()
}

// SetPINAndPUK replaces the factory PIN and PUK of a card and checks the new ones on it. Where the PUK is not the
// factory one any more, puk must be the present PUK. It refuses a card that has neither factory PIN nor factory
// PUK. It wipes neither secret.
func (s *Store) SetPINAndPUK(ctx context.Context, serial uint32, pin, puk *secret.Bytes) error {
	c, err := s.find(ctx, serial)
	if err != nil {
		return err
	}
	return c.inTurn(ctx, func() error { return c.replaceFactorySecrets(ctx, pin, puk) })
}

// plugged is the cards that are plugged in.
func (s *Store) plugged() []*card {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.cards)
}

// find returns the card with this serial, or the first one that can be read if serial is 0. A card that is not
// known yet is looked for.
func (s *Store) find(ctx context.Context, serial uint32) (*card, error) {
	before := s.plugged()
	c, err := s.search(ctx, serial)
	if c != nil {
		return c, nil
	}
	if err := s.watcher.scan(ctx); errors.Is(err, ErrClosed) {
		return nil, faultOf(CardID{Serial: serial}, err)
	} else if err != nil {
		return nil, err
	}
	if !slices.Equal(before, s.plugged()) {
		c, err = s.search(ctx, serial)
	}
	switch problem := s.serviceProblem(); {
	case c != nil:
		return c, nil
	case problem != nil:
		return nil, problem
	case err != nil:
		return nil, err
	default:
		return nil, noCardFault(CardID{Serial: serial, Name: s.Name(serial)})
	}
}

// search looks among the cards that are known. The error is that of a card that might be the one but could not be
// read.
func (s *Store) search(ctx context.Context, serial uint32) (*card, error) {
	var unreadable error
	cards := s.plugged()
	for _, c := range cards {
		if info := c.known(); info != nil && serial != 0 && info.Serial == serial {
			return c, nil // without asking the others anything
		}
	}
	for _, c := range cards {
		info, err := c.info(ctx)
		if err != nil {
			unreadable = err
		} else if serial == 0 || info.Serial == serial {
			return c, nil
		}
	}
	return nil, unreadable
}

func (s *Store) serviceProblem() *fault.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// publish makes a new snapshot of what is known now.
func (s *Store) publish() {
	s.board.publish(func() Snapshot {
		s.mu.Lock()
		cards, problem := slices.Clone(s.cards), s.problem
		s.mu.Unlock()
		snapshot := Snapshot{Problem: problem, Activity: s.journal.count()}
		for _, c := range cards {
			snapshot.Cards = append(snapshot.Cards, c.snapshot())
		}
		return snapshot
	})
}
