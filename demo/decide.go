package demo

import "slices"

// kind is a kind of resource that roles give access to.
type kind struct {
	denied string // the text of every refusal (enforcement sheet, 4.3)
	labels func(*conditions) selector
}

var (
	nodeKind = kind{"access to node denied. User does not have permissions. Confirm SSH login.",
		func(c *conditions) selector { return c.NodeLabels }}
	databaseKind = kind{"access to db denied. User does not have permissions. Confirm database user and name.",
		func(c *conditions) selector { return c.DatabaseLabels }}
	appKind = kind{"access to app denied. User does not have permissions.",
		func(c *conditions) selector { return c.AppLabels }}
)

// matcher is a condition besides labels. Denying takes one that matches, allowing takes all.
type matcher func(*conditions) bool

// sees reports whether a resource may be listed and reached; logins and MFA play no part in that.
func (a *access) sees(k kind, labels map[string]string) bool { return a.decide(k, labels, true) == nil }

// seesNode reports whether the node may be listed and dialled.
func (a *access) seesNode(labels map[string]string) bool { return a.sees(nodeKind, labels) }

// openNode decides whether login may be used on a node.
func (a *access) openNode(labels map[string]string, login string) error {
	return a.decide(nodeKind, labels, a.verified(), func(c *conditions) bool { return slices.Contains(c.Logins, login) })
}

// openDatabase decides whether user may be used in the database called name.
func (a *access) openDatabase(labels map[string]string, user, name string) error {
	return a.decide(databaseKind, labels, a.verified(),
		func(c *conditions) bool { return containsOrAny(c.DatabaseUsers, user) },
		func(c *conditions) bool { return containsOrAny(c.DatabaseNames, name) })
}

// openApp decides whether an application may be used.
func (a *access) openApp(labels map[string]string) error {
	return a.decide(appKind, labels, a.verified())
}

// verified is the rule of newer versions: a key with touch or PIN is proof enough of a person (enforcement sheet, 4.2).
func (a *access) verified() bool { return a.identity.policy.countsAsMFA() }

func containsOrAny(list []string, value string) bool {
	return slices.Contains(list, value) || slices.Contains(list, "*")
}

// textMFA is how a session is refused that needs a proof of its own.
const textMFA = "access to resource requires MFA"

// decide is the decision for every kind (enforcement sheet, 4.3).
func (a *access) decide(k kind, labels map[string]string, verified bool, match ...matcher) error {
	if a.pref.Spec.RequireSessionMFA.sessionMFA && !verified {
		return refuse(accessDenied, textMFA)
	}
	for _, r := range a.roles {
		deny := &r.Spec.Deny
		if k.labels(deny).matches(labels) || slices.ContainsFunc(match, func(m matcher) bool { return m(deny) }) {
			return refuse(accessDenied, "%s", k.denied)
		}
	}
	allowed := false
	for _, r := range a.roles {
		allow := &r.Spec.Allow
		if !k.labels(allow).matches(labels) || slices.ContainsFunc(match, func(m matcher) bool { return !m(allow) }) {
			continue
		}
		if verified {
			return nil
		}
		if r.Spec.Options.RequireSessionMFA.sessionMFA {
			return refuse(accessDenied, textMFA)
		}
		allowed = true
	}
	if !allowed {
		return refuse(accessDenied, "%s", k.denied)
	}
	return nil
}
