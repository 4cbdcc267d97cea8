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

// parseSubsystem reads "proxy:HOST:PORT", "...@CLUSTER", "...@NAMESPACE@CLUSTER" or "proxy:@CLUSTER". There is one
// namespace, default.
func parseSubsystem(name string) (target, error) {
	rest, ok := strings.CutPrefix(name, subsystemPrefix)
	if !ok {
		return target{}, fmt.Errorf("unsupported subsystem %q", name)
	}
	parts := strings.Split(rest, "@")
	t := target{}
	switch len(parts) {
	case 1:
	case 2:
		t.cluster = parts[1]
	case 3:
		if parts[1] != "" && parts[1] != "default" {
			return target{}, fmt.Errorf("namespace %q is not found", parts[1])
		}
		t.cluster = parts[2]
	default:
		return target{}, fmt.Errorf("invalid subsystem %q", name)
	}
	if parts[0] == "" && t.cluster != "" {
		return t, nil
	}
	var err error
	t.host, t.port, err = parseHostPort(parts[0])
	return t, err
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
