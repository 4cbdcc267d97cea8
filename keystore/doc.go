// Package keystore owns hardware keys: cards and their slots, PIN and PUK, key generation, attestation, and the
// signatures that sessions are made of. Private keys never leave the card and PINs never leave this package except
// towards the card. It does not know what a cluster is, opens no network connection and shows no window: whoever
// asks for a key says what for in a Purpose, and a Prompter asks the person.
//
// A Store watches the readers and runs one actor per plugged-in card (card.go). The actor talks to the card through a
// child process (link.go, worker.go), because piv-go keeps the exclusive handle of a card that it could not open
// to the end: a broken connection is thrown away with the process, and another try starts clean (retry.go). The
// card is open only while one operation runs and for a second after a signature (hold.go), never while a person types
// or thinks. What keeps a card from a request is waited for where the person can be told (waiting.go).
package keystore
