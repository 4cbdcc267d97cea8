package keystore

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Generation says which key is to be made outside a sign-in.
type Generation struct {
	Serial uint32 // zero: the first card found
	Slot   Slot   // zero: the default slot of the policy
	Policy Policy
	// Overwrite is SlotDetails.Contents of what may be destroyed in the slot; empty to destroy nothing.
	Overwrite string
}

// Generate makes a P-256 key in a slot and marks the slot, so that the next sign-in uses the key. It destroys nothing
// but what g.Overwrite names: any other slot that is not empty is ErrSlotTaken. A policy with PIN sets PIN and PUK up
// as a sign-in does; the marker costs a touch where the policy has one. A key that was left half-made, because the
// touch did not come, is completed. A refused prompt is context.Canceled.
func (s *Store) Generate(ctx context.Context, g Generation, purpose Purpose) (*SlotDetails, error) {
	if g.Slot == 0 {
		g.Slot = g.Policy.DefaultSlot()
	}
	if err := checkSlot(g.Slot); err != nil {
		return nil, err
	}
	c, err := s.find(ctx, g.Serial)
	if err != nil {
		return nil, err
	}
	want := wish{want: Requirement{Policy: g.Policy, Slot: g.Slot}, custom: true, overwrite: g.Overwrite}
	making := generation{preparation{store: s, card: c, wish: want, purpose: purpose}}
	var made SlotDetails
	err = c.inTurn(ctx, func() (err error) { made, err = making.run(ctx); return err })
	if err != nil {
		return nil, c.explain(err)
	}
	return &made, nil
}

// generation is one call of Store.Generate on one card.
type generation struct{ preparation }

// run makes the key. A connection that broke after the key was made, and before the answer was there, shows as a slot
// that has changed; the next look finds what is left to do.
func (g *generation) run(ctx context.Context) (SlotDetails, error) {
	defer g.wipe()
	var err error
	for range maxSlotChanges {
		if err = g.step(ctx); !isKind(err, kindChanged) {
			break
		}
	}
	if err != nil {
		return SlotDetails{}, err
	}
	details, err := g.store.describe(ctx, g.card)
	if err != nil {
		return SlotDetails{}, err
	}
	return details.Slot(g.want.Slot), nil
}

func (g *generation) step(ctx context.Context) error {
	info, err := g.card.identifyBusy(ctx, g.store.touchShow(g.card, g.want.Slot, g.purpose))
	if err != nil {
		return err
	}
	details, err := g.store.read(ctx, g.card, info)
	if err != nil {
		return err
	}
	q, err := g.plan(details)
	if err != nil {
		return err
	}
	if g.want.Policy.PIN {
		if err := g.settlePIN(ctx, info); err != nil {
			return err
		}
	}
	q.Unit = g.store.unit
	_, err = g.managed(ctx, q)
	return err
}

// plan decides what is to be done to the slot, or refuses it.
func (g *generation) plan(details *CardDetails) (*request, error) {
	found := details.Slot(g.want.Slot)
	switch {
	case found.halfMade(g.want.Policy):
		q := g.request(opMark, g.want.Policy)
		q.Public = found.PublicKey
		return q, nil
	case found.State != SlotEmpty && found.Contents != g.overwrite:
		return nil, g.taken(found)
	default:
		q := g.request(opGenerate, g.want.Policy)
		q.Contents = found.Contents
		return q, nil
	}
}

// halfMade reports whether the slot holds a key of ours with this policy that only misses its final marker.
func (s SlotDetails) halfMade(want Policy) bool {
	if s.Attestation == nil || s.Certificate == nil || s.Attestation.Policy != want {
		return false
	}
	key, err := x509.ParsePKIXPublicKey(s.PublicKey)
	return err == nil && isPlaceholder(s.Certificate, key)
}

// taken refuses to overwrite what nobody has agreed to lose.
func (g *generation) taken(found SlotDetails) error {
	what := fmt.Sprintf("Slot %s of %s holds %s.", g.want.Slot, g.card.id().inside(), found.Summary())
	do := "Nothing was changed. Choose another slot, or say that this may be destroyed."
	if g.overwrite != "" {
		do = "Nothing was changed, because this is not what was to be destroyed. Look at it, then decide again."
	}
	return fault.Wrap(ErrSlotTaken, what, do)
}

// Summary says in the middle of a sentence what is in the slot.
func (s SlotDetails) Summary() string {
	switch {
	case s.State == SlotEmpty:
		return "nothing"
	case s.State == SlotUnsure:
		return "nothing that its firmware shows; an imported key would not be shown"
	case s.Unreadable:
		return "something that is no certificate"
	case s.State == SlotCertificate:
		return fmt.Sprintf("a certificate for %q without a key that the card shows", s.Certificate.Subject)
	case s.Owner.Kind == OwnerTouchstone:
		return fmt.Sprintf("an %s key that %s made", s.Algorithm, s.Owner.Program)
	case s.Owner.Kind == OwnerTeleport:
		return fmt.Sprintf("an %s key of another Teleport client", s.Algorithm)
	case s.Certificate != nil:
		return fmt.Sprintf("an %s key with a certificate for %q", s.Algorithm, s.Certificate.Subject)
	default:
		return fmt.Sprintf("an %s key without a certificate", s.Algorithm)
	}
}
