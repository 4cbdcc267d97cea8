package demo

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func capture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "captures", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// members lists the paths of all members of a JSON document with the kinds of their values.
func members(t *testing.T, data []byte) map[string]string {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	found := map[string]string{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				walk(path+"."+name, member)
			}
		case []any:
			found[path] = "array"
		case string:
			found[path] = "string"
		case bool:
			found[path] = "bool"
		case float64:
			found[path] = "number"
		default:
			found[path] = "null"
		}
	}
	walk("", value)
	return found
}

// differences from the captured version 12, by decision or by version 15.
var (
	without = []string{".proxy.kube.enabled", ".proxy.db.mysql_listen_addr"}
	added   = map[string]string{".auth.default_session_ttl": "string", ".auth.piv_pin_cache_ttl": "number", ".proxy.ssh.dial_timeout": "number"}

	// addedByWebauthn are members of other captures, where a second factor was wanted.
	addedByWebauthn = map[string]string{".auth.preferred_local_mfa": "string", ".auth.webauthn.rp_id": "string"}
)

func TestDiscoveryHasTheMembersOfARealCluster(t *testing.T) {
	t.Run("version 12", func(t *testing.T) {
		testDiscovery(t, startLike(t, func(c *Config) { c.VersionProfile, c.Listeners = 12, ListenersMultiplex }), nil)
	})
	t.Run("version 15", func(t *testing.T) { testDiscovery(t, start(t), added) })
}

func testDiscovery(t *testing.T, w *world, added map[string]string) {
	tests := map[string]string{
		"/webapi/ping": "ping-hk.json", "/v1/webapi/ping": "ping-hk.json",
		"/webapi/find": "find-multiplex.json", "/v1/webapi/find": "find-multiplex.json",
	}
	for path, file := range tests {
		t.Run(path, func(t *testing.T) {
			code, body := w.get(t, path)
			want := members(t, capture(t, file))
			for _, name := range without {
				delete(want, name)
			}
			for _, more := range []map[string]string{added, addedByWebauthn} {
				for name, kind := range more {
					if !strings.HasPrefix(name, ".auth") || file == "ping-hk.json" {
						want[name] = kind
					}
				}
			}
			if diff := cmp.Diff(want, members(t, body)); code != http.StatusOK || diff != "" {
				t.Errorf("%d, members (-real +ours):\n%s", code, diff)
			}
		})
	}
}

func TestPingSaysWhatThereIs(t *testing.T) {
	w := start(t)
	var ping struct {
		Auth struct {
			Type         string
			SecondFactor string `json:"second_factor"`
			Local        struct{ Name string }
			Policy       string `json:"private_key_policy"`
			TTL          string `json:"default_session_ttl"`
		}
		Proxy struct {
			SSH struct {
				PublicAddr string `json:"public_addr"`
			}
			TLSRouting bool `json:"tls_routing_enabled"`
		}
		ServerVersion string `json:"server_version"`
		ClusterName   string `json:"cluster_name"`
	}
	_, body := w.get(t, "/webapi/ping/local")
	if err := json.Unmarshal(body, &ping); err != nil {
		t.Fatal(err)
	}
	a := ping.Auth
	if a.Type != "local" || a.SecondFactor != "optional" || a.Local.Name != "local" || a.Policy != "none" || a.TTL != "12h0m0s" {
		t.Errorf("auth is %+v", a)
	}
	if ping.Proxy.SSH.PublicAddr != w.ready.Proxy || !ping.Proxy.TLSRouting || ping.ServerVersion != "15.0.0" || ping.ClusterName != "demo" {
		t.Errorf("ping is %+v", ping)
	}
}

func TestSettingsOfTheClusterAreInPing(t *testing.T) {
	w := start(t)
	w.edit(t, "cluster.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key_pin\n  message_of_the_day: Be kind.")
	w.edit(t, "cluster.yaml", "pin_cache_ttl: 15m", "pin_cache_ttl: 5m\n    piv_slot: 9C")
	_, body := w.get(t, "/webapi/ping")
	for _, want := range []string{`"private_key_policy":"hardware_key_pin"`, `"has_motd":true`, `"piv_slot":"9c"`, `"piv_pin_cache_ttl":300000000000`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("ping lacks %s: %s", want, body)
		}
	}
	if _, body := w.get(t, "/webapi/motd"); strings.TrimSpace(string(body)) != `{"Text":"Be kind."}` {
		t.Errorf("the message of the day is %s", body)
	}
	if code, body := w.post(t, oneCall, softKey(t).request(t, "off", w.password(t, "off"))); code != http.StatusBadRequest ||
		errorText(t, body) != "private key policy not met: hardware_key_pin" {
		t.Errorf("the cluster's policy is not enforced: %d %s", code, body)
	}
	code, body := w.post(t, oneCall, w.vendor.cardWith(t, 7, never, cached).request(t, "touch", w.password(t, "touch")))
	if code != http.StatusBadRequest || errorText(t, body) != "private key policy not met: hardware_key_touch_and_pin" {
		t.Errorf("cluster and role do not combine: %d %s", code, body)
	}
}

func TestUnknownRoutesAreNotJSON(t *testing.T) {
	w := start(t)
	for _, path := range []string{"/", "/webapi/sso", "/v1/webapi/headless/login", "/v2/webapi/ping"} {
		code, body := w.get(t, path)
		if code != http.StatusNotFound || string(body) != "404 page not found\n" {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	if code, body := w.get(t, "/webapi/ping/okta"); code != http.StatusBadRequest || !strings.Contains(errorText(t, body), "invalid connector name: okta") {
		t.Errorf("an unknown connector: %d %s", code, body)
	}
	if code, _ := w.get(t, finish); code != http.StatusMethodNotAllowed {
		t.Errorf("GET of a login: %d", code)
	}
}

func TestErrorsLookLikeThoseOfARealCluster(t *testing.T) {
	w := start(t)
	code, body := w.post(t, oneCall, softKey(t).request(t, "touch", w.password(t, "touch")))
	if want := strings.TrimRight(string(capture(t, "hk-refused-no-attestation.response.json")), "\n"); code != http.StatusBadRequest || string(body) != want {
		t.Errorf("%d %q, want %q", code, body, want)
	}
	response, err := w.web(t).Get("https://" + w.ready.Proxy + "/webapi/ping")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	for name, want := range map[string]string{
		"Cache-Control": "no-cache, no-store, must-revalidate", "Content-Type": "application/json",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestALoginAnswerHasTheMembersOfARealCluster(t *testing.T) {
	w := start(t)
	_, body := w.post(t, oneCall, w.vendor.card(t, 7).request(t, "touch", w.password(t, "touch")))
	if diff := cmp.Diff(members(t, capture(t, "hk-always.response.json")), members(t, body)); diff != "" {
		t.Errorf("members (-real +ours):\n%s", diff)
	}
	var real, ours struct {
		HostSigners []map[string]any `json:"host_signers"`
	}
	if json.Unmarshal(capture(t, "hk-always.response.json"), &real) != nil || json.Unmarshal(body, &ours) != nil {
		t.Fatal("the answers are not JSON")
	}
	names := func(m map[string]any) []string {
		var list []string
		for name := range m {
			list = append(list, name)
		}
		slices.Sort(list)
		return list
	}
	if diff := cmp.Diff(names(real.HostSigners[0]), names(ours.HostSigners[0])); diff != "" {
		t.Errorf("members of a host signer (-real +ours):\n%s", diff)
	}
}

func TestHTTP2IsServedToThoseWhoWantNothingElse(t *testing.T) {
	w := start(t)
	only := new(http.Protocols)
	only.SetHTTP2(true)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.webRoots(t)}, Protocols: only}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("https://" + w.ready.Proxy + "/webapi/ping")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
		t.Errorf("%s %s", response.Proto, response.Status)
	}
}
