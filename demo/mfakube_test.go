package demo

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

func TestKubernetesInProductionWantsATap(t *testing.T) {
	w := startWithKubernetes(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	if code, _, body := w.askKube(t, k, w.kubeRoute(t, k, "kube"), kubeMaps); code != http.StatusOK {
		t.Errorf("in development: %d %s", code, body)
	}
	code, _, body := w.askKube(t, k, w.kubeRoute(t, k, "kube-prod"), kubeMaps)
	wantKubeStatus(t, code, body, http.StatusForbidden, "access to resource requires MFA", "Forbidden")
	for name, want := range map[string]bool{"kube": false, "kube-prod": true} {
		if answer, err := w.auth(t, k).IsMFARequired(patience(t), toKube(name)); err != nil || answer.Required != want {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
	r := w.wish(t, k)
	r.Usage, r.KubernetesCluster = authpb.UserCertsRequest_Kubernetes, "kube-prod"
	r.RequesterName, r.Purpose = authpb.UserCertsRequest_TSH_KUBE_LOCAL_PROXY, authpb.UserCertsRequest_CERT_PURPOSE_SINGLE_USE_CERTS
	r.Expires = timestamppb.New(w.clock.now().Add(20 * time.Hour))
	r.MfaResponse = f.answer(t, w.challenged(t, k, toKube("kube-prod")))
	certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	if err != nil {
		t.Fatal(err)
	}
	cert := leaf(t, certs.Tls)
	if end := cert.NotAfter; !near(end, k.tlsCert.NotAfter) || len(certs.Ssh) > 0 {
		t.Errorf("a local proxy's certificate ends %v, the sign-in %v", end, k.tlsCert.NotAfter)
	}
	checked := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: k.key}
	if code, _, body := w.askKube(t, k, checked, kubeMaps); code != http.StatusOK {
		t.Errorf("with a tap: %d %s", code, body)
	}
}
