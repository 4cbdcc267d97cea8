package demo

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// maxBody is more than any request of the web API needs.
const maxBody = 1 << 20

// webAPI answers the proxy's JSON calls (login sheet).
type webAPI struct {
	profile profile
	issuer  *issuer
	addr    string // host:port as clients reach the proxy
	listen  string // host:port of the listener
	log     *slog.Logger
}

// handler serves every path with and without the prefix "/v1".
func (w *webAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.PathFind, answer(w.find))
	mux.HandleFunc("GET "+wire.PathPing, answer(w.ping))
	mux.HandleFunc("GET "+wire.PathPing+"/{connector}", answer(w.pingConnector))
	mux.HandleFunc("GET "+wire.PathMOTD, answer(w.motd))
	mux.HandleFunc("POST "+wire.PathLoginBegin, answer(w.loginBegin))
	mux.HandleFunc("POST "+wire.PathLoginFinish, answer(w.loginFinish))
	mux.HandleFunc("POST "+wire.PathLoginSSH, answer(w.loginSSH))
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if rest, ok := strings.CutPrefix(in.URL.Path, "/v1/"); ok {
			in.URL.Path, in.URL.RawPath = "/"+rest, ""
		}
		in.Body = http.MaxBytesReader(out, in.Body, maxBody)
		mux.ServeHTTP(out, in)
	})
}

// answer writes what a call returns. Successes are compact, errors are indented by four spaces, as real proxies do.
func answer(call func(*http.Request) (any, error)) http.HandlerFunc {
	return func(out http.ResponseWriter, in *http.Request) {
		setHeaders(out.Header())
		value, err := call(in)
		if err == nil {
			_ = json.NewEncoder(out).Encode(value) // the client is gone: nobody to tell
			return
		}
		code, text := httpStatus(err)
		body, _ := json.MarshalIndent(wire.ErrorBody{Error: wire.ErrorMessage{Message: text}}, "", "    ")
		out.WriteHeader(code)
		_, _ = out.Write(body)
	}
}

func setHeaders(h http.Header) {
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Xss-Protection", "1; mode=block")
}

// find describes the proxy and leaves out how to sign in (login sheet, section 3).
func (w *webAPI) find(*http.Request) (any, error) {
	return wire.Ping{
		Proxy: wire.PingProxy{
			TLSRoutingEnabled: true,
			Kube:              wire.PingKube{Enabled: len(w.issuer.kube.all) > 0},
			SSH: wire.PingSSH{
				ListenAddr:       w.listen,
				TunnelListenAddr: w.listen,
				WebListenAddr:    w.listen,
				PublicAddr:       w.addr,
				DialTimeout:      dialTimeout,
			},
		},
		ServerVersion:    w.profile.serverVersion(),
		MinClientVersion: w.profile.minClientVersion(),
		ClusterName:      w.issuer.cluster,
	}, nil
}

// dialTimeout is what ping announces for SSH connections.
const dialTimeout = 30 * time.Second

func (w *webAPI) ping(*http.Request) (any, error) { return w.describe(""), nil }

func (w *webAPI) describe(connector string) wire.Ping {
	value, _ := w.find(nil)
	ping := value.(wire.Ping)
	spec := w.issuer.resources.catalog().pref.Spec
	ping.Auth = wire.PingAuth{
		Type:              spec.Type,
		SecondFactor:      spec.SecondFactor,
		Local:             &wire.PingLocal{Name: connector},
		PrivateKeyPolicy:  string(spec.RequireSessionMFA.policy),
		PIVSlot:           strings.ToLower(spec.HardwareKey.PIVSlot),
		PIVPINCacheTTL:    spec.HardwareKey.PINCacheTTL,
		HasMOTD:           spec.MessageOfTheDay != "",
		DefaultSessionTTL: wire.Duration(spec.DefaultSessionTTL),
	}
	return ping
}

func (w *webAPI) pingConnector(in *http.Request) (any, error) {
	name := in.PathValue("connector")
	switch name {
	case "local", "passwordless", "headless":
		return w.describe(name), nil
	default:
		return nil, refuse(badParameter, "invalid connector name: %s; valid options: local, passwordless", name)
	}
}

func (w *webAPI) motd(*http.Request) (any, error) {
	return struct{ Text string }{w.issuer.resources.catalog().pref.Spec.MessageOfTheDay}, nil
}

// loginBegin offers the challenge of the cluster's second factor once the password was accepted. Every refusal has the
// same text (login sheet, 5.3).
func (w *webAPI) loginBegin(in *http.Request) (any, error) {
	var request wire.LoginBeginRequest
	if _, err := readBody(in, &request); err != nil {
		return nil, err
	}
	if request.Passwordless {
		return nil, refuse(accessDenied, "invalid credentials")
	}
	if err := w.issuer.passwords.check(request.User, request.Password, w.issuer.now()); err != nil {
		w.issuer.audit.record(Event{Name: EventLogin, Service: "web", User: request.User, Reason: err.Error()})
		return nil, refuse(accessDenied, "invalid credentials")
	}
	return wire.LoginBeginResponse{WebauthnChallenge: json.RawMessage("null"), TOTPChallenge: w.issuer.wantsCode()}, nil
}

func (w *webAPI) loginFinish(in *http.Request) (any, error) {
	var request wire.LoginFinishRequest
	statement, err := readBody(in, &request)
	if err != nil {
		return nil, err
	}
	return w.login(in, request.User, request.Password, request.TOTPCode, &certRequest{
		CertificateRequest: request.CertificateRequest, statement: statement})
}

func (w *webAPI) loginSSH(in *http.Request) (any, error) {
	var request wire.LoginSSHRequest
	statement, err := readBody(in, &request)
	if err != nil {
		return nil, err
	}
	return w.login(in, request.User, request.Password, request.OTPToken, &certRequest{
		CertificateRequest: request.CertificateRequest, statement: statement})
}

// login looks at keys only after the person was accepted: nobody else learns anything about policies.
func (w *webAPI) login(in *http.Request, user, password, code string, r *certRequest) (any, error) {
	if err := w.issuer.authenticate(user, password, code); err != nil {
		return nil, err
	}
	if host, _, err := net.SplitHostPort(in.RemoteAddr); err == nil {
		r.loginIP = host
	}
	response, err := w.issuer.issue(user, r)
	if err != nil {
		return nil, w.inside(err)
	}
	return response, nil
}

// inside writes down an error that the client will not be told.
func (w *webAPI) inside(err error) error {
	if _, told := errors.AsType[*refusal](err); !told {
		w.log.Error("issuing certificates", "err", err)
	}
	return err
}

// unknownYet are members that version 17 brought. Version 15 ignores them like all that it does not know, whatever
// their values.
var unknownYet = []string{"ssh_pub_key", "tls_pub_key", "ssh_attestation_statement", "tls_attestation_statement"}

// readBody decodes a body into request and returns the attestation statement in it as it was sent: that has a strict
// parser of its own, whose refusals must not be hidden by this lenient one.
func readBody(in *http.Request, request any) (json.RawMessage, error) {
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, refuse(badParameter, "reading the request: %v", err)
	}
	defer clear(data) // it holds a password
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, refuse(badParameter, "request is not valid JSON")
	}
	var statement json.RawMessage
	for name, value := range members {
		switch lower := strings.ToLower(name); {
		case lower == "attestation_statement":
			statement = value
			delete(members, name)
		case slices.Contains(unknownYet, lower):
			delete(members, name)
		}
	}
	rest, err := json.Marshal(members)
	if err == nil {
		err = json.Unmarshal(rest, request)
	}
	clear(rest)
	if err != nil {
		return nil, refuse(badParameter, "request is not valid: %v", err)
	}
	return statement, nil
}
