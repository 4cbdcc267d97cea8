package demo

// The groups of the API server. What they may do is for its own RBAC to decide; which of them somebody is in, for the
// roles of the cluster.
const (
	kubeViewers = "viewers"
	kubeEditors = "editors"
)

const (
	kubeCore = "/api/v1"
	kubeRBAC = "/apis/rbac.authorization.k8s.io/v1"
)

// kubeObjects are what a new API server is given. There is nobody who would run a pod, so there is nothing that needs
// one; the roles that every API server has for its people are put together by a controller that is not there either.
var kubeObjects = []struct{ path, text string }{
	{kubeCore + "/namespaces", `{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {env: dev}}}`},
	{kubeCore + "/namespaces/shop/configmaps", `
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, labels: {app: shop}}
data: {apple: "0.40", pear: "0.55", plum: "0.15"}
`},
	{kubeCore + "/namespaces/shop/configmaps", `
apiVersion: v1
kind: ConfigMap
metadata: {name: opening-hours, labels: {app: shop}}
data: {weekdays: 8-18, saturday: 9-13}
`},
	{kubeRBAC + "/clusterroles", `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: touchstone:view}
rules:
- apiGroups: ["", apps]
  resources: [configmaps, deployments, events, namespaces, pods, services]
  verbs: [get, list, watch]
`},
	{kubeRBAC + "/clusterroles", `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: touchstone:edit}
rules:
- apiGroups: ["", apps]
  resources: [configmaps, deployments, events, namespaces, pods, services]
  verbs: ["*"]
`},
	{kubeRBAC + "/clusterrolebindings", kubeBinding("touchstone:view", kubeViewers)},
	{kubeRBAC + "/clusterrolebindings", kubeBinding("touchstone:edit", kubeEditors)},
}

// kubeBinding gives a role to a group.
func kubeBinding(role, group string) string {
	return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "` + role + `"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "` + role + `"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "` + group + `"}]
`
}
