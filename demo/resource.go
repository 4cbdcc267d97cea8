package demo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// The YAML resources of a cluster, as its own administration tool writes them (enforcement sheet, section 9). Only
// what this cluster acts on is accepted: a field that would be ignored is refused, since someone may rely on it.

// header is what all resources begin with.
type header struct {
	Kind     string   `yaml:"kind"`
	Version  string   `yaml:"version"`
	Metadata metadata `yaml:"metadata"`
}

type metadata struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
}

// role is what its holders may and may not do.
type role struct {
	Kind     string   `yaml:"kind"`
	Version  string   `yaml:"version"`
	Metadata metadata `yaml:"metadata"`
	Spec     roleSpec `yaml:"spec"`
}

type roleSpec struct {
	Options roleOptions `yaml:"options"`
	Allow   conditions  `yaml:"allow"`
	Deny    conditions  `yaml:"deny"`
}

type roleOptions struct {
	MaxSessionTTL     time.Duration `yaml:"max_session_ttl"`
	RequireSessionMFA requirement   `yaml:"require_session_mfa"`
}

type conditions struct {
	Logins         []string `yaml:"logins"`
	NodeLabels     selector `yaml:"node_labels"`
	DatabaseLabels selector `yaml:"db_labels"`
	DatabaseUsers  []string `yaml:"db_users"`
	DatabaseNames  []string `yaml:"db_names"`
	AppLabels      selector `yaml:"app_labels"`
	KubeLabels     selector `yaml:"kubernetes_labels"`
	KubeUsers      []string `yaml:"kubernetes_users"`
	KubeGroups     []string `yaml:"kubernetes_groups"`
}

// user is an account of the cluster.
type user struct {
	Kind     string   `yaml:"kind"`
	Version  string   `yaml:"version"`
	Metadata metadata `yaml:"metadata"`
	Spec     struct {
		Roles  []string `yaml:"roles"`
		Traits traits   `yaml:"traits"`
	} `yaml:"spec"`
}

// traits are named lists of values that roles refer to.
type traits map[string][]string

// authPreference holds the settings of the cluster itself.
type authPreference struct {
	Kind     string   `yaml:"kind"`
	Version  string   `yaml:"version"`
	Metadata metadata `yaml:"metadata"`
	Spec     authSpec `yaml:"spec"`
}

type authSpec struct {
	Type         string `yaml:"type"`
	SecondFactor string `yaml:"second_factor"`
	Webauthn     struct {
		RPID string `yaml:"rp_id"`
	} `yaml:"webauthn"`
	RequireSessionMFA requirement   `yaml:"require_session_mfa"`
	MessageOfTheDay   string        `yaml:"message_of_the_day"`
	DefaultSessionTTL time.Duration `yaml:"default_session_ttl"`
	HardwareKey       struct {
		PIVSlot     string        `yaml:"piv_slot"`
		PINCacheTTL time.Duration `yaml:"pin_cache_ttl"`
	} `yaml:"hardware_key"`
}

// wantsWebauthn reports whether security keys are a second factor here.
func (s *authSpec) wantsWebauthn() bool {
	return slices.Contains([]string{factorWebauthn, factorOn, factorOptional}, s.SecondFactor)
}

// preferredMFA is what ping recommends (login sheet, 3.2).
func (s *authSpec) preferredMFA() string {
	switch {
	case s.wantsWebauthn():
		return factorWebauthn
	case s.SecondFactor == factorOTP:
		return factorOTP
	default:
		return ""
	}
}

// pingWebauthn names the relying party where there is one.
func (s *authSpec) pingWebauthn() *wire.PingWebauthn {
	if !s.wantsWebauthn() {
		return nil
	}
	return &wire.PingWebauthn{RPID: s.Webauthn.RPID}
}

// Defaults and limits of a cluster (certificates sheet, section 6; hardware-key sheet, 6.4).
const (
	defaultMaxSessionTTL = 30 * time.Hour
	defaultSessionTTL    = 12 * time.Hour
	maxPINCacheTTL       = time.Hour
)

// Versions accepted for each kind (enforcement sheet, 2.6).
var versions = map[string][]string{
	"role":                    {"v3", "v4", "v5", "v6", "v7"},
	"user":                    {"v2"},
	"cluster_auth_preference": {"v2"},
}

func (h *header) check() error {
	known, ok := versions[h.Kind]
	switch {
	case !ok:
		return fmt.Errorf("kind: %q is not known here: use role, user or cluster_auth_preference", h.Kind)
	case !slices.Contains(known, h.Version):
		return fmt.Errorf("version: %s version %q is not supported", h.Kind, h.Version)
	case h.Metadata.Name == "":
		return errors.New("metadata.name: is missing")
	}
	return nil
}

func (r *role) check() error {
	options := &r.Spec.Options
	switch {
	case options.MaxSessionTTL < 0:
		return errors.New("spec.options.max_session_ttl: is negative")
	case options.MaxSessionTTL == 0:
		options.MaxSessionTTL = defaultMaxSessionTTL
	}
	if options.RequireSessionMFA.name == "" {
		options.RequireSessionMFA = requireOff
	}
	if slices.Contains(r.Spec.Allow.Logins, "*") {
		return errors.New("spec.allow.logins: wildcards are not allowed")
	}
	if err := r.Spec.Allow.check(); err != nil {
		return fmt.Errorf("spec.allow.%w", err)
	}
	if err := r.Spec.Deny.check(); err != nil {
		return fmt.Errorf("spec.deny.%w", err)
	}
	return nil
}

func (c *conditions) check() error {
	for field, texts := range map[string][]string{"logins": c.Logins, "db_users": c.DatabaseUsers, "db_names": c.DatabaseNames,
		"kubernetes_users": c.KubeUsers, "kubernetes_groups": c.KubeGroups} {
		for _, text := range texts {
			if _, err := expand(text, nil); err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
		}
	}
	for field, labels := range map[string]selector{"node_labels": c.NodeLabels, "db_labels": c.DatabaseLabels, "app_labels": c.AppLabels,
		"kubernetes_labels": c.KubeLabels} {
		if err := labels.check(); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
	}
	return nil
}

func (u *user) check() error {
	if len(u.Spec.Roles) == 0 {
		return errors.New("spec.roles: is empty")
	}
	return nil
}

func (p *authPreference) check() error {
	s := &p.Spec
	if s.RequireSessionMFA.name == "" {
		s.RequireSessionMFA = requireOff
	}
	if s.DefaultSessionTTL == 0 {
		s.DefaultSessionTTL = defaultSessionTTL
	}
	if s.Webauthn.RPID == "" {
		s.Webauthn.RPID = publicHost
	}
	switch {
	case s.Type != "local":
		return fmt.Errorf("spec.type: %q is not supported, only local", s.Type)
	case !slices.Contains(secondFactors, s.SecondFactor):
		return fmt.Errorf("spec.second_factor: %q is not supported: use %s", s.SecondFactor, strings.Join(secondFactors, ", "))
	case s.DefaultSessionTTL < 0:
		return errors.New("spec.default_session_ttl: is negative")
	case !slices.Contains([]string{"", "9a", "9c", "9d", "9e"}, strings.ToLower(s.HardwareKey.PIVSlot)):
		return fmt.Errorf("spec.hardware_key.piv_slot: %q is not a slot", s.HardwareKey.PIVSlot)
	case s.HardwareKey.PINCacheTTL < 0 || s.HardwareKey.PINCacheTTL > maxPINCacheTTL:
		return fmt.Errorf("spec.hardware_key.pin_cache_ttl: %v is not between 0 and %v",
			s.HardwareKey.PINCacheTTL, maxPINCacheTTL)
	}
	return nil
}
