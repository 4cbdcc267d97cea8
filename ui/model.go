package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// This file turns snapshots into what the screens show. All of it is pure: the same snapshot at the same time gives the
// same words.

// cardName is a card as people know it: "YubiKey 5C NFC · 24 118 306", or by the name they gave it.
func cardName(card keystore.CardID) string {
	if card.Serial == 0 {
		return cmp.Or(card.Model, "YubiKey")
	}
	return cmp.Or(card.Name, card.Model, "YubiKey") + " · " + serialText(card.Serial)
}

// serialText groups the digits of a serial number as they are easiest to compare with the print on the key.
func serialText(serial uint32) string {
	digits := strconv.FormatUint(uint64(serial), 10)
	var groups []string
	for len(digits) > 3 {
		groups = append(groups, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	groups = append(groups, digits)
	slices.Reverse(groups)
	return strings.Join(groups, " ")
}

// purposePairs is who asks for what on which key, for the table of every prompt.
func purposePairs(card keystore.CardID, slot keystore.Slot, p keystore.Purpose) []widget.Pair {
	pairs := []widget.Pair{
		{Name: "Cluster", Value: p.Where},
		{Name: "Purpose", Value: p.What},
		{Name: "Program", Value: p.Program},
		{Name: "Key", Value: cardName(card)},
	}
	if slot != 0 {
		pairs = append(pairs, widget.Pair{Name: "Slot", Value: slot.String(), Mono: true})
	}
	return pairs
}

// purposeText is who asks for what in one line.
func purposeText(p keystore.Purpose) string {
	parts := slices.DeleteFunc([]string{p.What, p.Where, p.Program}, func(s string) bool { return s == "" })
	return strings.Join(parts, " · ")
}

// attemptsText says how many attempts are left, and what happens then, where that matters.
func attemptsText(p keystore.PINPrompt) string {
	left := "attempts"
	if p.AttemptsLeft == 1 {
		left = "attempt"
	}
	switch {
	case p.AttemptsLeft == 0 && p.Wrong: // a security key need not say how many are left
		return "That PIN was wrong."
	case p.AttemptsLeft == 0:
		return ""
	case p.AttemptsLeft == 1 && p.FIDO2:
		return "One attempt left. Another wrong PIN blocks the key until its FIDO2 side is reset."
	case p.AttemptsLeft == 1:
		return "One attempt left. Another wrong PIN blocks the key until you enter its PUK."
	case p.Wrong:
		return fmt.Sprintf("That PIN was wrong. %d %s left.", p.AttemptsLeft, left)
	default:
		return fmt.Sprintf("%d %s left before the key blocks its PIN.", p.AttemptsLeft, left)
	}
}

// waitingText says how many other questions wait behind the visible one.
func waitingText(n int) string {
	switch {
	case n <= 0:
		return ""
	case n == 1:
		return "1 more question waits"
	default:
		return fmt.Sprintf("%d more questions wait", n)
	}
}

// policyText is a cluster's word for a key policy in ours.
func policyText(policy string) string {
	switch policy {
	case "hardware_key":
		return "a hardware key"
	case "hardware_key_touch":
		return "a hardware key with touch"
	case "hardware_key_pin":
		return "a hardware key with PIN"
	case "hardware_key_touch_and_pin":
		return "a hardware key with touch and PIN"
	default:
		return "another kind of key (" + policy + ")"
	}
}

// clusterItem is one cluster in the side bar.
type clusterItem struct {
	ID   string
	Item widget.Item
}

func clusterItems(s session.Snapshot, selected string, now time.Time) []clusterItem {
	items := make([]clusterItem, 0, len(s.Clusters))
	for _, c := range s.Clusters {
		detail, dot := clusterState(c, now)
		items = append(items, clusterItem{ID: c.ID, Item: widget.Item{
			Initial: initial(c.Name), Title: c.Name, Detail: detail, Dot: dot, Active: c.ID == selected,
		}})
	}
	return items
}

func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return "?"
}

// clusterState is the second line of a cluster and its light.
func clusterState(c session.Cluster, now time.Time) (string, fyne.ThemeColorName) {
	switch c.State {
	case session.SignedIn:
		if left := c.Expires.Sub(now); !c.Expires.IsZero() && left <= 0 {
			return c.User + " · expired", widget.ColorWarn
		} else if c.Expires.IsZero() {
			return c.User, widget.ColorOK
		} else {
			return c.User + " · expires in " + durationText(left), widget.ColorOK
		}
	case session.SigningIn:
		return "signing in…", widget.ColorAccent
	case session.Expired:
		return c.User + " · expired", widget.ColorWarn
	default:
		return "signed out", widget.ColorFaint
	}
}

// durationText is a time left in one unit, rounded up, so that nothing ends before it says.
func durationText(d time.Duration) string {
	switch {
	case d > 48*time.Hour:
		return fmt.Sprintf("%d days", ceil(d, 24*time.Hour))
	case d > time.Hour:
		return fmt.Sprintf("%d h", ceil(d, time.Hour))
	case d > time.Minute:
		return fmt.Sprintf("%d min", ceil(d, time.Minute))
	default:
		return fmt.Sprintf("%d s", ceil(max(d, 0), time.Second))
	}
}

func ceil(d, unit time.Duration) int64 { return int64((d + unit - 1) / unit) }

// findCluster is the cluster with that ID; false when it is gone.
func findCluster(s session.Snapshot, id string) (session.Cluster, bool) {
	i := slices.IndexFunc(s.Clusters, func(c session.Cluster) bool { return c.ID == id })
	if i < 0 {
		return session.Cluster{}, false
	}
	return s.Clusters[i], true
}

// pill is a short state in the status bar.
type pill struct {
	Text  string
	Color fyne.ThemeColorName
}

// statusModel is the status bar.
type statusModel struct {
	Key        string // the key, or why there is none
	KeyColor   fyne.ThemeColorName
	Pills      []pill
	Right      string
	RightColor fyne.ThemeColorName
}

func statusOf(k keystore.Snapshot, c session.Cluster, now time.Time) statusModel {
	m := statusModel{KeyColor: widget.ColorFaint}
	card, found := statusCard(k, c.Serial)
	switch {
	case k.Problem != nil:
		m.Key, m.KeyColor = k.Problem.What, widget.ColorDanger
	case !found && c.Serial != 0 && len(k.Cards) > 0:
		m.Key, m.KeyColor = "Insert YubiKey "+serialText(c.Serial), widget.ColorWarn
	case !found:
		m.Key = "No security key plugged in"
	default:
		m.Key, m.KeyColor = cardName(card.CardID), widget.ColorOK
		m.Pills = cardPills(card, c, now)
	}
	m.Right, m.RightColor = connectionText(c, now)
	return m
}

// statusCard is the card that signs for the cluster, else the first one.
func statusCard(k keystore.Snapshot, serial uint32) (keystore.CardState, bool) {
	for _, card := range k.Cards {
		if serial == 0 || card.Serial == serial {
			return card, true
		}
	}
	return keystore.CardState{}, false
}

func cardPills(card keystore.CardState, c session.Cluster, now time.Time) []pill {
	var pills []pill
	if c.Slot != "" && c.Serial == card.Serial {
		pills = append(pills, pill{"PIV " + c.Slot + " ready", widget.ColorOK})
	}
	if card.TouchWaiting {
		pills = append(pills, pill{"Waiting for touch", widget.ColorWarn})
	} else if left := card.TouchCachedUntil.Sub(now); left > 0 {
		pills = append(pills, pill{"Touch good for " + durationText(left), widget.ColorOK})
	}
	if left := card.PINCachedUntil.Sub(now); left > 0 {
		pills = append(pills, pill{"PIN cached " + durationText(left), widget.ColorAccent})
	}
	if card.Known && card.PINIsDefault {
		pills = append(pills, pill{"Factory PIN", widget.ColorWarn})
	}
	if card.Known && card.PINAttempts == 0 {
		pills = append(pills, pill{"PIN blocked", widget.ColorDanger})
	}
	if card.Problem != nil {
		pills = append(pills, pill{card.Problem.What, widget.ColorDanger})
	}
	return pills
}

func connectionText(c session.Cluster, now time.Time) (string, fyne.ThemeColorName) {
	if c.ID == "" {
		return "No cluster yet", widget.ColorFaint
	}
	state, color := clusterState(c, now)
	return c.Name + " · " + state, color
}

// signInSteps is the steps of a running sign-in.
func signInSteps(s session.SignIn) []widget.Step {
	now := slices.Index(s.Steps, s.Current)
	steps := make([]widget.Step, 0, len(s.Steps))
	for i, step := range s.Steps {
		state := widget.StepAhead
		switch {
		case i < now || s.Current == session.StepDone:
			state = widget.StepDone
		case i == now:
			state = widget.StepNow
		}
		steps = append(steps, widget.Step{Title: string(step), Detail: stepDetail(step, s), State: state})
	}
	return steps
}

// stepDetail explains the steps that a person did not ask for.
func stepDetail(step session.Step, s session.SignIn) string {
	switch {
	case step == session.StepKey && s.Unmet != "":
		return policyText(s.Unmet) + slotText(s.Slot)
	case step == session.StepKey:
		return strings.TrimPrefix(slotText(s.Slot), ", ")
	case step == session.StepAgain:
		return "by itself, with the password you typed"
	default:
		return ""
	}
}

// slotText says where a key lives and why there; empty until that is settled.
func slotText(c session.SlotChoice) string {
	if c.Slot == 0 {
		return ""
	}
	return ", slot " + c.Slot.String() + " (" + c.Reason() + ")"
}

// unmetText explains why a sign-in takes two rounds; empty while it does not.
func unmetText(cluster, policy string) string {
	if policy == "" {
		return ""
	}
	return cluster + " wants " + policyText(policy) + ". Touchstone prepares one and signs you in again; nothing has to be typed twice."
}

// keyText is what a plugged-in key says about itself.
func keyText(card keystore.CardState) string {
	firmware := ""
	if card.Firmware != "" {
		firmware = "Firmware " + card.Firmware + ". "
	}
	switch {
	case !card.Known:
		return firmware + "Whether it still has its factory PIN shows when it is used first."
	case card.PINIsDefault:
		return firmware + "It still has its factory PIN: you choose your own next."
	default:
		return firmware + "Its PIN was set before."
	}
}

// signedInText sums up what a sign-in has set up: until when it lasts and where the private key is.
func signedInText(c session.Cluster, k keystore.Snapshot, now time.Time) string {
	text := "Signed in to " + c.Name + " as " + c.User
	if !c.Expires.IsZero() {
		text += " for " + durationText(c.Expires.Sub(now))
	}
	if c.Slot == "" {
		return text + "."
	}
	key := keystore.CardID{Serial: c.Serial}
	if card, found := statusCard(k, c.Serial); found {
		key = card.CardID
	}
	return text + ". The private key is in slot " + c.Slot + " of " + cardName(key) + " and never leaves it."
}
