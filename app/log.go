package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// longestLog is when the log of an earlier run is put aside; one older log is kept.
const longestLog = 4 << 20

// logFile is the log of one process, as JSON lines.
type logFile struct {
	file   *os.File
	logger *slog.Logger
}

// openLog opens the log in the home folder for appending. Nothing secret is ever handed to it; attributes that look
// as if they were are hidden as a second line of defence.
func openLog(home string) (*logFile, error) {
	path := filepath.Join(home, "touchstone.log")
	if info, err := os.Stat(path); err == nil && info.Size() > longestLog {
		_ = os.Rename(path, path+".1") // when it fails the log only grows longer
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The log %s cannot be written.", path), "Check the folder's owner and the space left on its disk.")
	}
	handler := slog.NewJSONHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: hideSecrets})
	return &logFile{file: file, logger: slog.New(handler)}, nil
}

// Close ends the log.
func (l *logFile) Close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// hideSecrets replaces the values of attributes whose names speak of secrets.
func hideSecrets(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case "pin", "puk", "password", "otp", "cookie", "challenge", "certificate", "token":
		return slog.String(a.Key, "[secret]")
	}
	return a
}

// fyneLog takes what Fyne prints through the standard logger into ours.
type fyneLog struct{ logger *slog.Logger }

func (f fyneLog) Write(line []byte) (int, error) {
	f.logger.Warn("fyne", "text", string(bytes.TrimSpace(line)))
	return len(line), nil
}
