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
	return a.decide(nodeKind, labels, a.verified(), hasLogin(login))
}

// openDatabase decides whether user may be used in the database called name.
func (a *access) openDatabase(labels map[string]string, user, name string) error {
	return a.decide(databaseKind, labels, a.verified(), hasDatabaseUser(user), hasDatabaseName(name))
}

// openApp decides whether an application may be used. What proves a person is a check of the session with it: that has a
// key of its own, so the policy of the person's key says nothing about it (enforcement sheet, 4.2).
func (a *access) openApp(labels map[string]string, checked bool) error {
	return a.decide(appKind, labels, checked || a.identity.mfaDevice != "")
}

func hasLogin(login string) matcher {
	return func(c *conditions) bool { return slices.Contains(c.Logins, login) }
}

func hasDatabaseUser(user string) matcher {
	return func(c *conditions) bool { return containsOrAny(c.DatabaseUsers, user) }
}

func hasDatabaseName(name string) matcher {
	return func(c *conditions) bool { return containsOrAny(c.DatabaseNames, name) }
}

// verified reports whether the certificate proves that a person is there: by the check that it was issued after and, in
// newer versions, by a key with touch or PIN (enforcement sheet, 4.2).
func (a *access) verified() bool { return a.identity.mfaDevice != "" || a.keyVerifies() }

func (a *access) keyVerifies() bool {
	return !a.profile.touchIsNeverMFA() && a.identity.policy.countsAsMFA()
}

// neverAsks is the rule of older versions, where a policy with touch does away with checks (enforcement sheet, 4.1).
func (a *access) neverAsks() bool {
	if !a.profile.touchIsNeverMFA() {
		return false
	}
	return demands[a.pref.Spec.RequireSessionMFA.policy].touch ||
		slices.ContainsFunc(a.roles, func(r *role) bool { return demands[r.Spec.Options.RequireSessionMFA.policy].touch })
}

// alwaysAsks reports whether the cluster wants a check for every session, whoever it is with.
func (a *access) alwaysAsks() bool { return a.pref.Spec.RequireSessionMFA.sessionMFA && !a.neverAsks() }

func containsOrAny(list []string, value string) bool {
	return slices.Contains(list, value) || slices.Contains(list, "*")
}

// errSessionMFA is how a session is refused that needs a check of its own.
var errSessionMFA = refuse(accessDenied, "access to resource requires MFA")

// decide is the decision for every kind (enforcement sheet, 4.3).
func (a *access) decide(k kind, labels map[string]string, verified bool, match ...matcher) error {
	if a.alwaysAsks() && !verified {
		return errSessionMFA
	}
	verified = verified || a.neverAsks()
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
			return errSessionMFA
		}
		allowed = true
	}
	if !allowed {
		return refuse(accessDenied, "%s", k.denied)
	}
	return nil
}
