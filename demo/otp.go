package demo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// One-time codes are what every authenticator app makes of a secret (RFC 6238 with its defaults).
const (
	codeStep       = 30 * time.Second
	codeSkew       = 1  // steps by which clocks may differ, either way
	codeSecretSize = 20 // bytes (RFC 4226, section 4)
	fileOTP        = "otp.json"
)

// oneTimeCodes checks one-time codes. Each is good for one sign-in, whoever saw it being typed.
type oneTimeCodes struct {
	secrets map[string]string // in base32, by user

	mu   sync.Mutex
	used map[string]map[int64]bool // steps whose code was accepted, by user; guarded by mu
}

// openCodes returns the secret of every user of the catalog, and makes up what is missing.
func (d stateDir) openCodes(c *catalog) (*oneTimeCodes, error) {
	secrets := map[string]string{}
	if err := d.readJSON(fileOTP, &secrets); err != nil {
		return nil, err
	}
	for _, u := range c.sortedUsers() {
		if secrets[u.Metadata.Name] == "" {
			secret := make([]byte, codeSecretSize)
			_, _ = rand.Read(secret) // never fails
			secrets[u.Metadata.Name] = base32.StdEncoding.EncodeToString(secret)
		}
	}
	return &oneTimeCodes{secrets: secrets, used: map[string]map[int64]bool{}}, d.writeJSON(fileOTP, secrets)
}

// accept reports whether a code is right and was not accepted before, and takes it.
func (c *oneTimeCodes) accept(name, code string, now time.Time) bool {
	secret, err := base32.StdEncoding.DecodeString(c.secrets[name])
	if err != nil || len(secret) == 0 {
		return false
	}
	step := now.Unix() / int64(codeStep/time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := step - codeSkew; s <= step+codeSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(codeAt(secret, s)), []byte(code)) == 1 && !c.used[name][s] {
			c.take(name, s, step)
			return true
		}
	}
	return false
}

// take remembers a step, and forgets those whose time is over.
func (c *oneTimeCodes) take(name string, s, now int64) {
	taken := map[int64]bool{s: true}
	for old := range c.used[name] {
		if old >= now-codeSkew {
			taken[old] = true
		}
	}
	c.used[name] = taken
}

// codeAt is the code of one step (RFC 4226, 5.3).
func codeAt(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}
