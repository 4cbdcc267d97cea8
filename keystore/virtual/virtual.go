// Package virtual is a software YubiKey: a device, not a client. Programs reach it as they reach a real one, through
// libpcsclite, once PCSCLITE_CSOCK_NAME names its socket; piv-go, ykman and yubico-piv-tool run on it unmodified. It
// presents itself as a YubiKey 5C NFC, or as a YubiKey 4, and answers the PIV, management and OTP applets.
//
// It has a second door, for libfido2 and what is built on it: a pseudo-terminal that takes the place of a HID device
// and speaks CTAP2 and U2F. Nothing discovers that device; clients are given its path.
//
// Its keys are software keys and lie unencrypted in its state folder. It is for demonstrations and tests; nothing but a
// demo cluster may trust its attestation root. It shares no code with the clients of real cards, so that a bug on one
// side cannot cancel itself out on the other.
package virtual

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says how a virtual key behaves. The zero Config is a new card that forgets everything on Close.
type Config struct {
	// StateDir keeps the card and its attestation root between runs; it is made with mode 0700. Empty keeps nothing.
	StateDir string
	// Firmware is the version to have, one of [Firmwares]. Zero takes the one in StateDir, or DefaultFirmware for a new card.
	Firmware Firmware
	// Serial is the serial number. Zero takes the one in StateDir, or a random one for a new card.
	Serial uint32
	// Touch says who touches the card; the zero TouchMode is TouchAuto.
	Touch TouchMode
	// AutoTouchDelay is how long TouchAuto takes; zero is 300 ms.
	AutoTouchDelay time.Duration
	// Latency is how long the card takes for its commands; zero is no time at all. See [RealLatency].
	Latency Latency
	// Reclaim is how long after a tap for FIDO the card side refuses everything with SCARD_E_NOT_TRANSACTED. Some real
	// keys need up to 3 s; zero is none.
	Reclaim time.Duration
	// Clock is the card's time; nil is the computer's.
	Clock Clock
	// Socket and ControlSocket are the paths of the PC/SC and the control socket, at most 107 bytes each. Empty puts
	// them into StateDir or, where there is none or its path is too long, into a new folder below the system's
	// temporary one.
	Socket, ControlSocket string
	// Join plugs the key in beside another one, where the same programs find both; Socket is that one's then. Close it
	// before the other.
	Join *Key
	// FIDO opens the second door, which works on Linux only. Its device is the link "fido" beside Socket.
	FIDO bool
	// Log receives what goes wrong; nil discards it.
	Log *slog.Logger
}

// Key is a running virtual key. Its methods are safe for concurrent use.
type Key struct {
	card    *card
	contact *contact
	server  *server // the one of Config.Join, or its own
	port    *port
	control *controlServer
	fido    *fidoDoor // nil without Config.FIDO
	root    *authority
	log     *slog.Logger
	cleanup []func() error // run by Close, last first

	mu      sync.Mutex
	last    Status        // as last published; guarded by mu
	changed chan struct{} // closed and replaced when last changes; guarded by mu
	closing sync.Once
}

// Start makes or loads a card, plugs it in and serves it until Close.
func Start(config Config) (*Key, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	k := &Key{changed: make(chan struct{}), log: config.Log}
	if err := k.start(config); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the virtual key: %w", err), k.runCleanup())
	}
	return k, nil
}

// complete replaces zero values by what they stand for.
func (c Config) complete() (Config, error) {
	var err error
	if c.Touch, err = ParseTouchMode(string(c.Touch)); err != nil {
		return c, err
	}
	if c.AutoTouchDelay <= 0 {
		c.AutoTouchDelay = defaultAutoTouchDelay
	}
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func (k *Key) start(config Config) error {
	memory, save, err := k.openMemory(config)
	if err != nil {
		return err
	}
	k.contact = &contact{clock: config.Clock, delay: config.AutoTouchDelay, mode: config.Touch, notify: k.publish}
	k.card = newCard(memory, k.contact, save, config.Log)
	return k.serve(config)
}

// openMemory loads or makes the card, and returns how it is to be saved.
func (k *Key) openMemory(config Config) (*memory, func(*memory) error, error) {
	if config.StateDir == "" {
		return k.newMemory(config.Firmware, config.Serial)
	}
	if err := makePrivateDir(config.StateDir); err != nil {
		return nil, nil, err
	}
	release, err := lockFile(filepath.Join(config.StateDir, "lock"))
	if err != nil {
		return nil, nil, err
	}
	k.cleanup = append(k.cleanup, release)
	root, err := loadOrMakeRoot(config.StateDir)
	if err != nil {
		return nil, nil, err
	}
	k.root = root
	m, err := loadOrMakeMemory(config.StateDir, config.Firmware, config.Serial, root)
	path := filepath.Join(config.StateDir, cardFile)
	return m, func(m *memory) error { return m.save(path) }, err
}

// newMemory makes a card that is never saved.
func (k *Key) newMemory(firmware Firmware, serial uint32) (*memory, func(*memory) error, error) {
	root, err := newRoot()
	if err != nil {
		return nil, nil, err
	}
	k.root = root
	m, err := newMemory(cmp.Or(firmware, DefaultFirmware), serialOrRandom(serial), root)
	return m, func(*memory) error { return nil }, err
}

// serialOrRandom gives a new card a number as real ones have, of eight digits.
func serialOrRandom(serial uint32) uint32 {
	if serial != 0 {
		return serial
	}
	return 10_000_000 + rand.Uint32N(20_000_000)
}

// serve opens both sockets. The card is plugged in before the first client can look.
func (k *Key) serve(config Config) error {
	socket, control, err := k.socketPaths(config)
	if err != nil {
		return err
	}
	if err := k.openPort(config, socket); err != nil {
		return err
	}
	if config.FIDO {
		if err := k.openFIDO(config, filepath.Join(filepath.Dir(socket), fidoLink)); err != nil {
			return err
		}
	}
	commands, err := listen(control)
	if err != nil {
		return err
	}
	k.control = startControl(commands, k, config.Log)
	k.cleanup = append(k.cleanup, k.control.close)
	return nil
}

// openPort plugs the key in: beside another one, or to a service of its own.
func (k *Key) openPort(config Config, socket string) (err error) {
	if config.Join != nil {
		k.server = config.Join.server
		return k.plugIn(config)
	}
	pcsc, err := listen(socket)
	if err != nil {
		return err
	}
	k.server = newServer(pcsc, config.Clock, config.Log)
	k.cleanup = append(k.cleanup, k.server.close)
	if err := k.plugIn(config); err != nil {
		return err
	}
	k.server.start()
	return nil
}

func (k *Key) plugIn(config Config) (err error) {
	if k.port, err = k.server.newPort(k.card, config, k.publish); err != nil {
		return err
	}
	k.cleanup = append(k.cleanup, k.port.giveBack)
	k.port.plug()
	return nil
}

// openFIDO opens the second door, with the same contact.
func (k *Key) openFIDO(config Config, path string) error {
	m, save, err := k.openFIDOMemory(config.StateDir, k.card.firmware)
	if err != nil {
		return err
	}
	k.fido = &fidoDoor{path: path, device: newAuthenticator(k.card.firmware, m, k.contact, save, config.Log), log: config.Log}
	k.cleanup = append(k.cleanup, k.fido.close)
	return k.fido.plug()
}

// openFIDOMemory is openMemory for the credentials.
func (k *Key) openFIDOMemory(dir string, firmware Firmware) (*fidoMemory, func(*fidoMemory) error, error) {
	if dir == "" {
		m, err := newFIDOMemory(firmware, k.root)
		return m, func(*fidoMemory) error { return nil }, err
	}
	m, err := loadOrMakeFIDOMemory(dir, firmware, k.root)
	path := filepath.Join(dir, fidoFile)
	return m, func(m *fidoMemory) error { return m.saveTo(path) }, err
}

func (k *Key) socketPaths(config Config) (socket, control string, err error) {
	socket, control = config.Socket, config.ControlSocket
	if socket != "" && control != "" {
		return socket, control, nil
	}
	dir, temporary, err := socketDir(config.StateDir)
	if err != nil {
		return "", "", err
	}
	if temporary {
		k.cleanup = append(k.cleanup, func() error { return os.RemoveAll(dir) })
	}
	if socket == "" {
		socket = filepath.Join(dir, pcscSocket)
	}
	if control == "" {
		control = filepath.Join(dir, controlSocket)
	}
	return socket, control, nil
}

// Close pulls the card, ends all connections, waits for them and removes the sockets. What a client did before was
// saved when the client was told. Closing twice is allowed.
func (k *Key) Close() error {
	var err error
	k.closing.Do(func() { err = k.runCleanup() })
	return err
}

func (k *Key) runCleanup() error {
	var errs []error
	for i := len(k.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, k.cleanup[i]())
	}
	k.cleanup = nil
	return errors.Join(errs...)
}

// Socket is the path for PCSCLITE_CSOCK_NAME. libpcsclite reads that variable once per process, at the first call.
func (k *Key) Socket() string { return k.server.path }

// Control is the path of the control socket, for [Ctl].
func (k *Key) Control() string { return k.control.listener.Addr().String() }

// FIDOPath is the path of the FIDO device for libfido2, or "" without [Config].FIDO. It stays the same while the key is
// unplugged, but there is nothing then.
//
// libfido2 opens the device in a way that can make it the controlling terminal of a process that leads a session and
// has none; unplugging the key then ends that process with SIGHUP (virtual-key sheet, 3.2).
func (k *Key) FIDOPath() string {
	if k.fido == nil {
		return ""
	}
	return k.fido.path
}

// Root is the attestation root of this card.
func (k *Key) Root() *x509.Certificate { return k.root.certificate }

// Touch presses the gold contact. A card that does not wait for a touch takes no notice, and TouchIgnore never does.
func (k *Key) Touch() { k.contact.touch() }

// SetTouch changes who touches the card, from the next wait on.
func (k *Key) SetTouch(mode TouchMode) error {
	mode, err := ParseTouchMode(string(mode))
	if err != nil {
		return err
	}
	k.contact.setMode(mode)
	return nil
}

// Plug puts the card back into the computer. What it keeps without power is still there; a verified PIN is not.
func (k *Key) Plug() {
	k.port.plug()
	if k.fido != nil {
		if err := k.fido.plug(); err != nil {
			k.log.Error("plugging the FIDO device in", "err", err)
		}
	}
}

// Unplug pulls the card. A command under way fails with SCARD_E_NOT_TRANSACTED, and the reader disappears, as does the
// FIDO device.
func (k *Key) Unplug() {
	k.port.unplug()
	if k.fido != nil {
		if err := k.fido.unplug(); err != nil {
			k.log.Error("unplugging the FIDO device", "err", err)
		}
	}
}
