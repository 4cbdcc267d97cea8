package ui

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// trayState is the tray's icon.
type trayState int

const (
	traySignedOut trayState = iota
	traySignedIn
	trayWaiting // for a touch
)

func (s trayState) icon() fyne.Resource {
	return [...]fyne.Resource{assets.TraySignedOut, assets.TraySignedIn, assets.TrayTouch}[s]
}

// trayLine is one line of the tray's menu. Lines compare, so that the tray hears of changes only.
type trayLine struct {
	Label string // empty for a rule
	Do    trayAction
}

// trayAction is what a click on a line does.
type trayAction struct {
	Verb  trayVerb
	Place Place
	Tab   string
}

type trayVerb int

const (
	trayTells trayVerb = iota // nothing
	trayConnects
	trayOpensTab
	trayForgetsPIN
	trayShows
	trayQuits
)

// trayFacts is all that the tray's menu is made of.
type trayFacts struct {
	sessions   session.Snapshot
	keys       keystore.Snapshot
	remembered Remembered
	tabs       []trayTab
	question   string // that is open, in a few words
	now        time.Time
}

// trayTab is an open terminal, or a local proxy, which has no ID and its address for a state.
type trayTab struct{ id, caption, state string }

// Times in the menu move in steps, because a menu that changes while it is open loses the click.
const (
	touchStep = 5 * time.Second
	timeStep  = time.Minute
)

// shownRecents is how many recent servers the menu offers.
const shownRecents = 5

func trayStateOf(s session.Snapshot, k keystore.Snapshot) trayState {
	switch {
	case slices.ContainsFunc(k.Cards, func(c keystore.CardState) bool { return c.TouchWaiting }):
		return trayWaiting
	case slices.ContainsFunc(s.Clusters, func(c session.Cluster) bool { return c.State == session.SignedIn }):
		return traySignedIn
	default:
		return traySignedOut
	}
}

// trayLines is the menu: what is asked, where things stand, what one click connects to, what is open, and the rest.
func trayLines(f trayFacts) []trayLine {
	var lines []trayLine
	if f.question != "" {
		lines = append(lines, trayLine{f.question, trayAction{Verb: trayShows}}, trayLine{})
	}
	lines = append(lines, stateLines(f)...)
	lines = section(lines, "Pinned", placeLines(f.sessions, f.remembered.Pins))
	lines = section(lines, "Recent", recentLines(f))
	lines = section(lines, "Open", tabLines(f.tabs))
	lines = append(lines, trayLine{})
	if left := longestPIN(f.keys).Sub(f.now); left > 0 {
		lines = append(lines, trayLine{"Forget PIN (kept " + durationText(roundUp(left, timeStep)) + ")", trayAction{Verb: trayForgetsPIN}})
	}
	return append(lines, trayLine{"Show Touchstone", trayAction{Verb: trayShows}}, trayLine{"Quit", trayAction{Verb: trayQuits}})
}

// section adds lines under a rule and a title, or nothing.
func section(lines []trayLine, title string, more []trayLine) []trayLine {
	if len(more) == 0 {
		return lines
	}
	lines = append(lines, trayLine{}, trayLine{Label: title})
	return append(lines, more...)
}

// stateLines tells of the clusters and of the key.
func stateLines(f trayFacts) []trayLine {
	var lines []trayLine
	for _, c := range f.sessions.Clusters {
		text, _ := connectionText(c, stepped(c.Expires, f.now, timeStep))
		lines = append(lines, trayLine{Label: text})
	}
	if f.keys.Problem != nil {
		return append(lines, trayLine{Label: f.keys.Problem.What})
	}
	if len(f.keys.Cards) == 0 {
		return append(lines, trayLine{Label: "No security key plugged in"})
	}
	for _, card := range f.keys.Cards {
		lines = append(lines, trayLine{Label: cardName(card.CardID) + touchText(card, f.now)})
	}
	return lines
}

// touchText is what there is to say about touching a card.
func touchText(card keystore.CardState, now time.Time) string {
	if card.TouchWaiting {
		return " · waiting for touch"
	}
	if left := card.TouchCachedUntil.Sub(now); left > 0 {
		return " · touch good for " + durationText(roundUp(left, touchStep))
	}
	return ""
}

// placeLines is the servers of clusters that are still known.
func placeLines(s session.Snapshot, places []Place) []trayLine {
	var lines []trayLine
	for _, p := range places {
		if c, found := findCluster(s, p.Cluster); found {
			lines = append(lines, trayLine{p.title(c), trayAction{Verb: trayConnects, Place: p}})
		}
	}
	return lines
}

// recentLines leaves out what is pinned already.
func recentLines(f trayFacts) []trayLine {
	pinned := func(p Place) bool { return slices.ContainsFunc(f.remembered.Pins, p.same) }
	recents := placeLines(f.sessions, slices.DeleteFunc(slices.Clone(f.remembered.Recents), pinned))
	return recents[:min(len(recents), shownRecents)]
}

func tabLines(tabs []trayTab) []trayLine {
	var lines []trayLine
	for _, t := range tabs {
		lines = append(lines, trayLine{t.caption + " · " + t.state, trayAction{Verb: trayOpensTab, Tab: t.id}})
	}
	return lines
}

// longestPIN is when the last PIN is forgotten; zero when none is kept.
func longestPIN(k keystore.Snapshot) (until time.Time) {
	for _, card := range k.Cards {
		if card.PINCachedUntil.After(until) {
			until = card.PINCachedUntil
		}
	}
	return until
}

func roundUp(d, step time.Duration) time.Duration { return (d + step - 1) / step * step }

// stepped is the time at which until was or will be a whole number of steps away, at most one step before now.
func stepped(until, now time.Time, step time.Duration) time.Time {
	if left := until.Sub(now); left > 0 {
		return until.Add(-roundUp(left, step))
	}
	return now
}

// tray tells the desktop what the tray shows, when it changed.
type tray struct {
	desktop Desktop
	icon    fyne.Resource // nil until the first is shown
	lines   []trayLine
}

func (t *tray) showState(s trayState) {
	if icon := s.icon(); t.icon != icon {
		t.icon = icon
		t.desktop.SetTrayIcon(icon)
	}
}

func (t *tray) showLines(lines []trayLine, do func(trayAction)) {
	if !slices.Equal(t.lines, lines) {
		t.lines = lines
		t.desktop.SetTrayMenu(trayMenu(lines, do))
	}
}

// trayMenu makes lines into Fyne's menu.
func trayMenu(lines []trayLine, do func(trayAction)) *fyne.Menu {
	menu := fyne.NewMenu("Touchstone")
	for _, line := range lines {
		if line.Label == "" {
			menu.Items = append(menu.Items, fyne.NewMenuItemSeparator())
			continue
		}
		item := fyne.NewMenuItem(line.Label, func() { do(line.Do) })
		item.Disabled = line.Do.Verb == trayTells
		item.IsQuit = line.Do.Verb == trayQuits // else Fyne adds one of its own, which asks nothing
		menu.Items = append(menu.Items, item)
	}
	return menu
}
