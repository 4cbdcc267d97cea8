// Package vt is a terminal emulator without a picture: bytes of a remote shell go in, a screen of cells comes out.
//
// It follows ECMA-48 and the VT220 as xterm extends it (colours, mouse reports, alternate screen, bracketed paste), with
// DEC's synchronized output (mode 2026). Everything that arrives is hostile until proven otherwise: strings are bounded,
// C1 controls exist only as ESC sequences, titles are cleaned, and an answer is never longer than a few bytes.
//
// It knows nothing of Fyne, fonts or sockets. An Emulator is not safe for use by several goroutines; its owner locks.
package vt
