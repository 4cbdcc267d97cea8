package wire

import "encoding/asn1"

// ALPN names (transport sheet, section 2).
const (
	ALPNHTTP1        = "http/1.1"
	ALPNHTTP2        = "h2"
	ALPNProxySSH     = "teleport-proxy-ssh"
	ALPNProxySSHGRPC = "teleport-proxy-ssh-grpc"
	// ALPNAuthPrefix is followed by the hex of the cluster's name and ClusterDomain.
	ALPNAuthPrefix = "teleport-auth@"
	// ALPNPing ends the names of protocols in ping framing (transport sheet, section 4).
	ALPNPing = "-ping"
	// ClusterDomain ends the server names by which auth servers and proxies are addressed.
	ClusterDomain = ".teleport.cluster.local"
)

// Private key policies (hardware-key sheet, 1.1).
const (
	PolicyNone        = "none"
	PolicyHardware    = "hardware_key"
	PolicyTouch       = "hardware_key_touch"
	PolicyPIN         = "hardware_key_pin"
	PolicyTouchAndPIN = "hardware_key_touch_and_pin"
	PolicyWebSession  = "web_session"
)

// PolicyNotMet is how every refusal for a weak key begins; the policy's name follows (login sheet, section 8).
const PolicyNotMet = "private key policy not met: "

// SessionMFA is how targets refuse a session that wants a check by a second factor (gRPC sheet, section 7).
const SessionMFA = "access to resource requires MFA"

// Object identifiers in the subject of user TLS certificates (certificates sheet, 2.3).
var (
	OIDKubeUsers        = asn1.ObjectIdentifier{1, 3, 9999, 1, 1}
	OIDKubeGroups       = asn1.ObjectIdentifier{1, 3, 9999, 1, 2}
	OIDKubeCluster      = asn1.ObjectIdentifier{1, 3, 9999, 1, 3}
	OIDAppSession       = asn1.ObjectIdentifier{1, 3, 9999, 1, 4}
	OIDAppCluster       = asn1.ObjectIdentifier{1, 3, 9999, 1, 5}
	OIDAppPublicAddr    = asn1.ObjectIdentifier{1, 3, 9999, 1, 6}
	OIDTeleportCluster  = asn1.ObjectIdentifier{1, 3, 9999, 1, 7}
	OIDMFAVerified      = asn1.ObjectIdentifier{1, 3, 9999, 1, 8}
	OIDClientIP         = asn1.ObjectIdentifier{1, 3, 9999, 1, 9}
	OIDAppName          = asn1.ObjectIdentifier{1, 3, 9999, 1, 10}
	OIDPrivateKeyPolicy = asn1.ObjectIdentifier{1, 3, 9999, 1, 15}
	OIDUserType         = asn1.ObjectIdentifier{1, 3, 9999, 1, 20}
	OIDDatabaseService  = asn1.ObjectIdentifier{1, 3, 9999, 2, 1}
	OIDDatabaseProtocol = asn1.ObjectIdentifier{1, 3, 9999, 2, 2}
	OIDDatabaseUser     = asn1.ObjectIdentifier{1, 3, 9999, 2, 3}
	OIDDatabaseName     = asn1.ObjectIdentifier{1, 3, 9999, 2, 4}
	OIDPreviousExpiry   = asn1.ObjectIdentifier{1, 3, 9999, 2, 12}
)

// Usages in a certificate's subject restrict it to one kind of target (certificates sheet, 2.4).
const (
	UsageKube     = "usage:kube"
	UsageApps     = "usage:apps"
	UsageDatabase = "usage:db"
)

// Extensions of user SSH certificates (certificates sheet, section 3).
const (
	ExtensionPermitPTY            = "permit-pty"
	ExtensionPermitPortForwarding = "permit-port-forwarding"
	ExtensionRoles                = "teleport-roles"
	ExtensionTraits               = "teleport-traits"
	ExtensionRouteToCluster       = "teleport-route-to-cluster"
	ExtensionPrivateKeyPolicy     = "private-key-policy"
	ExtensionMFAVerified          = "mfa-verified"
	ExtensionPreviousExpiry       = "prev-identity-expires"
	ExtensionLoginIP              = "login-ip"
)

// Extensions of SSH host certificates (certificates sheet, section 4).
const (
	ExtensionHostRole      = "x-teleport-role"
	ExtensionHostAuthority = "x-teleport-authority"
)

// JoinPrincipal is in every user SSH certificate; it allows joining sessions and is no Unix login.
const JoinPrincipal = "-teleport-internal-join"

// Attestation extensions of the slot certificate (hardware-key sheet, 7.3).
var (
	OIDYubicoFirmware = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 3}
	OIDYubicoSerial   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 7}
	OIDYubicoPolicy   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 8}
	OIDYubicoForm     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 9}
)

// Resource types that are listed (gRPC sheet, 6.1).
const (
	KindNode           = "node"
	KindDatabaseServer = "db_server"
	KindAppServer      = "app_server"
	KindKubeServer     = "kube_server"
	KindKubeCluster    = "kube_cluster" // up to version 12
)

// databaseALPN has the protocols whose name in ALPN is not their own (transport sheet, section 2).
var databaseALPN = map[string]string{"cockroachdb": "postgres", "clickhouse-http": "clickhouse"}

// DatabaseALPN names a database protocol for the proxy, without ALPNPing.
func DatabaseALPN(protocol string) string {
	if name, ok := databaseALPN[protocol]; ok {
		protocol = name
	}
	return "teleport-" + protocol
}
