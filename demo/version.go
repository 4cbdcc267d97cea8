package demo

import "fmt"

// The versions that a cluster can be like.
const (
	version12 = 12 // the last one whose proxies carry SSH by subsystems alone
	version15 = 15
)

// profile is the version that the cluster is like: what it calls itself and what it does differently from others. It is
// the major version's number.
type profile int

// versionProfile reads Config.VersionProfile.
func versionProfile(major int) (profile, error) {
	switch major {
	case 0:
		return version15, nil
	case version12, version15:
		return profile(major), nil
	default:
		return 0, fmt.Errorf("there is no version profile %d, only %d and %d", major, version12, version15)
	}
}

// serverVersion is what the cluster calls itself.
func (p profile) serverVersion() string { return fmt.Sprintf("%d.0.0", p) }

// minClientVersion is the oldest client that the cluster does not warn of.
func (p profile) minClientVersion() string { return fmt.Sprintf("%d.0.0", p-1) }

// transportService reports whether the proxy carries SSH, and the way to the auth server, over gRPC (transport sheet,
// section 6).
func (p profile) transportService() bool { return p >= 13 }

// singleUseStream reports whether certificates for one session come from the stream GenerateUserSingleUseCerts; if not,
// they come from a challenge and GenerateUserCerts (gRPC sheet, 4.3).
func (p profile) singleUseStream() bool { return p < version15 }

// touchIsNeverMFA reports whether a policy with touch, of the cluster or of any role, does away with MFA per session;
// if not, MFA stays wanted and a key with touch or PIN satisfies it (enforcement sheet, 4.1 and 4.2).
func (p profile) touchIsNeverMFA() bool { return p < version15 }

// requesters reports whether requests for certificates say who asks, so that a local proxy's outlive the minute of
// single use (databases sheet, 1.1).
func (p profile) requesters() bool { return p >= 13 }

// attestsReissues reports whether requests for certificates over gRPC bring an attestation; if not, only what was
// proved at sign-in counts (gRPC sheet, 5.1).
func (p profile) attestsReissues() bool { return p >= 14 }

// dialsUnknownHosts reports whether the proxy tries to reach a host that is not in the inventory (SSH sheet, section 2).
func (p profile) dialsUnknownHosts() bool { return p < 14 }

// tellsRecordingInWords reports whether SSH servers also answer an older question about recording, with a word
// (transport sheet, section 7).
func (p profile) tellsRecordingInWords() bool { return p < version15 }

// assignsSessions reports whether nodes choose the ids of sessions, and say so when they are asked (SSH sheet, 4.4).
func (p profile) assignsSessions() bool { return p >= version15 }

// hidesApps reports whether an application that roles refuse is answered for as if it were not there. A session with
// one cannot be checked in these versions, so roles with MFA for every session always refuse.
func (p profile) hidesApps() bool { return p == version12 }

// kubeServers reports whether Kubernetes clusters are listed as kube_server, once for each agent; if not, as
// kube_cluster (databases-kube-apps sheet, 4.4).
func (p profile) kubeServers() bool { return p >= 13 }

// announcesLimits reports whether ping tells the slot of the hardware key, the default time to live and the patience for
// SSH dials (login sheet, section 3).
func (p profile) announcesLimits() bool { return p >= 14 }
