package demo

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
			k := w.login(t, user, test.card)
			if got := k.sshCert.Extensions["private-key-policy"]; got != test.policy {
				t.Errorf("the SSH certificate says %q, want %q", got, test.policy)
			}
		})
	}
}

func TestBeginAndFinishSignIn(t *testing.T) {
	w := start(t)
	password := w.password(t, "off")
	code, body := w.post(t, begin, map[string]any{"user": "off", "pass": password})
	if code != http.StatusOK || strings.TrimSpace(string(body)) != `{"webauthn_challenge":null,"totp_challenge":false}` {
		t.Fatalf("begin: %d %s", code, body)
	}
	c := softKey(t)
	code, body = w.post(t, finish, c.request(t, "off", password))
	if code != http.StatusOK {
		t.Fatalf("finish: %d %s", code, body)
	}
	if k := w.keyring(t, c, body); k.user != "off" {
		t.Errorf("the certificates are %q's", k.user)
	}
}

func TestTheAuditLogTellsARefusedAndAnIssuedCertificate(t *testing.T) {
	w := start(t)
	w.post(t, finish, softKey(t).request(t, "touch", w.password(t, "touch")))
	w.post(t, finish, w.vendor.cardWith(t, 4711, never, cached).request(t, "touch", w.password(t, "touch")))
	events := w.find(t, "cert.create")
	if len(events) != 2 {
		t.Fatalf("the audit log has %d: %+v", len(events), events)
	}
	refused, issued := events[0], events[1]
	if refused.Success || refused.Reason != "private key policy not met: hardware_key_touch" || refused.Policy != "none" ||
		refused.RequiredPolicy != "hardware_key_touch" || refused.User != "touch" {
		t.Errorf("the refusal is %+v", refused)
	}
	if !issued.Success || issued.Reason != "" || issued.Policy != "hardware_key_touch" || issued.Serial != 4711 {
		t.Errorf("the issue is %+v", issued)
	}
	if logins := w.find(t, "user.login"); len(logins) != 2 || !logins[0].Success {
		t.Errorf("the logins are %+v", logins)
	}
}

func TestWrongCredentialsAreRefusedBeforeTheKeyIsLookedAt(t *testing.T) {
	w := start(t)
	for _, user := range []string{"touch", "nobody"} {
		body := softKey(t).request(t, user, "wrong")
		body["pub_key"] = []byte("not a key")
		code, answer := w.post(t, oneCall, body)
		if code != http.StatusForbidden || errorText(t, answer) != "invalid username or password" {
			t.Errorf("%s: %d %s", user, code, answer)
		}
		code, answer = w.post(t, begin, map[string]any{"user": user, "pass": "wrong"})
		if code != http.StatusForbidden || errorText(t, answer) != "invalid credentials" {
			t.Errorf("%s: begin: %d %s", user, code, answer)
		}
	}
	if certs := w.find(t, "cert.create"); len(certs) > 0 {
		t.Errorf("certificates were decided about: %+v", certs)
	}
	if code, body := w.post(t, begin, map[string]any{"passwordless": true}); code != http.StatusForbidden {
		t.Errorf("passwordless: %d %s", code, body)
	}
}

func TestTooManyWrongPasswordsLockTheAccountForAWhile(t *testing.T) {
	w := start(t)
	for range 5 {
		if code, body := w.post(t, oneCall, softKey(t).request(t, "off", "wrong")); code != http.StatusForbidden {
			t.Fatalf("%d %s", code, body)
		}
	}
	right := softKey(t).request(t, "off", w.password(t, "off"))
	code, body := w.post(t, oneCall, right)
	if code != http.StatusForbidden || errorText(t, body) != "too many incorrect attempts, please try again later" {
		t.Errorf("the right password during the lock: %d %s", code, body)
	}
	w.login(t, "pin", w.vendor.card(t, 7)) // others are not locked
	w.clock.move(21 * time.Minute)
	if code, body := w.post(t, oneCall, right); code != http.StatusOK {
		t.Errorf("after the lock: %d %s", code, body)
	}
}

func TestRequestsAreChecked(t *testing.T) {
	w := start(t)
	tests := map[string]struct {
		member string
		value  any
		code   int
		text   string
	}{
		"no key":               {"pub_key", nil, 400, "missing parameter 'public_key'"},
		"not a key":            {"pub_key", []byte("ssh-rsa AAAA"), 400, "parsing the public key"},
		"an unknown leaf":      {"RouteToCluster", "leaf", 404, `remote cluster "leaf" not found`},
		"an unknown kube":      {"KubernetesCluster", "k1", 400, `"k1" is not registered`},
		"an unknown format":    {"compatibility", "ancient", 400, `"ancient"`},
		"the cluster by name":  {"RouteToCluster", "demo", 200, ""},
		"an unknown member":    {"tls_pub_key", "ignored like every member that is not known", 200, ""},
		"a member of later":    {"shiny", true, 200, ""},
		"names in lower case":  {"routetocluster", "", 200, ""},
		"the old format":       {"compatibility", "oldssh", 200, ""},
		"the standard format":  {"compatibility", "standard", 200, ""},
		"a ttl that is a word": {"ttl", "1h", 400, "ttl"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body := softKey(t).request(t, "off", w.password(t, "off"))
			body[test.member] = test.value
			if test.value == nil {
				delete(body, test.member)
			}
			code, answer := w.post(t, oneCall, body)
			if code != test.code || code != 200 && !strings.Contains(errorText(t, answer), test.text) {
				t.Errorf("%d %s, want %d %q", code, answer, test.code, test.text)
			}
		})
	}
	t.Run("only the split keys of newer clients", func(t *testing.T) {
		body := softKey(t).request(t, "off", w.password(t, "off"))
		body["ssh_pub_key"] = body["pub_key"]
		delete(body, "pub_key")
		if code, answer := w.post(t, oneCall, body); code != 400 || errorText(t, answer) != "missing parameter 'public_key'" {
			t.Errorf("%d %s", code, answer)
		}
	})
	t.Run("no JSON", func(t *testing.T) {
		if code, answer := w.post(t, oneCall, "text"); code != 400 {
			t.Errorf("%d %s", code, answer)
		}
	})
}

func TestAttestationsAreChecked(t *testing.T) {
	w := start(t)
	forger := newVendor(t)
	other, forged, weak := w.vendor.card(t, 7), forger.card(t, 7), w.vendor.cardWith(t, 7, never, never)
	pinOnly, good := w.vendor.cardWith(t, 7, once, never), w.vendor.card(t, 7)
	url := func(der []byte) string { return base64.URLEncoding.EncodeToString(append(der, 0xff, 0xff, 0xff)) }
	statement := func(slot, device any) map[string]any {
		return map[string]any{"yubikeyAttestationStatement": map[string]any{"slotCert": slot, "attestationCert": device}}
	}
	tests := map[string]struct {
		key       *card
		statement any
		code      int
		text      string
	}{
		"none":                  {good, nil, 400, "private key policy not met: hardware_key_touch"},
		"a forged root":         {forged, statement(forged.slot.Raw, forged.device.Raw), 400, "attestation is not trusted: the device certificate does not chain"},
		"for another key":       {good, statement(other.slot.Raw, other.device.Raw), 400, "attestation is not trusted: it is for another key"},
		"of another device":     {good, statement(good.slot.Raw, other.device.Raw), 400, "attestation is not trusted"},
		"a forged slot":         {forged, statement(forged.slot.Raw, good.device.Raw), 400, "attestation is not trusted"},
		"neither touch nor PIN": {weak, statement(weak.slot.Raw, weak.device.Raw), 400, "private key policy not met: hardware_key_touch"},
		"PIN instead of touch":  {pinOnly, statement(pinOnly.slot.Raw, pinOnly.device.Raw), 400, "private key policy not met: hardware_key_touch"},
		"no certificates in it": {good, statement([]byte("x"), []byte("y")), 400, "cannot be read"},
		"an unknown member":     {good, map[string]any{"tpm": true}, 400, "attestation statement refused"},
		"empty":                 {good, map[string]any{}, 400, "attestation statement refused"},
		"not even an object":    {good, 7, 400, "attestation statement refused"},
		"base64 for URLs":       {good, statement(url(good.slot.Raw), good.device.Raw), 400, "attestation statement refused"},
		"good":                  {good, statement(good.slot.Raw, good.device.Raw), 200, ""},
		"good, in the other case": {other, map[string]any{"yubikey_attestation_statement": map[string]any{
			"slot_cert": other.slot.Raw, "attestation_cert": other.device.Raw}}, 200, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if name == "none" {
				test.key = w.vendor.card(t, 7) // one that nothing is known about
			}
			body := test.key.request(t, "touch", w.password(t, "touch"))
			body["attestation_statement"] = test.statement
			code, answer := w.post(t, finish, body)
			if code != test.code || code != 200 && !strings.Contains(errorText(t, answer), test.text) {
				t.Errorf("%d %s, want %d %q", code, answer, test.code, test.text)
			}
		})
	}
}

func TestAnAttestedKeyIsRememberedAsLongAsItsCertificates(t *testing.T) {
	w := start(t)
	c := w.vendor.card(t, 7)
	w.login(t, "touch", c)
	bare := &card{key: c.key}
	w.login(t, "touch", bare)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, w.ready.State, w.vendor)
	again.login(t, "touch", bare) // a restart does not forget
	again.clock.move(2 * time.Hour)
	code, body := again.post(t, oneCall, bare.request(t, "touch", again.password(t, "touch")))
	if code != 400 || errorText(t, body) != "private key policy not met: hardware_key_touch" {
		t.Errorf("after the certificates: %d %s", code, body)
	}
}

func TestPasswordsAreWrittenNowhere(t *testing.T) {
	var log bytes.Buffer
	cluster, err := Start(t.Context(), Config{
		State: newState(t),
		Log:   slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Cluster: cluster, ready: cluster.Ready(), clock: &clock{}}
	password := w.password(t, "off")
	w.post(t, begin, map[string]any{"user": "off", "pass": password + "x"})
	w.post(t, oneCall, softKey(t).request(t, "off", password+"x"))
	w.post(t, oneCall, map[string]any{"user": "off", "password": password, "ttl": password})
	w.login(t, "off", softKey(t))
	if err := cluster.Close(); err != nil {
		t.Fatal(err)
	}
	auditLog, err := os.ReadFile(w.ready.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(append(auditLog, log.Bytes()...), []byte(password)) {
		t.Error("a log holds a password")
	}
	hashes, err := os.ReadFile(filepath.Join(w.ready.State, "passwords.json"))
	if err != nil || bytes.Contains(hashes, []byte(password)) {
		t.Errorf("the server keeps the password itself, %v", err)
	}
}

func TestAUserWhoIsAddedGetsAPasswordAtTheNextStart(t *testing.T) {
	w := start(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(w.ready.Resources, "ann.yaml"), "kind: user\nversion: v2\nmetadata: {name: ann}\n"+
		"spec: {roles: [demo-touch, demo-pin], traits: {logins: [ann]}}\n")
	again := startIn(t, w.ready.State, w.vendor)
	if got := again.password(t, "off"); got != w.password(t, "off") {
		t.Error("the passwords of the others changed")
	}
	for _, u := range again.ready.Users {
		if u.Name == "ann" && u.RequireSessionMFA != "hardware_key_touch_and_pin" {
			t.Errorf("the roles do not combine: %+v", u)
		}
	}
	again.login(t, "ann", w.vendor.card(t, 7))
}

func TestAProofThatDidNotSufficeIsNotRemembered(t *testing.T) {
	w := start(t)
	c := w.vendor.cardWith(t, 7, once, never)
	w.post(t, oneCall, c.request(t, "touch", w.password(t, "touch")))
	bare := &card{key: c.key}
	if code, body := w.post(t, oneCall, bare.request(t, "pin", w.password(t, "pin"))); code != http.StatusBadRequest {
		t.Errorf("%d %s", code, body)
	}
}
