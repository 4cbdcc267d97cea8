// Package wire holds the messages that both ends of a connection agree on: bodies of the web API, ALPN names,
// certificate attributes and, in its subfolders, the gRPC subset. It holds shapes only. What is done with them is
// written twice, once in session and once in demo, so that a mistake cannot cancel itself out.
package wire

//go:generate sh ./generate.sh
