package virtual

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	rootFile       = "attestation-root.pem"
	pemCertificate = "CERTIFICATE"
	pemPrivateKey  = "PRIVATE KEY"
)

// authority is the attestation root with its key. The key is beside the certificate on disk: it vouches for software
// keys, and nobody but a demo cluster or a test may trust it.
type authority struct {
	certificate *x509.Certificate
	private     crypto.Signer
}

// Root returns the attestation root of a state folder, making folder and root when there are none yet. The virtual key
// of that folder need not run.
func Root(stateDir string) (*x509.Certificate, error) {
	if err := makePrivateDir(stateDir); err != nil {
		return nil, err
	}
	root, err := loadOrMakeRoot(stateDir)
	if err != nil {
		return nil, err
	}
	return root.certificate, nil
}

// loadOrMakeRoot gives every caller the same root, even two processes that both find none.
func loadOrMakeRoot(dir string) (*authority, error) {
	path := filepath.Join(dir, rootFile)
	root, err := loadRoot(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if root, err = newRoot(); err != nil {
		return nil, err
	}
	text, err := root.encode()
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return loadRoot(path)
}

// newRoot makes a root with a random name part, so that the roots of two folders cannot be mistaken for each other.
func newRoot() (*authority, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating the attestation root: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          randomSerialNumber(),
		Subject:               pkix.Name{CommonName: fmt.Sprintf("Touchstone Virtual PIV Root CA %X (software keys)", randomBytes(4))},
		NotBefore:             time.Date(2016, 3, 14, 0, 0, 0, 0, time.UTC), // as long as Yubico's own
		NotAfter:              time.Date(2052, 4, 17, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("signing the attestation root: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the attestation root back: %w", err)
	}
	return &authority{certificate, private}, nil
}

func (a *authority) encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(a.private)
	if err != nil {
		return nil, fmt.Errorf("encoding the attestation root: %w", err)
	}
	return bytes.Join([][]byte{
		pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: a.certificate.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: key}),
	}, nil), nil
}

func loadRoot(path string) (*authority, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the attestation root: %w", err)
	}
	root := &authority{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if err := root.add(block); err != nil {
			return nil, fmt.Errorf("reading the attestation root in %s: %w", path, err)
		}
	}
	if root.certificate == nil || root.private == nil {
		return nil, fmt.Errorf("reading the attestation root in %s: it needs a certificate and a key", path)
	}
	return root, nil
}

func (a *authority) add(block *pem.Block) (err error) {
	switch block.Type {
	case pemCertificate:
		a.certificate, err = x509.ParseCertificate(block.Bytes)
	case pemPrivateKey:
		a.private, err = parsePrivateKey(block.Bytes)
	}
	return err
}

func parsePrivateKey(pkcs8 []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
	return signer, nil
}
