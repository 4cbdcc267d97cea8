//go:build !cgo || windows

package fido

import (
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// Windows lets only its own dialog talk to security keys, and libfido2 is C.

var errUnsupported = &failure{Kind: kindUnsupported, Text: "this build has no libfido2"}

type device struct{}

func discover() ([]key, error)                                  { return nil, errUnsupported }
func openDevice(string) (*device, error)                        { return nil, errUnsupported }
func (*device) close()                                          {}
func (*device) cancel()                                         {}
func (*device) limit(time.Duration)                             {}
func (*device) describe(*key)                                   {}
func (*device) holds(string, []byte) (bool, error)              { return false, errUnsupported }
func (*device) assert(question, *secret.Bytes) (*signed, error) { return nil, errUnsupported }
