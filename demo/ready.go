package demo

import "slices"

// Description is what a program needs to know to use a cluster. It holds passwords in plain text: they are demo
// passwords, but whoever prints or stores it decides who reads them.
type Description struct {
	Proxy  string            `json:"proxy"`   // host:port, valid for the web certificate
	CAFile string            `json:"ca_file"` // PEM, the authority of the web certificate
	Users  []UserDescription `json:"users"`
	// AttestationRoot is Config.AttestationRootFile.
	AttestationRoot string `json:"attestation_root,omitempty"`
	AuditLog        string `json:"audit_log"` // JSON lines, see Event
	State           string `json:"state"`
	// Resources is the folder of the YAML files. They may be edited while the cluster runs.
	Resources string                `json:"resources"`
	Databases []DatabaseDescription `json:"databases"`
	// DatabasesMissing says why there are none; empty where there are.
	DatabasesMissing string `json:"databases_missing,omitempty"`
	// Apps are the names of the applications.
	Apps []string `json:"apps"`
	// KubeClusters are the names of the Kubernetes clusters.
	KubeClusters []string `json:"kubernetes"`
	// KubernetesMissing says why there are none; empty where there are.
	KubernetesMissing string `json:"kubernetes_missing,omitempty"`
}

// DatabaseDescription is one database of the cluster, and as whom and where in it to try it.
type DatabaseDescription struct {
	Name     string   `json:"name"`
	Protocol string   `json:"protocol"`
	Users    []string `json:"db_users"`
	Names    []string `json:"db_names"`
}

// UserDescription is one user of the cluster.
type UserDescription struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	// OTPSecret is what the user's one-time codes are made of, in base32.
	OTPSecret string `json:"otp_secret"`
	// MFADevices are the kinds of second factors that the user has registered: "webauthn", "totp".
	MFADevices []string `json:"mfa_devices,omitempty"`
	Roles      []string `json:"roles"`
	// RequireSessionMFA is what the user's roles and the cluster demand together: "off", "on" or a private key policy.
	RequireSessionMFA string `json:"require_session_mfa"`
}

// Ready describes the cluster. It answers from the moment that Start returned.
func (c *Cluster) Ready() Description {
	d := c.description
	d.Users = slices.Clone(d.Users)
	for i := range d.Users {
		d.Users[i].MFADevices = c.factors.devices.kinds(d.Users[i].Name)
	}
	return d
}

func (a *assembly) describe() Description {
	p := a.parts
	d := Description{
		Proxy:            a.public,
		CAFile:           p.dir.path(fileWebCA),
		AttestationRoot:  p.config.AttestationRootFile,
		AuditLog:         p.dir.path(fileAudit),
		State:            string(p.dir),
		Resources:        p.dir.path(dirResources),
		DatabasesMissing: a.dbs.missing,
	}
	for _, one := range a.dbs.all {
		d.Databases = append(d.Databases, DatabaseDescription{Name: one.name, Protocol: protocolPostgres,
			Users: []string{postgresReader, postgresWriter}, Names: []string{postgresDatabase}})
	}
	for _, app := range a.apps.all {
		d.Apps = append(d.Apps, app.name)
	}
	for _, one := range a.kube.all {
		d.KubeClusters = append(d.KubeClusters, one.name)
	}
	if err := p.config.Kubernetes.Missing(); err != nil {
		d.KubernetesMissing = err.Error()
	}
	catalog := p.resources.catalog()
	for _, u := range catalog.sortedUsers() {
		d.Users = append(d.Users, UserDescription{
			Name:              u.Metadata.Name,
			Password:          p.plain[u.Metadata.Name],
			OTPSecret:         p.passwords.codes.secrets[u.Metadata.Name],
			Roles:             u.Spec.Roles,
			RequireSessionMFA: demandOf(catalog, u),
		})
	}
	return d
}

// demandOf says in one word what a user's sign-in has to satisfy.
func demandOf(c *catalog, u *user) string {
	granted, err := newAccess(c, identity{user: u.Metadata.Name, roles: u.Spec.Roles, traits: u.Spec.Traits})
	if err != nil {
		return requireOff.name
	}
	demand := requirement{name: requireOff.name, policy: granted.requiredPolicy()}
	if demands[demand.policy].hardware {
		return string(demand.policy)
	}
	for _, r := range granted.roles {
		if r.Spec.Options.RequireSessionMFA.sessionMFA {
			demand = requireOn
		}
	}
	if c.pref.Spec.RequireSessionMFA.sessionMFA {
		demand = requireOn
	}
	return demand.name
}
