package ui

import (
	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// keyPlace is the ID of the security key's line in the side bar.
const keyPlace = "key"

// activityPlace is the ID of the line of what keys were asked to sign.
const activityPlace = "activity"

// placeItems is the pages of this computer, in the side bar.
func (m *mainScreen) placeItems() []clusterItem {
	color := widget.ColorFaint
	card, found := statusCard(m.w.keys, 0)
	switch {
	case m.w.keys.Problem != nil || card.Problem != nil:
		color = widget.ColorDanger
	case card.TouchWaiting || card.Known && card.PINIsDefault:
		color = widget.ColorWarn
	case found:
		color = widget.ColorOK
	}
	return []clusterItem{{ID: keyPlace, Item: widget.Item{
		Icon: assets.IconKey, Color: color, Title: "Security key", Active: m.active == keyScreenPage,
	}}, {ID: activityPlace, Item: widget.Item{
		Icon: assets.IconShield, Color: widget.ColorFaint, Title: "Activity", Active: m.active == activityPage,
	}}}
}

// openPlace turns to a page of this computer.
func (m *mainScreen) openPlace(id string) {
	switch id {
	case keyPlace:
		m.turn(keyScreenPage)
	case activityPlace:
		m.turn(activityPage)
	}
}

// clusterItems is the clusters in the side bar. While a page of this computer is shown, none of them is the active one.
func (m *mainScreen) clusterItems() []clusterItem {
	selected := m.w.cluster
	if m.active == keyScreenPage || m.active == activityPage {
		selected = ""
	}
	return clusterItems(m.w.sessions, selected, m.w.deps.Now())
}

// keyActions is what the key's page can have done.
func (w *Window) keyActions() keyActions {
	return keyActions{
		setUp: w.setUpKey, changePIN: w.changePIN, changePUK: w.changePUK, unblock: w.unblockPIN,
		reset: w.resetKey, rename: w.renameKey, attest: w.showAttestation, make: w.makeKey,
	}
}
