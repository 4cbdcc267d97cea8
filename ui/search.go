package ui

import "strings"

// query is what a person typed into the search box: words that must all be found. A word with "=" looks into labels
// ("env=prod", "env=" for any value), every other word into name, address and labels. Case does not matter.
type query []string

func parseQuery(text string) query { return strings.Fields(strings.ToLower(text)) }

func (q query) matches(r resourceRow) bool {
	for _, word := range q {
		if !matchesWord(r, word) {
			return false
		}
	}
	return true
}

func matchesWord(r resourceRow, word string) bool {
	labelOnly := strings.Contains(word, "=")
	for _, label := range r.foldedLabels {
		if labelOnly && strings.HasPrefix(label, word) || !labelOnly && strings.Contains(label, word) {
			return true
		}
	}
	return !labelOnly && strings.Contains(r.folded, word)
}
