package demo

import (
	"net/http"
	"testing"
)

func TestEveryUserSignsInWithTheRightKey(t *testing.T) {
	w := start(t)
	tests := map[string]struct {
		card   *card
		policy string
	}{
		"off":       {softKey(t), "none"},
		"touch":     {w.vendor.cardWith(t, 7, never, cached), "hardware_key_touch"},
		"pin":       {w.vendor.cardWith(t, 7, once, never), "hardware_key_pin"},
		"touch-pin": {w.vendor.cardWith(t, 7, once, always), "hardware_key_touch_and_pin"},
	}
	for user, test := range tests {
		t.Run(user, func(t *testing.T) {
			code, body := w.post(t, oneCall, softKey(t).request(t, user, w.password(t, user)))
			if user != "off" && (code != http.StatusBadRequest || errorText(t, body) != "private key policy not met: "+test.policy) {
				t.Fatalf("a key on disk: %d %s", code, body)
			}
			k := w.login(t, user, test.card, w.clock.now())
			if got := k.sshCert.Extensions["private-key-policy"]; got != test.policy {
				t.Errorf("the SSH certificate says %q, want %q", got, test.policy)
			}
		})
	}
}
