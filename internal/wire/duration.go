package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is written as text, "12h0m0s". A few members of ping use it; all other durations are nanoseconds.
type Duration time.Duration

// MarshalJSON writes the text form.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads the text form, and nanoseconds for safety.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var ns int64
	if json.Unmarshal(data, &ns) == nil {
		*d = Duration(ns)
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	*d = Duration(parsed)
	return nil
}
