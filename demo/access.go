package demo

import (
	"regexp"
	"slices"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// access is what one identity may do under the present definitions.
type access struct {
	identity identity
	roles    []*role // templates filled in from the identity's traits
	pref     *authPreference
	profile  profile
}

// newAccess looks up the roles an identity names. A role that does not exist any more takes its rights with it.
func newAccess(c *catalog, id identity) (*access, error) {
	a := &access{identity: id, pref: c.pref, profile: c.profile}
	for _, name := range id.roles {
		definition := c.roles[name]
		if definition == nil {
			return nil, refuse(accessDenied, "role %s is not found", name)
		}
		a.roles = append(a.roles, definition.apply(id.traits))
	}
	return a, nil
}

// apply fills in the templates of a role.
func (r *role) apply(values traits) *role {
	filled := *r
	for _, c := range []*conditions{&filled.Spec.Allow, &filled.Spec.Deny} {
		c.Logins = slices.DeleteFunc(expandAll(c.Logins, values), func(login string) bool {
			return !unixLogin.MatchString(login)
		})
		c.NodeLabels = c.NodeLabels.expand(values)
		c.DatabaseUsers = expandAll(c.DatabaseUsers, values)
		c.DatabaseNames = expandAll(c.DatabaseNames, values)
		c.DatabaseLabels = c.DatabaseLabels.expand(values)
		c.AppLabels = c.AppLabels.expand(values)
		c.KubeLabels = c.KubeLabels.expand(values)
		c.KubeUsers = expandAll(c.KubeUsers, values)
		c.KubeGroups = expandAll(c.KubeGroups, values)
	}
	return &filled
}

// unixLogin is what Unix accepts as a name; anything else that a template gives is dropped.
var unixLogin = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*$`)

// requiredPolicy combines the cluster's setting with those of all roles, not only of those that match a resource
// (enforcement sheet, 7.1).
func (a *access) requiredPolicy() keyPolicy {
	members := []keyPolicy{a.pref.Spec.RequireSessionMFA.policy}
	for _, r := range a.roles {
		members = append(members, r.Spec.Options.RequireSessionMFA.policy)
	}
	return combine(members...)
}

// checkPolicy refuses a key that is too weak.
func (a *access) checkPolicy(have keyPolicy) error {
	if want := a.requiredPolicy(); !have.satisfies(want) {
		return refuse(badParameter, "%s%s", wire.PolicyNotMet, want)
	}
	return nil
}

// sessionTTL cuts a wish to the smallest limit of the roles.
func (a *access) sessionTTL(wish time.Duration) time.Duration {
	limit := defaultMaxSessionTTL
	for _, r := range a.roles {
		limit = min(limit, r.Spec.Options.MaxSessionTTL)
	}
	return min(wish, limit)
}

// logins returns the Unix logins for a certificate of this lifetime: those of roles that allow it. With none at all
// it returns a name that no machine has, and refuses when it was the lifetime that left none.
func (a *access) logins(ttl time.Duration) ([]string, error) {
	var logins []string
	byDesign := true
	for _, r := range a.roles {
		if len(r.Spec.Allow.Logins) == 0 {
			continue
		}
		byDesign = false
		if ttl <= r.Spec.Options.MaxSessionTTL {
			logins = append(logins, r.Spec.Allow.Logins...)
		}
	}
	switch {
	case len(logins) > 0:
		slices.Sort(logins)
		return slices.Compact(logins), nil
	case byDesign:
		return []string{"-teleport-nologin-" + newUUID()}, nil
	default:
		return nil, refuse(accessDenied, "user %s cannot have any logins", a.identity.user)
	}
}
