//go:build e2e

package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAMissingSecurityKeyIsWaitedForOrReplacedByACode pulls the key of someone who is checked for every session: a code
// does as well, and so does plugging the key in.
func TestAMissingSecurityKeyIsWaitedForOrReplacedByACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checkedProgram)
	w.Display.Move("Virtual key", 1220, 40)
	setUpKey(w)
	w.Sees("Which cluster?")
	w.Presses("Return")
	w.Sees("Sign in to demo")
	w.Focus("Password")
	signInAs(w, "mfa")
	w.Sees("Use a one-time code instead")
	w.Shot("sign-in-tap-or-code")
	w.Clicks("Gold contact")
	w.Sees("demo-node")
	w.Display.Move("Touchstone", 10, 40)

	w.Clicks("Unplug")
	w.Clicks("Connect to demo-node")
	w.Sees("Plug in your security key")
	w.Shot("plug-in-or-code")
	w.Clicks("Use a one-time code instead")
	w.Sees("Enter a one-time code")
	w.Sees("SSH to")
	w.Focus("Code")
	w.Shot("code")
	w.Types(w.code("mfa"), true)
	w.Presses("Return")
	w.Reads("This is the demo node of Touchstone.")

	w.Presses("ctrl+shift+t")
	w.Clicks("Connect to demo-node")
	w.Sees("Plug in your security key")
	w.Clicks("Plug in")
	w.Sees("Tap your security key")
	w.Clicks("Gold contact")
	w.Reads("This is the demo node of Touchstone.")
	w.Shot("shell")
	staysOnFynesThread(w)
}

// code is the one-time code (RFC 6238) that the authenticator app of one of the demo's users shows now.
func (w *World) code(user string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.state, "cluster", "otp.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	secrets := map[string]string{}
	if err := json.Unmarshal(text, &secrets); err != nil {
		w.t.Fatal(err)
	}
	secret, err := base32.StdEncoding.DecodeString(secrets[user])
	if err != nil {
		w.t.Fatal(err)
	}
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30)))
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}
