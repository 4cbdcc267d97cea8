//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestACertificateThatHasBecomeTooWeakIsExplained signs in without a hardware key; then the user's role demands one.
func TestACertificateThatHasBecomeTooWeakIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, program)
	w.Display.Move("Virtual key", 1220, 40)
	setUpKey(w)
	w.Sees("Which cluster?")
	w.Presses("Return")
	w.Sees("Sign in to demo")
	w.Focus("Password")
	w.Replaces(w.password("off"))
	w.Presses("shift+Tab")
	w.Focus("User")
	w.Replaces("off")
	w.Presses("Return")
	w.Sees("demo-node")

	role := filepath.Join(w.state, "cluster", "resources", "off.yaml")
	text, err := os.ReadFile(role)
	if err != nil {
		t.Fatal(err)
	}
	stricter := bytes.Replace(text, []byte("require_session_mfa: false"), []byte("require_session_mfa: hardware_key_touch"), 1)
	if err := os.WriteFile(role, stricter, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Clicks("Refresh list")
	w.Sees("demands a hardware key with touch")
	w.Shot("asked-again")
	w.Presses("Escape")
	w.SeesNot("Signing in to demo")
	w.Shot("cancelled")

	// The next try signs in with a key and shows the list.
	w.Clicks("Refresh list")
	w.Sees("demands a hardware key with touch")
	w.Focus("Password")
	w.Types(w.password("off"), true)
	w.Presses("Return")
	w.Sees("Touch your security key")
	w.Clicks("Gold contact")
	w.Sees("PIV 9c ready")
	w.Sees("demo-node")
	w.Shot("signed-in-again")
}
