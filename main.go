// Touchstone is a desktop client for Teleport clusters that demand hardware-backed private keys.
package main

import (
	"os"

	"github.com/touchstone-app/touchstone/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
