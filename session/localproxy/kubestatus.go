package localproxy

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// kubeStatus is how Kubernetes tells clients that something failed (its API conventions, "Response Status Kind").
// Tools print the message and the reason.
type kubeStatus struct {
	Kind       string   `json:"kind"`
	APIVersion string   `json:"apiVersion"`
	Metadata   struct{} `json:"metadata"`
	Status     string   `json:"status"`
	Message    string   `json:"message"`
	Reason     string   `json:"reason"`
	Code       int      `json:"code"`
}

// writeStatus answers with a failure.
func writeStatus(w http.ResponseWriter, code int, reason, message string) {
	body, err := json.Marshal(kubeStatus{Kind: "Status", APIVersion: "v1", Status: "Failure", Message: message, Reason: reason, Code: code})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // whoever left need not be told
}

// errPatience ends a request whose client would give up in a moment.
var errPatience = fault.New("Touchstone is still waiting for you.", "Answer what it asks for, then try again.")

// writeRefusal answers a request that could not be passed on.
func writeRefusal(w http.ResponseWriter, r *http.Request, why error) {
	switch {
	case !isResource(r.URL.Path):
		// kubectl begins by asking what there is, and reads no Status then: for most codes it has a text of its own, for
		// this one it prints ours if it is plain.
		http.Error(w, sentences(why), http.StatusBadGateway)
	case errors.Is(why, errPatience):
		writeStatus(w, http.StatusGatewayTimeout, "Timeout", sentences(why))
	default:
		writeStatus(w, http.StatusServiceUnavailable, "ServiceUnavailable", sentences(why))
	}
}

// isResource tells the paths of resources, "/api/v1/pods" or "/apis/apps/v1/deployments", from those that say what there
// is (Kubernetes' API concepts, "Resource URIs").
func isResource(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	return parts[0] == "api" && len(parts) > 2 || parts[0] == "apis" && len(parts) > 3
}

// clientPatience is how long a client of the Kubernetes API waits, less what an answer needs to get there in time;
// zero when it did not say. Clients name their limit in the query (Kubernetes' API concepts, "Timeouts").
func clientPatience(r *http.Request) time.Duration {
	limit, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || limit <= 0 || r.URL.Query().Has("watch") {
		return 0
	}
	return limit - min(limit/4, 2*time.Second)
}
