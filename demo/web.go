package demo

import (
	"encoding/json"
	"log/slog"
	"net/http"
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
	ports   *ports
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
		Proxy:            w.announce(),
		ServerVersion:    w.profile.serverVersion(),
		MinClientVersion: w.profile.minClientVersion(),
		ClusterName:      w.issuer.cluster,
	}, nil
}

// announce says where the services are (login sheet, 3.3). Nobody can join, so the port for that is the web port.
func (w *webAPI) announce() wire.PingProxy {
	web := w.ports.web.Addr().String()
	p := wire.PingProxy{
		TLSRoutingEnabled: !w.ports.separate(),
		Kube:              wire.PingKube{Enabled: len(w.issuer.kube.all) > 0, ListenAddr: web},
		SSH:               wire.PingSSH{ListenAddr: web, TunnelListenAddr: web, WebListenAddr: web, PublicAddr: w.addr},
		DB:                wire.PingDB{PostgresListenAddr: web},
	}
	if w.profile.announcesLimits() {
		p.SSH.DialTimeout = dialTimeout
	}
	if w.ports.separate() {
		p.Kube.ListenAddr = w.ports.kube.Addr().String()
		p.SSH.ListenAddr = w.ports.ssh.Addr().String()
		p.DB.PostgresListenAddr = w.ports.postgres.Addr().String()
	}
	return p
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
		PreferredLocalMFA: spec.preferredMFA(),
		Webauthn:          spec.pingWebauthn(),
		Local:             &wire.PingLocal{Name: connector},
		PrivateKeyPolicy:  string(spec.RequireSessionMFA.policy),
		HasMOTD:           spec.MessageOfTheDay != "",
	}
	if w.profile.announcesLimits() {
		ping.Auth.PIVSlot = strings.ToLower(spec.HardwareKey.PIVSlot)
		ping.Auth.PIVPINCacheTTL = spec.HardwareKey.PINCacheTTL
		ping.Auth.DefaultSessionTTL = wire.Duration(spec.DefaultSessionTTL)
	}
	return ping
}

func (w *webAPI) pingConnector(in *http.Request) (any, error) {
	name := in.PathValue("connector")
	switch name {
	case "local", "passwordless", "headless":
		ping := w.describe(name)
		if !w.profile.announcesLimits() {
			ping.MinClientVersion = "" // older ones tell it only without a connector
		}
		return ping, nil
	default:
		return nil, refuse(badParameter, "invalid connector name: %s; valid options: local, passwordless", name)
	}
}

func (w *webAPI) motd(*http.Request) (any, error) {
	return struct{ Text string }{w.issuer.resources.catalog().pref.Spec.MessageOfTheDay}, nil
}
