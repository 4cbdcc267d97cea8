package demo

import "testing"

func TestAVersionProfileSaysWhatDiffers(t *testing.T) {
	for major, want := range map[int]struct {
		version, client                string
		stream, transport, neverMFA    bool
		requesters, attests, kubeLists bool
	}{
		0:  {"15.0.0", "14.0.0", false, true, false, true, true, true},
		15: {"15.0.0", "14.0.0", false, true, false, true, true, true},
		12: {"12.0.0", "11.0.0", true, false, true, false, false, false},
	} {
		p, err := versionProfile(major)
		if err != nil {
			t.Fatalf("profile %d: %v", major, err)
		}
		if p.serverVersion() != want.version || p.minClientVersion() != want.client {
			t.Errorf("profile %d is %s for clients since %s", major, p.serverVersion(), p.minClientVersion())
		}
		for name, got := range map[string][2]bool{
			"singleUseStream":  {p.singleUseStream(), want.stream},
			"transportService": {p.transportService(), want.transport},
			"touchIsNeverMFA":  {p.touchIsNeverMFA(), want.neverMFA},
			"requesters":       {p.requesters(), want.requesters},
			"attestsReissues":  {p.attestsReissues(), want.attests},
			"kubeServers":      {p.kubeServers(), want.kubeLists},
		} {
			if got[0] != got[1] {
				t.Errorf("profile %d: %s is %v", major, name, got[0])
			}
		}
	}
}

func TestThereAreTwoVersionProfiles(t *testing.T) {
	for _, major := range []int{-1, 1, 13, 18} {
		if _, err := versionProfile(major); err == nil {
			t.Errorf("there is a profile %d", major)
		}
	}
}
