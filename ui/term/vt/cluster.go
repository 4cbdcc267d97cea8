package vt

import "unicode/utf8"

const (
	maxClusters    = 1 << 14 // distinct clusters on screen and in the history
	maxClusterSize = 32      // bytes of one: a letter and its marks, not a tower of them
)

// clusters is the table of characters that are more than one rune; cells hold indices into it.
type clusters struct {
	texts []string
	index map[string]rune
}

// join appends mark to the character of c. It reports false where the character has enough marks already or the table
// is full of clusters that are in use.
func (e *Emulator) join(c *Cell, mark rune) bool {
	text := e.Text(*c)
	if len(text)+utf8.RuneLen(mark) > maxClusterSize {
		return false
	}
	text += string(mark)
	id, ok := e.clusters.index[text]
	if !ok {
		if len(e.clusters.texts) >= maxClusters && !e.compactClusters() {
			return false
		}
		id = e.clusters.add(text)
	}
	c.Ch, c.Attr = id, c.Attr|Cluster
	return true
}

func (t *clusters) add(text string) rune {
	if t.index == nil {
		t.index = map[string]rune{}
		t.texts = []string{""} // a cell with Ch 0 is blank, so no cluster is number 0
	}
	id := rune(len(t.texts))
	t.texts = append(t.texts, text)
	t.index[text] = id
	return id
}

// compactClusters drops the clusters that no cell holds any more and renumbers the rest. It reports false where that
// freed less than half: the next search would come too soon.
func (e *Emulator) compactClusters() bool {
	old := e.clusters.texts
	e.clusters = clusters{}
	renumber := func(l *Line) {
		for i := range l.Cells {
			c := &l.Cells[i]
			if c.Attr&Cluster == 0 {
				continue
			}
			text := old[c.Ch]
			id, ok := e.clusters.index[text]
			if !ok {
				id = e.clusters.add(text)
			}
			c.Ch = id
			l.gen = e.gen
		}
	}
	for _, s := range []*screen{&e.main, &e.alt} {
		for _, l := range s.rows {
			renumber(l)
		}
	}
	for i := range e.history.len() {
		renumber(e.history.at(i))
	}
	return len(e.clusters.texts) < maxClusters/2
}

// Text returns the character of a cell: a rune and the marks on it, or "" for a blank.
func (e *Emulator) Text(c Cell) string {
	switch {
	case c.Attr&Cluster != 0:
		return e.clusters.texts[c.Ch]
	case c.Ch == 0:
		return ""
	}
	return string(c.Ch)
}
