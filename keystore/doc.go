// Package keystore owns hardware keys: cards and their slots, PIN and PUK, key generation, attestation, and the
// signatures that sessions are made of. Private keys never leave the card and PINs never leave this package except
// towards the card. It does not know what a cluster is, opens no network connection and shows no window: whoever
// asks for a key says what for in a Purpose, and a Prompter asks the person.
package keystore
