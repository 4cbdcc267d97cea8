package virtual

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Ctl sends one command to the control socket of a running virtual key, in this process or another, and returns the
// status after it. The commands are listed in control.go.
func Ctl(ctx context.Context, controlPath, command string) (Status, error) {
	if strings.ContainsAny(command, "\r\n") {
		return Status{}, errors.New("sending a command to the virtual key: it must be a single line")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", controlPath)
	if err != nil {
		return Status{}, fmt.Errorf("reaching the virtual key: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	answer, err := ask(conn, command)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Status{}, fmt.Errorf("talking to the virtual key: %w", err)
	}
	if answer.Error != "" {
		return Status{}, fmt.Errorf("the virtual key refused %q: %s", command, answer.Error)
	}
	return *answer.Status, nil
}

func ask(conn net.Conn, command string) (controlAnswer, error) {
	if _, err := fmt.Fprintln(conn, command); err != nil {
		return controlAnswer{}, err
	}
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return controlAnswer{}, err
	}
	var answer controlAnswer
	if err := json.Unmarshal(line, &answer); err != nil {
		return controlAnswer{}, err
	}
	if answer.Status == nil && answer.Error == "" {
		return controlAnswer{}, errors.New("the answer holds neither a status nor an error")
	}
	return answer, nil
}
