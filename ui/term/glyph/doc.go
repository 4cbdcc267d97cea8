// Package glyph draws rows of terminal cells into images. Characters are rasterised once into masks and blended from
// there; lines, blocks and Braille are drawn to the cell's exact size, so that boxes close without a gap.
//
// Everything is measured in physical pixels. The package knows cells, not screens, and nothing of Fyne.
package glyph
