// Package fido gets WebAuthn assertions from security keys through libfido2. It checks what a relying party asks for
// before a key is touched, asks for PIN and tap through a Prompter, and says what went wrong in two sentences. It makes
// no credentials, knows no cluster and opens no network connection.
//
// libfido2 runs in a child process that lives for one question and an answer (job.go, worker.go): it has no time
// limit of its own, and a process can be ended. The child also keeps two hazards of the device away from the program:
// copies of the PIN die with it, and a device that is a terminal, as the virtual key's is, can neither become the
// program's controlling terminal nor end the program when it is unplugged.
package fido
