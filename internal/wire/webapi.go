package wire

import (
	"encoding/json"
	"time"
)

// Paths of the web API, without the optional prefix "/v1" (login sheet, section 1).
const (
	PathPing        = "/webapi/ping"
	PathFind        = "/webapi/find"
	PathMOTD        = "/webapi/motd"
	PathLoginBegin  = "/webapi/mfa/login/begin"
	PathLoginFinish = "/webapi/mfa/login/finish"
	PathLoginSSH    = "/webapi/ssh/certs"
)

// ErrorBody is what every failed call of the web API answers (login sheet, 1.1).
type ErrorBody struct {
	Error ErrorMessage `json:"error"`
}

// ErrorMessage is the text of a failure.
type ErrorMessage struct {
	Message string `json:"message"`
}

// Ping is the answer to /webapi/ping and /webapi/find (login sheet, 3.1). Members that Touchstone does not read are
// left out.
type Ping struct {
	Auth             PingAuth  `json:"auth"`
	Proxy            PingProxy `json:"proxy"`
	ServerVersion    string    `json:"server_version"`
	MinClientVersion string    `json:"min_client_version,omitempty"`
	ClusterName      string    `json:"cluster_name"`
	Edition          string    `json:"edition,omitempty"`
	FIPS             bool      `json:"fips,omitempty"`
}

// PingAuth says how to sign in (login sheet, 3.2).
type PingAuth struct {
	Type              string         `json:"type"`
	SecondFactor      string         `json:"second_factor,omitempty"`
	PreferredLocalMFA string         `json:"preferred_local_mfa,omitempty"`
	AllowPasswordless bool           `json:"allow_passwordless,omitempty"`
	AllowHeadless     bool           `json:"allow_headless,omitempty"`
	Local             *PingLocal     `json:"local,omitempty"`
	Webauthn          *PingWebauthn  `json:"webauthn,omitempty"`
	OIDC              *PingConnector `json:"oidc,omitempty"`
	SAML              *PingConnector `json:"saml,omitempty"`
	Github            *PingConnector `json:"github,omitempty"`
	// PrivateKeyPolicy is the cluster's own policy; policies of roles are not visible before signing in.
	PrivateKeyPolicy string `json:"private_key_policy"`
	PIVSlot          string `json:"piv_slot,omitempty"`
	// PIVPINCacheTTL is in nanoseconds.
	PIVPINCacheTTL    time.Duration `json:"piv_pin_cache_ttl,omitempty"`
	HasMOTD           bool          `json:"has_motd"`
	LoadAllCAs        bool          `json:"load_all_cas,omitempty"`
	DefaultSessionTTL Duration      `json:"default_session_ttl,omitempty"`
}

// PingLocal names the local connector.
type PingLocal struct {
	Name string `json:"name"`
}

// PingWebauthn names the relying party.
type PingWebauthn struct {
	RPID string `json:"rp_id"`
}

// PingConnector names an SSO connector.
type PingConnector struct {
	Name    string `json:"name"`
	Display string `json:"display"`
}

// PingProxy says where the services of the proxy are (login sheet, 3.3). Addresses are "host:port", with or without
// a scheme.
type PingProxy struct {
	Kube              PingKube `json:"kube"`
	SSH               PingSSH  `json:"ssh"`
	DB                PingDB   `json:"db"`
	TLSRoutingEnabled bool     `json:"tls_routing_enabled"`
}

// PingKube is the Kubernetes service.
type PingKube struct {
	Enabled    bool   `json:"enabled,omitempty"`
	PublicAddr string `json:"public_addr,omitempty"`
	ListenAddr string `json:"listen_addr,omitempty"`
}

// PingSSH is the web and SSH service.
type PingSSH struct {
	ListenAddr          string        `json:"listen_addr,omitempty"`
	TunnelListenAddr    string        `json:"tunnel_listen_addr,omitempty"`
	WebListenAddr       string        `json:"web_listen_addr,omitempty"`
	PublicAddr          string        `json:"public_addr,omitempty"`
	SSHPublicAddr       string        `json:"ssh_public_addr,omitempty"`
	SSHTunnelPublicAddr string        `json:"ssh_tunnel_public_addr,omitempty"`
	DialTimeout         time.Duration `json:"dial_timeout,omitempty"` // nanoseconds
}

// PingDB is the database service.
type PingDB struct {
	PostgresListenAddr string `json:"postgres_listen_addr,omitempty"`
	PostgresPublicAddr string `json:"postgres_public_addr,omitempty"`
	MySQLListenAddr    string `json:"mysql_listen_addr,omitempty"`
	MySQLPublicAddr    string `json:"mysql_public_addr,omitempty"`
	MongoListenAddr    string `json:"mongo_listen_addr,omitempty"`
	MongoPublicAddr    string `json:"mongo_public_addr,omitempty"`
}

// LoginBeginRequest asks for the challenges of a user (login sheet, 5.3).
type LoginBeginRequest struct {
	User         string `json:"user"`
	Password     string `json:"pass"`
	Passwordless bool   `json:"passwordless,omitempty"`
}

// LoginBeginResponse holds the challenges; with neither, the password alone is enough.
type LoginBeginResponse struct {
	WebauthnChallenge json.RawMessage `json:"webauthn_challenge"`
	TOTPChallenge     bool            `json:"totp_challenge"`
}

// LoginFinishRequest asks for certificates.
type LoginFinishRequest struct {
	User                      string          `json:"user"`
	Password                  string          `json:"password"`
	WebauthnChallengeResponse json.RawMessage `json:"webauthn_challenge_response"`
	TOTPCode                  string          `json:"totp_code"`
	CertificateRequest
}

// LoginSSHRequest asks for certificates in one call, without WebAuthn (login sheet, 5.2).
type LoginSSHRequest struct {
	User     string `json:"user"`
	Password string `json:"password"`
	OTPToken string `json:"otp_token"`
	CertificateRequest
}

// CertificateRequest is common to every request for certificates (login sheet, 5.1). Servers up to version 16 know
// only PublicKey and Attestation, newer ones want the split members.
type CertificateRequest struct {
	TTL            time.Duration         `json:"ttl"` // nanoseconds; never 0
	Compatibility  string                `json:"compatibility,omitempty"`
	RouteToCluster string                `json:"RouteToCluster"`
	KubeCluster    string                `json:"KubernetesCluster"`
	PublicKey      []byte                `json:"pub_key,omitempty"`     // authorized_keys line
	SSHPublicKey   []byte                `json:"ssh_pub_key,omitempty"` // authorized_keys line
	TLSPublicKey   []byte                `json:"tls_pub_key,omitempty"` // PEM, PKIX
	Attestation    *AttestationStatement `json:"attestation_statement,omitempty"`
	SSHAttestation *AttestationStatement `json:"ssh_attestation_statement,omitempty"`
	TLSAttestation *AttestationStatement `json:"tls_attestation_statement,omitempty"`
}

// AttestationStatement proves where a key lives (login sheet, 5.4). Nothing else may be in it: old servers refuse
// members they do not know.
type AttestationStatement struct {
	YubiKey *YubiKeyAttestation `json:"yubikeyAttestationStatement,omitempty"`
}

// YubiKeyAttestation holds two X.509 certificates in DER.
type YubiKeyAttestation struct {
	SlotCert        []byte `json:"slotCert,omitempty"`
	AttestationCert []byte `json:"attestationCert,omitempty"`
}

// LoginResponse holds the certificates of a successful sign-in (login sheet, 5.5).
type LoginResponse struct {
	Username string `json:"username"`
	// SSHCert is an authorized_keys line, TLSCert a PEM certificate.
	SSHCert     []byte       `json:"cert"`
	TLSCert     []byte       `json:"tls_cert"`
	HostSigners []HostSigner `json:"host_signers"`
}

// HostSigner is the host CA of one cluster.
type HostSigner struct {
	ClusterName  string   `json:"domain_name"`
	CheckingKeys [][]byte `json:"checking_keys"` // authorized_keys lines
	TLSCerts     [][]byte `json:"tls_certs"`     // PEM
}
