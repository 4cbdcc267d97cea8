package app

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker (see Makefile); a plain "go build" leaves it empty.
var version string

// Version is what this binary calls itself: the linker's version, else the commit that Go recorded.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value[:min(12, len(setting.Value))]
			}
		}
	}
	return "unknown"
}

func runVersion(_ context.Context, env *environment, o *options, _ []string) error {
	if o.format == "json" {
		return json.NewEncoder(env.stdout).Encode(map[string]string{"version": Version(), "go": runtime.Version()})
	}
	_, err := fmt.Fprintf(env.stdout, "Touchstone %s (%s)\n", Version(), runtime.Version())
	return err
}
