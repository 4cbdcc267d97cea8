// Package term is a terminal as a Fyne widget: an emulator (vt) fed from any goroutine, rows drawn from a glyph cache
// (glyph) into one image each, keys and mouse turned into what a shell expects.
//
// It knows nothing of SSH: bytes come in through Feed and go out through Config.OnInput. It never imports Fyne's app or
// a driver; functions that must run on the Fyne thread go through Config.Post.
package term
