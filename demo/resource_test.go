package demo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goodCluster = "kind: cluster_auth_preference\nversion: v2\nmetadata: {name: c}\nspec: {type: local, second_factor: \"off\"}\n"

func TestResourcesAreReadStrictly(t *testing.T) {
	const role = "kind: role\nversion: v7\nmetadata: {name: r}\nspec:\n"
	tests := map[string]struct{ text, want string }{
		"an unknown kind":            {"kind: bot\nversion: v1\nmetadata: {name: x}\n", `kind: "bot" is not known here`},
		"an unknown version":         {"kind: role\nversion: v9\nmetadata: {name: x}\n", `version: role version "v9" is not supported`},
		"no name":                    {"kind: role\nversion: v7\n", "metadata.name: is missing"},
		"an unknown field":           {role + "  allow: {aws_role_arns: [x]}\n", `unknown field "aws_role_arns"`},
		"an unknown option":          {role + "  options: {forward_agent: true}\n", `unknown field "forward_agent"`},
		"an unknown policy":          {role + "  options: {require_session_mfa: hardware_key_smell}\n", "require_session_mfa: RequireMFAType invalid value hardware_key_smell"},
		"a duration without a unit":  {role + "  options: {max_session_ttl: 8}\n", "role \"r\""},
		"a negative duration":        {role + "  options: {max_session_ttl: -8h}\n", "spec.options.max_session_ttl: is negative"},
		"a wildcard login":           {role + "  allow: {logins: ['*']}\n", "spec.allow.logins: wildcards are not allowed"},
		"an unknown template":        {role + "  allow: {logins: ['{{email.local(external.email)}}']}\n", "spec.allow.logins:"},
		"a half wildcard":            {role + "  allow: {node_labels: {'*': dev}}\n", "spec.allow.node_labels:"},
		"a bad expression":           {role + "  deny: {node_labels: {env: '^($'}}\n", "spec.deny.node_labels: env:"},
		"a user without roles":       {"kind: user\nversion: v2\nmetadata: {name: u}\nspec: {roles: []}\n", "spec.roles: is empty"},
		"a user with a strange role": {"kind: user\nversion: v2\nmetadata: {name: u}\nspec: {roles: [ghost]}\n", `there is no role "ghost"`},
		"two of one name":            {role + "  allow: {}\n---\n" + role + "  allow: {}\n", "more than one"},
		"a second factor":            {strings.ReplaceAll(goodCluster, `"off"`, "u2f"), `spec.second_factor: "u2f"`},
		"a strange slot":             {strings.ReplaceAll(goodCluster, `"off"`, `"off", hardware_key: {piv_slot: 82}`), "spec.hardware_key.piv_slot"},
		"a long PIN cache":           {strings.ReplaceAll(goodCluster, `"off"`, `"off", hardware_key: {pin_cache_ttl: 2h}`), "pin_cache_ttl"},
		"no YAML":                    {"kind: [", ""},
		"a list":                     {"- 1\n", ""},
		"an empty file":              {"# soon\n", "there is no resource in it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if !strings.Contains(test.text, "cluster_auth_preference") {
				write(t, filepath.Join(dir, "cluster.yaml"), goodCluster)
			}
			write(t, filepath.Join(dir, "x.yaml"), test.text)
			_, err := loadCatalog(dir)
			broken, ok := errors.AsType[*ResourceError](err)
			if !ok || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if !strings.HasPrefix(broken.File, dir) {
				t.Errorf("the error names %s", broken.File)
			}
		})
	}
	t.Run("no settings", func(t *testing.T) {
		if _, err := loadCatalog(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no cluster_auth_preference") {
			t.Errorf("got %v", err)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAHalfWrittenResourceChangesNothing(t *testing.T) {
	w := start(t)
	w.edit(t, "off.yaml", "kind: role", "kind: rol")
	w.login(t, "off", softKey(t))
	w.edit(t, "off.yaml", "kind: rol\n", "kind: role\n")
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key_pin")
	code, body := w.post(t, oneCall, softKey(t).request(t, "off", w.password(t, "off")))
	if code != 400 || errorText(t, body) != "private key policy not met: hardware_key_pin" {
		t.Errorf("after the repair: %d %s", code, body)
	}
}

func TestTheUsersOfADemoAreOneForEveryPolicy(t *testing.T) {
	w := start(t)
	demands := map[string]string{}
	passwords := map[string]bool{}
	for _, u := range w.ready.Users {
		demands[u.Name] = u.RequireSessionMFA
		passwords[u.Password] = true
		if len(u.Password) < 16 || len(u.Roles) == 0 {
			t.Errorf("user %s has password %q and roles %v", u.Name, u.Password, u.Roles)
		}
	}
	want := map[string]string{"off": "off", "touch": "hardware_key_touch", "pin": "hardware_key_pin", "touch-pin": "hardware_key_touch_and_pin",
		"key": "hardware_key", "mfa": "on", "touch-mfa": "hardware_key_touch", "guide": "on"}
	if diff := cmp.Diff(want, demands); diff != "" || len(passwords) != len(want) {
		t.Errorf("%d passwords; users:\n%s", len(passwords), diff)
	}
}

func TestSelectorsMatchLabels(t *testing.T) {
	labels := map[string]string{"env": "dev", "os": "linux", "team": "blue.1"}
	tests := map[string]struct {
		selector selector
		want     bool
	}{
		"nothing matches nothing":  {nil, false},
		"everything":               {selector{"*": {"*"}}, true},
		"one value":                {selector{"env": {"dev"}}, true},
		"one of several values":    {selector{"env": {"prod", "dev"}}, true},
		"all keys must be there":   {selector{"env": {"dev"}, "zone": {"*"}}, false},
		"all keys must match":      {selector{"env": {"dev"}, "os": {"plan9"}}, false},
		"a glob":                   {selector{"os": {"lin*"}}, true},
		"a glob is the whole text": {selector{"os": {"lin"}}, false},
		"a dot is a dot":           {selector{"team": {"blue?1"}}, false},
		"an expression":            {selector{"team": {`^blue\.[0-9]$`}}, true},
		"any value of a key":       {selector{"env": {"*"}}, true},
	}
	for name, test := range tests {
		if got := test.selector.matches(labels); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTraitsFillTemplates(t *testing.T) {
	values := traits{"logins": {"ann", "bob"}, "team": {"blue"}}
	tests := map[string][]string{
		"root":                      {"root"},
		"{{internal.logins}}":       {"ann", "bob"},
		"svc-{{ external.team }}-x": {"svc-blue-x"},
		"{{internal.nothing}}":      nil,
	}
	for text, want := range tests {
		if got := expandAll([]string{text}, values); !cmp.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"{{internal.logins", "{{x}}", "{{internal.a}}{{internal.b}}", "{{other.logins}}"} {
		if got, err := expand(text, values); err == nil {
			t.Errorf("%q is accepted as %v", text, got)
		}
	}
}

func TestLoginsThatUnixWouldNotTakeAreDropped(t *testing.T) {
	r := role{}
	r.Spec.Allow.Logins = []string{"{{internal.logins}}"}
	filled := r.apply(traits{"logins": {"ann", "-rf", "a b", "", "Ann.Lee_2"}})
	if diff := cmp.Diff([]string{"ann", "Ann.Lee_2"}, filled.Spec.Allow.Logins); diff != "" {
		t.Error(diff)
	}
}
