package demo

import (
	"crypto/x509/pkix"
	"slices"

	"github.com/touchstone-app/touchstone/internal/wire"
)

var kubeKind = kind{"access to kube_cluster denied. User does not have permissions. Confirm Kubernetes user or group.",
	func(c *conditions) selector { return c.KubeLabels }}

// openKube decides whether a Kubernetes cluster may be used, and as whom there.
func (a *access) openKube(labels map[string]string) (kubeNames, error) {
	if err := a.decide(kubeKind, labels, a.verified()); err != nil {
		return kubeNames{}, err
	}
	names := a.kubeNames(labels)
	if len(names.users) == 0 && len(names.groups) == 0 {
		return kubeNames{}, refuse(accessDenied, "%s", kubeKind.denied)
	}
	return names, nil
}

// kubeNames are the users and groups of a Kubernetes cluster that somebody may appear as.
type kubeNames struct{ users, groups []string }

// kubeNames collects those of all roles that lead to the cluster, without the denied ones (enforcement sheet, 4.3).
func (a *access) kubeNames(labels map[string]string) kubeNames {
	var allowed, denied kubeNames
	for _, r := range a.roles {
		if allow := &r.Spec.Allow; allow.KubeLabels.matches(labels) {
			allowed.add(allow)
		}
		if deny := &r.Spec.Deny; len(deny.KubeLabels) == 0 || deny.KubeLabels.matches(labels) {
			denied.add(deny)
		}
	}
	return kubeNames{minus(allowed.users, denied.users), minus(allowed.groups, denied.groups)}
}

// attributes are those of a certificate's subject. They only tell; each request is decided by the roles.
func (n kubeNames) attributes() []pkix.AttributeTypeAndValue {
	var all []pkix.AttributeTypeAndValue
	for _, user := range n.users {
		all = append(all, attribute(wire.OIDKubeUsers, user))
	}
	for _, group := range n.groups {
		all = append(all, attribute(wire.OIDKubeGroups, group))
	}
	return all
}

func (n *kubeNames) add(c *conditions) {
	n.users, n.groups = append(n.users, c.KubeUsers...), append(n.groups, c.KubeGroups...)
}

// minus returns each name of a list once, in order, but for the denied ones.
func minus(names, denied []string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(denied, name) })
	slices.Sort(names)
	return slices.Compact(names)
}

// choose picks whom a request appears as: those that it names, if it may, else everything that it may (databases-kube-apps
// sheet, 4.1). user is the name in this cluster, for who has none in the other.
func (n kubeNames) choose(user string, users, groups []string) (string, []string, error) {
	switch {
	case len(users) > 1:
		return "", nil, refuse(accessDenied, "impersonation request has been denied, there is more than one Impersonate-User header")
	case len(users) == 1 && !slices.Contains(n.allowedUsers(user), users[0]):
		return "", nil, refuse(accessDenied, "impersonation request has been denied, user header %q is not allowed in roles", users[0])
	case len(users) == 1:
		user = users[0]
	case len(n.users) == 1:
		user = n.users[0]
	case len(n.users) > 1:
		return "", nil, refuse(accessDenied, "impersonation request has been denied, roles allow several kubernetes_users: name one of them")
	}
	for _, group := range groups {
		if !slices.Contains(n.groups, group) {
			return "", nil, refuse(accessDenied, "impersonation request has been denied, group header %q value is not allowed in roles", group)
		}
	}
	if len(groups) == 0 {
		groups = n.groups
	}
	return user, groups, nil
}

func (n kubeNames) allowedUsers(user string) []string {
	if len(n.users) == 0 {
		return []string{user}
	}
	return n.users
}
