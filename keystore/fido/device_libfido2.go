//go:build cgo && !windows

package fido

/*
#cgo pkg-config: libfido2
#include <stdlib.h>
#include <fido.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// maxDevices bounds discovery.
const maxDevices = 64

var initialise = sync.OnceFunc(func() { C.fido_init(0) })

// discover lists the security keys that the system knows.
func discover() ([]key, error) {
	initialise()
	list := C.fido_dev_info_new(maxDevices)
	if list == nil {
		return nil, errors.New("no memory for a list of devices")
	}
	defer C.fido_dev_info_free(&list, maxDevices)
	var found C.size_t
	if code := C.fido_dev_info_manifest(list, maxDevices, &found); code != C.FIDO_OK {
		return nil, deviceError("looking for security keys", code)
	}
	keys := []key{}
	for i := range found {
		info := C.fido_dev_info_ptr(list, i)
		name := C.GoString(C.fido_dev_info_manufacturer_string(info)) + " " + C.GoString(C.fido_dev_info_product_string(info))
		if name = strings.TrimSpace(name); name == "" {
			name = "security key"
		}
		keys = append(keys, key{Path: C.GoString(C.fido_dev_info_path(info)), Name: name})
	}
	return keys, nil
}

// device is an open security key. One goroutine uses it; any may cancel.
type device struct {
	mu  sync.Mutex
	dev *C.fido_dev_t // nil once closed; set and cleared under mu
}

func openDevice(path string) (*device, error) {
	initialise()
	dev := C.fido_dev_new()
	if dev == nil {
		return nil, errors.New("no memory for a device")
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if code := C.fido_dev_open(dev, name); code != C.FIDO_OK {
		C.fido_dev_free(&dev)
		return nil, openFailure(path, code)
	}
	return &device{dev: dev}, nil
}

// openFailure finds out what libfido2 does not say: whether this account may use the device.
func openFailure(path string, code C.int) *failure {
	f := &failure{Kind: kindGone, Text: fmt.Sprintf("opening %s: %s", path, C.GoString(C.fido_strerr(code)))}
	if err := unix.Access(path, unix.R_OK|unix.W_OK); errors.Is(err, fs.ErrPermission) {
		f.Kind, f.Text = kindDenied, fmt.Sprintf("opening %s: %v", path, err)
	}
	return f
}

func (d *device) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dev != nil {
		C.fido_dev_close(d.dev)
		C.fido_dev_free(&d.dev)
		d.dev = nil
	}
}

// cancel makes the key stop blinking. A U2F key does so by itself when it is not asked any more.
func (d *device) cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dev != nil {
		C.fido_dev_cancel(d.dev)
	}
}

// limit bounds how long the key may take for an answer.
func (d *device) limit(t time.Duration) { C.fido_dev_set_timeout(d.dev, C.int(t.Milliseconds())) }

func (d *device) describe(k *key) {
	k.FIDO2 = bool(C.fido_dev_is_fido2(d.dev))
	k.HasPIN, k.ReadsUV = bool(C.fido_dev_has_pin(d.dev)), bool(C.fido_dev_has_uv(d.dev))
	if k.HasPIN {
		k.PINTries = d.pinTries()
	}
}

// pinTries is how often the PIN may still be wrong, or 0 if the key does not say.
func (d *device) pinTries() int {
	var left C.int
	if C.fido_dev_get_retry_count(d.dev, &left) != C.FIDO_OK {
		return 0
	}
	return int(left)
}

// holds reports whether the key has a credential, without a tap.
func (d *device) holds(rpID string, credential []byte) (bool, error) {
	q, err := newAssert(question{rpID: rpID, hash: make([]byte, 32), credential: credential})
	if err != nil {
		return false, err
	}
	defer C.fido_assert_free(&q)
	if code := C.fido_assert_set_up(q, C.FIDO_OPT_FALSE); code != C.FIDO_OK {
		return false, deviceError("leaving out the tap", code)
	}
	switch code := C.fido_dev_get_assert(d.dev, q, nil); code {
	case C.FIDO_OK, C.FIDO_ERR_USER_PRESENCE_REQUIRED, C.FIDO_ERR_UP_REQUIRED: // the last two: yes, says a U2F key
		return true, nil
	case C.FIDO_ERR_NO_CREDENTIALS, C.FIDO_ERR_INVALID_CREDENTIAL:
		return false, nil
	default:
		return false, deviceError("looking for a credential", code)
	}
}

// assert waits for the tap and returns what the key signed.
func (d *device) assert(q question, pin *secret.Bytes) (*signed, error) {
	defer d.close()
	a, err := newAssert(q)
	if err != nil {
		return nil, err
	}
	defer C.fido_assert_free(&a)
	if q.verify {
		if code := C.fido_assert_set_uv(a, C.FIDO_OPT_TRUE); code != C.FIDO_OK {
			return nil, deviceError("asking for user verification", code)
		}
	}
	text, wipe := cPIN(pin)
	defer wipe()
	if code := C.fido_dev_get_assert(d.dev, a, text); code != C.FIDO_OK {
		f := deviceError("signing", code)
		if f.Kind == kindPINWrong {
			f.PINTries = d.pinTries()
		}
		return nil, f
	}
	return readAssert(a, q)
}

func newAssert(q question) (*C.fido_assert_t, error) {
	a := C.fido_assert_new()
	if a == nil {
		return nil, errors.New("no memory for an assertion")
	}
	rpID := C.CString(q.rpID)
	defer C.free(unsafe.Pointer(rpID))
	code := C.fido_assert_set_rp(a, rpID)
	if code == C.FIDO_OK {
		code = C.fido_assert_set_clientdata_hash(a, cBytes(q.hash), C.size_t(len(q.hash)))
	}
	if code == C.FIDO_OK && len(q.credential) > 0 {
		code = C.fido_assert_allow_cred(a, cBytes(q.credential), C.size_t(len(q.credential)))
	}
	if code != C.FIDO_OK {
		C.fido_assert_free(&a)
		return nil, deviceError("preparing an assertion", code)
	}
	return a, nil
}

func cBytes(b []byte) *C.uchar { return (*C.uchar)(unsafe.SliceData(b)) }

// cPIN copies a PIN for C; nil stands for none. wipe ends the copy.
func cPIN(pin *secret.Bytes) (text *C.char, wipe func()) {
	n := pin.Len()
	if n == 0 {
		return nil, func() {}
	}
	region := C.calloc(1, C.size_t(n+1))
	copied := unsafe.Slice((*byte)(region), n)
	copy(copied, pin.Reveal())
	return (*C.char)(region), func() { clear(copied); C.free(region) }
}

// readAssert takes the first answer. With several discoverable credentials that is the newest one.
func readAssert(a *C.fido_assert_t, q question) (*signed, error) {
	if C.fido_assert_count(a) < 1 {
		return nil, &failure{Kind: kindNoCredential, Text: "the key answered without an assertion"}
	}
	authData, err := unwrapBytes(goBytes(C.fido_assert_authdata_ptr(a, 0), C.fido_assert_authdata_len(a, 0)))
	if err != nil {
		return nil, err
	}
	s := &signed{
		Credential: goBytes(C.fido_assert_id_ptr(a, 0), C.fido_assert_id_len(a, 0)),
		AuthData:   authData,
		Signature:  goBytes(C.fido_assert_sig_ptr(a, 0), C.fido_assert_sig_len(a, 0)),
		UserHandle: goBytes(C.fido_assert_user_id_ptr(a, 0), C.fido_assert_user_id_len(a, 0)),
		AppID:      q.appID,
	}
	if len(s.Credential) == 0 { // a key may leave it out when it was asked for only one
		s.Credential = q.credential
	}
	return s, nil
}

func goBytes(p *C.uchar, n C.size_t) []byte {
	if p == nil {
		return nil
	}
	return C.GoBytes(unsafe.Pointer(p), C.int(n))
}

// deviceError sorts libfido2's codes.
func deviceError(what string, code C.int) *failure {
	f := &failure{Kind: kindOther, Text: fmt.Sprintf("%s: %s", what, C.GoString(C.fido_strerr(code)))}
	switch code {
	case C.FIDO_ERR_NO_CREDENTIALS, C.FIDO_ERR_INVALID_CREDENTIAL:
		f.Kind = kindNoCredential
	case C.FIDO_ERR_USER_ACTION_TIMEOUT, C.FIDO_ERR_ACTION_TIMEOUT, C.FIDO_ERR_TIMEOUT:
		f.Kind = kindNotTapped
	case C.FIDO_ERR_KEEPALIVE_CANCEL, C.FIDO_ERR_OPERATION_DENIED:
		f.Kind = kindCancelled
	case C.FIDO_ERR_PIN_REQUIRED, C.FIDO_ERR_UV_BLOCKED, C.FIDO_ERR_UV_INVALID:
		f.Kind = kindPINNeeded
	case C.FIDO_ERR_PIN_NOT_SET:
		f.Kind = kindPINNotSet
	case C.FIDO_ERR_PIN_INVALID:
		f.Kind = kindPINWrong
	case C.FIDO_ERR_PIN_AUTH_BLOCKED:
		f.Kind = kindPINPaused
	case C.FIDO_ERR_PIN_BLOCKED:
		f.Kind = kindPINBlocked
	case C.FIDO_ERR_TX, C.FIDO_ERR_RX:
		f.Kind = kindGone
	}
	return f
}
