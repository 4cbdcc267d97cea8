package demo

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// target is what a client wants the proxy to connect it with.
type target struct {
	host    string // empty for the auth server
	port    int    // 0 for any
	cluster string // empty for this one
}

// subsystemPrefix begins the subsystem name that asks for a stream (transport sheet, section 7).
const subsystemPrefix = "proxy:"

// parseSubsystem reads "proxy:HOST:PORT", "...@CLUSTER", "...@NAMESPACE@CLUSTER" or "proxy:@CLUSTER". The namespace
// plays no part.
func parseSubsystem(name string) (target, error) {
	rest, ok := strings.CutPrefix(name, subsystemPrefix)
	if !ok {
		return target{}, fmt.Errorf("unrecognized subsystem: %s", name)
	}
	parts := strings.SplitN(rest, "@", 3)
	t := target{}
	if len(parts) > 1 {
		t.cluster = parts[len(parts)-1]
	}
	if parts[0] == "" && len(parts) == 2 {
		if t.cluster == "" {
			return target{}, fmt.Errorf("invalid format for proxy request: missing cluster name or target host in %q", name)
		}
		return t, nil
	}
	var err error
	if t.host, t.port, err = parseHostPort(parts[0]); err != nil {
		return target{}, fmt.Errorf("invalid format for proxy request: %q, expected 'proxy:host:port@cluster'", name)
	}
	return t, nil
}

// parseHostPort reads "HOST:PORT"; the host is a UUID, a name or an address, the port may be 0.
func parseHostPort(text string) (string, int, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, fmt.Errorf("invalid address %q", text)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || host == "" {
		return "", 0, fmt.Errorf("invalid address %q", text)
	}
	return host, int(port), nil
}
