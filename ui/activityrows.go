package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// activityRow is one line of the page of what keys were asked to sign.
type activityRow struct {
	Icon   assets.Icon
	Color  fyne.ThemeColorName
	What   string // "SSH to root@node-1"
	Who    string // "tsh · prod-eu", and what went wrong
	Key    string // "YubiKey 14725836, slot 9c"
	Result string
	When   string
}

// activityRows is the lines of the page. Times are told in now's zone.
func activityRows(list []keystore.Activity, now time.Time) []activityRow {
	rows := make([]activityRow, 0, len(list))
	for _, a := range list {
		row := activityRow{Icon: assets.IconKey, What: cmp.Or(a.What, "Signature"), Key: a.Key(), When: whenText(a.Time, now)}
		row.Who = whoText(a)
		row.Result, row.Color = resultText(a)
		if a.Kind == keystore.ActivityAssertion {
			row.Icon = assets.IconShield
		}
		rows = append(rows, row)
	}
	return rows
}

// resultText says what became of it, with what it cost.
func resultText(a keystore.Activity) (string, fyne.ThemeColorName) {
	switch a.Result {
	case keystore.ActivitySigned:
		return "Signed" + touchesText(a), widget.ColorOK
	case keystore.ActivityRefused:
		return "Refused", widget.ColorMuted
	case keystore.ActivityAbandoned:
		return "Not waited for", widget.ColorMuted
	default:
		return "Failed", widget.ColorDanger
	}
}

// whoText says which program asked and for which cluster, and what went wrong.
func whoText(a keystore.Activity) string {
	parts := []string{a.Program, a.Where}
	if a.Via != "" {
		parts[0] += " via " + a.Via
	}
	if a.Result == keystore.ActivityFailed {
		parts = append(parts, a.Reason)
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " · ")
}

// touchesText counts touches of a card or taps of a security key.
func touchesText(a keystore.Activity) string {
	word := "touch"
	if a.Kind == keystore.ActivityAssertion {
		word = "tap"
	}
	switch {
	case a.Touches == 0:
		return ""
	case a.Touches == 1:
		return ", one " + word
	case word == "tap":
		return fmt.Sprintf(", %d taps", a.Touches)
	default:
		return fmt.Sprintf(", %d touches", a.Touches)
	}
}

// whenText is the time of today, and the day of what is older.
func whenText(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04:05")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	default:
		return t.Format("2 Jan 2006 15:04")
	}
}

// useText is a notification of one use.
func useText(a keystore.Activity) (title, text string) {
	title = cmp.Or(a.Program, "A program") + " used " + a.Key()
	return title, strings.Trim(a.What+" · "+a.Where, " ·")
}
