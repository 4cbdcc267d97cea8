package keystore

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

// ManagementPrompt asks for the management key of a card that has not the factory one any more. Without it no key can
// be made on the card.
type ManagementPrompt struct {
	Card      CardID
	Slot      Slot
	Purpose   Purpose
	Algorithm string // "AES-256"; empty where the card does not tell, which means 3DES
	Digits    int    // how many hexadecimal digits the key has
	// Problem is why the answer given just before was refused, or why the key is asked for although it is stored on the
	// card; a full sentence, or empty.
	Problem string
	// Commands do the same with ykman, for whoever would rather not type the key here.
	Commands []string
}

// ManagementPrompter is a Prompter that can ask for management keys. With any other Prompter a card that has one of its
// own is refused.
type ManagementPrompter interface {
	// AskManagementKey returns the hexadecimal digits, or nothing when the Commands have run and the card is to be looked
	// at again. A refusal is context.Canceled. The secret belongs to the caller, who wipes it.
	AskManagementKey(ctx context.Context, p ManagementPrompt) (*secret.Bytes, error)
}

// managementLengths are the lengths of management keys in bytes (virtual-key sheet, 2.3). Cards that do not tell the
// algorithm are older than AES.
var managementLengths = map[string]int{"": 24, "3DES": 24, "AES-128": 16, "AES-192": 24, "AES-256": 32}

// ParseManagementKey reads a management key that was typed in hexadecimal digits; white space between them does not
// count. algorithm is as in ManagementPrompt. The error is a *fault.Fault whose sentences can be shown while the person
// types. The secret belongs to the caller, who wipes it.
func ParseManagementKey(typed []byte, algorithm string) (*secret.Bytes, error) {
	want := managementLengths[algorithm]
	key := make([]byte, 0, want+1) // never grows, so that no copy is left behind
	defer func() { clear(key[:cap(key)]) }()
	digits := 0
	for _, b := range typed {
		value, ok := hexValue(b)
		switch {
		case b == ' ' || b == '\t':
			continue
		case !ok:
			return nil, fault.New("A management key has only hexadecimal digits.", "Use 0 to 9 and a to f.")
		case digits == 2*want:
			return nil, managementLengthFault(want)
		case digits%2 == 0:
			key = append(key, value<<4)
		default:
			key[len(key)-1] |= value
		}
		digits++
	}
	if digits != 2*want {
		return nil, managementLengthFault(want)
	}
	return secret.New(key), nil
}

func managementLengthFault(bytes int) error {
	return fault.New(fmt.Sprintf("The management key of this card has %d hexadecimal digits.", 2*bytes), "Type all of them and no more.")
}

func hexValue(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10, true
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10, true
	default:
		return 0, false
	}
}

// management is what a preparation knows about the management key of its card.
type management struct {
	details ManagementDetails
	known   bool
	typed   *secret.Bytes // nil unless the person has typed it
	pin     *secret.Bytes // verified; nil unless the key is stored behind it
	stored  bool          // it is to be read from the card with the PIN
	looks   int           // how often the card was looked at again instead
}

// maxManagementAnswers bounds how often a wrong key is asked for again.
const maxManagementAnswers = 10

// managed sends a request that needs the management key: with the factory key, with the one that the card stores behind
// its PIN, or with the one that the person types.
func (p *preparation) managed(ctx context.Context, q *request) (*reply, error) {
	if err := p.settleManagement(ctx); err != nil {
		return nil, err
	}
	var problem string
	for range maxManagementAnswers {
		if p.mustAsk(problem) {
			if err := p.askManagement(ctx, q, problem); err != nil {
				return nil, err
			}
		}
		answer, err := p.sendManaged(ctx, q)
		if !isKind(err, kindManagement) {
			return answer, err
		}
		problem = p.refusedManagement()
	}
	return nil, &failure{Kind: kindManagement, Text: "the management key was wrong too often"}
}

// mustAsk reports whether only the person can have the key.
func (p *preparation) mustAsk(problem string) bool {
	m := &p.management
	return problem != "" || m.details.Kind == ManagementOwn && m.typed == nil
}

// settleManagement finds out which kind of management key the card has, and asks for the PIN where that unlocks it.
func (p *preparation) settleManagement(ctx context.Context) error {
	m := &p.management
	if m.known {
		return nil
	}
	answer, err := p.card.ask(ctx, p.request(opManagement, Policy{}))
	if err != nil {
		return err
	}
	m.details, m.known = *answer.Management, true
	m.stored = m.details.Kind == ManagementProtected
	if !m.stored || p.pin != nil {
		return nil
	}
	ask := p.store.pinAsk(p.card, p.want.Slot, p.purpose, p.want.PINCacheTTL)
	m.pin, err = p.card.withPIN(ctx, ask, func(pin *secret.Bytes) error { return p.verify(ctx, pin) })
	return err
}

// sendManaged sends q with the key as far as it is known.
func (p *preparation) sendManaged(ctx context.Context, q *request) (*reply, error) {
	m := &p.management
	q.Stored, q.ManagementTouch = m.stored, m.details.Touch
	q.secrets = secrets{PIN: p.pin, Management: m.typed}
	if m.stored && p.pin == nil {
		q.secrets.PIN = m.pin
	}
	return p.card.askTouch(ctx, q, p.store.touchShow(p.card, p.want.Slot, p.purpose))
}

// refusedManagement says why the key that was tried last is not asked for for the first time.
func (p *preparation) refusedManagement() string {
	m := &p.management
	card := p.card.id().inside()
	switch {
	case m.stored:
		m.stored = false
		return fmt.Sprintf("The management key that is stored on %s behind the PIN is not its management key any more.", card)
	case m.typed != nil:
		return fmt.Sprintf("That is not the management key of %s.", card)
	default: // an older card did not tell that it has one of its own
		return fmt.Sprintf("The management key of %s is not the factory one.", card)
	}
}

// askManagement asks for the key until what was typed can be one.
func (p *preparation) askManagement(ctx context.Context, q *request, problem string) error {
	prompter, ok := p.store.prompter.(ManagementPrompter)
	if !ok {
		return &failure{Kind: kindManagement, Text: "the management key is not the factory one"}
	}
	m := &p.management
	prompt := ManagementPrompt{
		Card: p.card.id(), Slot: q.Slot, Purpose: p.purpose, Algorithm: m.details.Algorithm,
		Digits: 2 * managementLengths[m.details.Algorithm], Problem: problem, Commands: ykmanCommands(q),
	}
	for range maxManagementAnswers {
		typed, err := p.askManagementOnce(ctx, prompter, prompt)
		if err != nil {
			return err
		}
		key, err := ParseManagementKey(typed.Reveal(), prompt.Algorithm)
		typed.Wipe()
		if err == nil {
			m.typed.Wipe()
			m.typed = key
			return nil
		}
		prompt.Problem = fault.From(err).Error()
	}
	return &failure{Kind: kindManagement, Text: "no management key was typed"}
}

// askManagementOnce asks for the key once. Nothing as an answer leads to another look at the slot.
func (p *preparation) askManagementOnce(ctx context.Context, prompter ManagementPrompter, prompt ManagementPrompt) (*secret.Bytes, error) {
	ctx, release := p.card.whilePlugged(ctx)
	defer release()
	typed, err := prompter.AskManagementKey(ctx, prompt)
	switch {
	case err != nil && (context.Cause(ctx) != nil || errors.Is(err, context.Canceled)):
		return nil, p.card.promptError(ctx, err)
	case err != nil: // nobody could be asked
		return nil, &failure{Kind: kindManagement, Text: err.Error()}
	case typed.Len() > 0:
		return typed, nil
	}
	if p.management.looks++; p.management.looks >= maxSlotChanges {
		return nil, &failure{Kind: kindManagement, Text: "the key was not made with ykman"}
	}
	return nil, &failure{Kind: kindChanged, Text: "the key was made with ykman"}
}

// ykmanCommands make the key that q would make, and the marker beside it (hardware-key sheet, 4.4).
func ykmanCommands(q *request) []string {
	words := map[bool]string{false: "NEVER", true: "ONCE"}
	touch := map[bool]string{false: "NEVER", true: "CACHED"}
	first := fmt.Sprintf("keys generate --algorithm ECCP256 --pin-policy %s --touch-policy %s", words[q.Policy.PIN], touch[q.Policy.Touch])
	if q.Op == opMark {
		first = "keys export"
	}
	ykman := fmt.Sprintf("ykman --device %d piv ", q.Serial)
	return []string{
		fmt.Sprintf("%s%s %s public.pem", ykman, first, q.Slot),
		fmt.Sprintf("%scertificates generate --subject O=%s %s public.pem", ykman, markerOrganization, q.Slot),
	}
}
