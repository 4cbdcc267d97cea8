package demo

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Costs and limits of passwords.
const (
	passwordIterations = 1000 // enough: the passwords are 128 bits of chance, never a word that a person chose
	saltSize           = 16
	maxAttempts        = 5 // wrong passwords in a row, as in a real cluster
	lockTime           = 20 * time.Minute
)

// Texts of refused passwords (login sheet, 5.6).
const (
	textWrongPassword = "invalid username or password"
	textWrongFactor   = "invalid username, password or second factor"
	textMissingFactor = "missing second factor"
	textLocked        = "too many incorrect attempts, please try again later"
)

// passwordHash is what the server keeps of a password.
type passwordHash struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	Hash       []byte `json:"hash"`
}

func hashPassword(password string) (passwordHash, error) {
	h := passwordHash{Salt: make([]byte, saltSize), Iterations: passwordIterations}
	_, _ = rand.Read(h.Salt) // never fails
	var err error
	h.Hash, err = h.derive(password)
	return h, err
}

func (h passwordHash) derive(password string) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, password, h.Salt, h.Iterations, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("hashing a password: %w", err)
	}
	return key, nil
}

func (h passwordHash) matches(password string) bool {
	key, err := h.derive(password)
	return err == nil && subtle.ConstantTimeCompare(key, h.Hash) == 1
}

// Credential is a demo user's name and password in plain text. It exists so that the person at the keyboard can sign
// in; the server itself checks against a hash.
type Credential struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// openCredentials returns the password of every user of the catalog and its hash, and makes up what is missing.
func (d stateDir) openCredentials(c *catalog) (map[string]string, *passwords, error) {
	var plain []Credential
	hashes := map[string]passwordHash{}
	if err := d.readJSON(fileCredentials, &plain); err != nil {
		return nil, nil, err
	}
	if err := d.readJSON(filePasswords, &hashes); err != nil {
		return nil, nil, err
	}
	known := make(map[string]string, len(plain))
	for _, p := range plain {
		known[p.Name] = p.Password
	}
	for _, u := range c.sortedUsers() {
		name := u.Metadata.Name
		if _, ok := hashes[name]; ok && known[name] != "" {
			continue
		}
		fresh := Credential{Name: name, Password: rand.Text()}
		hash, err := hashPassword(fresh.Password)
		if err != nil {
			return nil, nil, err
		}
		hashes[name], known[name] = hash, fresh.Password
		plain = append(plain, fresh)
	}
	if err := d.writeJSON(filePasswords, hashes); err != nil {
		return nil, nil, err
	}
	codes, err := d.openCodes(c)
	if err != nil {
		return nil, nil, err
	}
	p := &passwords{codes: codes, hashes: hashes, stranger: newStranger(), tries: map[string]attempts{}}
	return known, p, d.writeJSON(fileCredentials, plain)
}

// newStranger is a hash that belongs to no password.
func newStranger() passwordHash {
	h := passwordHash{Salt: make([]byte, saltSize), Iterations: passwordIterations, Hash: make([]byte, sha256.Size)}
	_, _ = rand.Read(h.Salt) // never fails
	_, _ = rand.Read(h.Hash)
	return h
}

// passwords checks who someone is.
type passwords struct {
	codes    *oneTimeCodes
	hashes   map[string]passwordHash
	stranger passwordHash // compared for unknown users, so that the time does not tell them apart

	mu    sync.Mutex
	tries map[string]attempts // guarded by mu
}

type attempts struct {
	wrong       int
	lockedUntil time.Time
}

// check accepts a password or refuses with the texts of a real cluster.
func (p *passwords) check(name, password string, now time.Time) error {
	return p.checkWith(&proof{user: name, password: password}, textWrongPassword, now, func() error { return nil })
}

// checkWith accepts a password and what else is to be checked. That is looked at only with the right password; any
// refusal of it has the text that a wrong password has, and counts as one.
func (p *passwords) checkWith(who *proof, wrong string, now time.Time, more func() error) error {
	if p.locked(who.user, now) {
		return refuse(accessDenied, textLocked)
	}
	hash, known := p.hashes[who.user]
	if !known {
		hash = p.stranger
	}
	err := error(refuse(accessDenied, "%s", wrong))
	if hash.matches(who.password) && known {
		if err = more(); err == nil {
			p.forget(who.user)
			return nil
		}
	}
	p.failed(who.user, known, now)
	if _, told := errors.AsType[*refusal](err); told {
		return refuse(accessDenied, "%s", wrong)
	}
	return err
}

// forget the wrong tries before a right one.
func (p *passwords) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tries, name)
}

func (p *passwords) locked(name string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.tries[name].lockedUntil)
}

func (p *passwords) failed(name string, known bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known { // names that nobody has would only fill the memory
		a := p.tries[name]
		if a.wrong++; a.wrong >= maxAttempts {
			a = attempts{lockedUntil: now.Add(lockTime)}
		}
		p.tries[name] = a
	}
}
