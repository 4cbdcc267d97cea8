package localproxy

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is what a command is to reach.
type Target struct {
	Protocol   string // of the database; "http" for applications, "kubernetes" for Kubernetes clusters
	Port       int    // of the proxy
	User       string // in the database
	Database   string
	Kubeconfig string // path
}

// Command is what to run, or to copy, to use a proxy with the usual tool of its protocol, quoted for a POSIX shell
// (databases sheet, 2.4). It is the bare address where no tool is known.
func Command(t Target) string {
	port := strconv.Itoa(t.Port)
	switch t.Protocol {
	case "postgres":
		return "psql " + quote(postgresURL(t))
	case "cockroachdb":
		return "cockroach sql --url " + quote(postgresURL(t))
	case "mysql":
		return join("mysql", "--user", t.User, "--database", t.Database, "--port", port, "--host", loopback, "--protocol", "TCP")
	case "mongodb":
		return "mongosh " + quote(mongoURL(t))
	case "redis":
		return join("redis-cli", "-p", port)
	case "sqlserver":
		return join("sqlcmd", "-S", loopback+","+port, "-U", t.User)
	case "cassandra":
		return join("cqlsh", "-u", t.User, loopback, port)
	case "kubernetes":
		return "KUBECONFIG=" + quote(t.Kubeconfig) + " kubectl"
	case "http":
		return "curl " + quote(AppURL(t.Port))
	default:
		return net.JoinHostPort(loopback, port)
	}
}

const loopback = "127.0.0.1"

// AppURL is where a browser finds an application.
func AppURL(port int) string { return fmt.Sprintf("http://%s:%d", loopback, port) }

// postgresURL has TLS off: the proxy does it, and a server behind it would refuse a second one.
func postgresURL(t Target) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(t.User), Host: net.JoinHostPort(loopback, strconv.Itoa(t.Port)),
		Path: "/" + t.Database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

func mongoURL(t Target) string {
	u := url.URL{
		Scheme: "mongodb", Host: net.JoinHostPort(loopback, strconv.Itoa(t.Port)), Path: "/" + t.Database,
		RawQuery: "directConnection=true",
	}
	return u.String()
}

// join quotes words and leaves out an option whose value is empty.
func join(words ...string) string {
	var kept []string
	for _, word := range words {
		if word == "" {
			kept = kept[:len(kept)-1]
			continue
		}
		kept = append(kept, quote(word))
	}
	return strings.Join(kept, " ")
}

// plain are the characters that no POSIX shell gives a meaning to.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

// quote makes one word of text for a POSIX shell (POSIX.1-2017, Shell Command Language, 2.2.2).
func quote(text string) string {
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
