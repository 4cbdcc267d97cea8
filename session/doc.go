// Package session owns clusters: profiles on disk, sign-in with everything a private key policy demands, certificates,
// resource lists and SSH sessions. It talks to people through a Prompter and to keys through keystore; it draws
// nothing and knows no window. The protocol itself is in session/teleport.
package session
