package demo

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Names of audit events.
const (
	EventLogin             = "user.login"         // a password was accepted or refused
	EventCertCreate        = "cert.create"        // certificates were issued or refused; Reason and RequiredPolicy say why
	EventAuth              = "auth"               // an SSH server refused a certificate or a login
	EventConnectionRefused = "connection.refused" // a valid certificate is too weak or its user has no access any more
	EventSessionStart      = "session.start"
	EventSessionEnd        = "session.end"
	EventExec              = "exec" // a command without a shell ended
	EventDBSessionStart    = "db.session.start"
	EventDBSessionEnd      = "db.session.end"
	EventAppSessionStart   = "app.session.start"
	EventAppSessionEnd     = "app.session.end"
	EventAppRequest        = "app.session.request"
	EventMFAChallenge      = "mfa_auth_challenge.create"
	EventMFAValidate       = "mfa_auth_challenge.validate" // an answer was accepted or refused
	EventKubeRequest       = "kube.request"                // Command is method and path
)

// Event is one line of the audit log. Members that an event does not have are left out, except Success.
type Event struct {
	Time    time.Time `json:"time"`
	Name    string    `json:"event"`
	Success bool      `json:"success"`
	User    string    `json:"user,omitempty"`
	// Service is where it happened: web, auth, transport, proxy or node.
	Service string `json:"service,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Policy is what the key satisfies, RequiredPolicy what was demanded.
	Policy         string `json:"private_key_policy,omitempty"`
	RequiredPolicy string `json:"required_policy,omitempty"`
	Serial         uint32 `json:"hardware_key_serial,omitempty"`
	Node           string `json:"node,omitempty"`
	Login          string `json:"login,omitempty"`
	Session        string `json:"session,omitempty"`
	Command        string `json:"command,omitempty"`
	ExitStatus     *int   `json:"exit_status,omitempty"`
	// Database is a database of the cluster, DatabaseUser and DatabaseName who and where a client is in it.
	Database     string `json:"db_service,omitempty"`
	DatabaseUser string `json:"db_user,omitempty"`
	DatabaseName string `json:"db_name,omitempty"`
	App          string `json:"app_name,omitempty"`
	KubeCluster  string `json:"kubernetes_cluster,omitempty"`
	// MFADevice is the second factor that was used, MFADeviceID how certificates name it.
	MFADevice   string `json:"mfa_device,omitempty"`
	MFADeviceID string `json:"mfa_device_uuid,omitempty"`
}

// audit appends events to a file, one JSON object per line.
type audit struct {
	now func() time.Time
	log *slog.Logger

	mu   sync.Mutex
	file *os.File
}

func openAudit(path string, now func() time.Time, log *slog.Logger) (*audit, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	return &audit{now: now, log: log, file: file}, nil
}

// record writes one event. Whoever reads the file after a call returned finds the event of that call: each line is
// one write, finished before the client gets its answer.
func (a *audit) record(e Event) {
	e.Time = a.now().UTC()
	line, err := json.Marshal(e)
	if err == nil {
		a.mu.Lock()
		_, err = a.file.Write(append(line, '\n'))
		a.mu.Unlock()
	}
	if err != nil {
		a.log.Error("writing the audit log", "event", e.Name, "err", err)
	}
}

func (a *audit) close() error { return a.file.Close() }
