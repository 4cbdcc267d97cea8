package demo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/ssh"
)

// authorityTTL is how long authorities and host certificates live (certificates sheet, section 1).
const authorityTTL = 3650 * 24 * time.Hour

// rsaBits is the key size of every authority and host up to version 16 (certificates sheet, section 1).
const rsaBits = 2048

// authority signs certificates: X.509 ones, and SSH ones with the same key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	ssh  ssh.Signer
}

// authorities are all of a cluster.
type authorities struct {
	web  *authority // the HTTPS certificate of the proxy; nothing else in the cluster trusts it
	user *authority
	host *authority
	db   *authority // of database servers, and of their clients
}

// openAuthorities reads the authorities, or makes them at the first start.
func (d stateDir) openAuthorities(cluster string, now time.Time) (*authorities, error) {
	web, err := d.openAuthority("web-ca", newECKey, pkix.Name{CommonName: cluster + " web CA"}, now)
	if err != nil {
		return nil, err
	}
	subject := pkix.Name{Organization: []string{cluster}, CommonName: cluster}
	userCA, err := d.openAuthority("user-ca", newRSAKey, subject, now)
	if err != nil {
		return nil, err
	}
	hostCA, err := d.openAuthority("host-ca", newRSAKey, subject, now)
	if err != nil {
		return nil, err
	}
	if was := hostCA.cert.Subject.CommonName; was != cluster {
		return nil, fmt.Errorf("the state folder %s belongs to a cluster named %q, not %q", d, was, cluster)
	}
	database, err := d.openAuthority("db-ca", newECKey, subject, now)
	if err != nil {
		return nil, err
	}
	return &authorities{web: web, user: userCA, host: hostCA, db: database}, nil
}

func newECKey() (crypto.Signer, error)  { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
func newRSAKey() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }

// openAuthority reads NAME.pem and NAME-key.pem, or makes them.
func (d stateDir) openAuthority(name string, newKey func() (crypto.Signer, error), subject pkix.Name,
	now time.Time) (*authority, error) {

	key, err := d.openKey(name+"-key.pem", newKey)
	if err != nil {
		return nil, err
	}
	if !d.has(name + ".pem") {
		der, err := selfSign(key, subject, now)
		if err != nil {
			return nil, fmt.Errorf("making the authority %s: %w", name, err)
		}
		if err := d.write(name+".pem", certPEM(der)); err != nil {
			return nil, err
		}
	}
	cert, err := d.readCertificate(name + ".pem")
	if err != nil {
		return nil, err
	}
	signer, err := sshSigner(key)
	if err != nil {
		return nil, fmt.Errorf("preparing the authority %s: %w", name, err)
	}
	return &authority{cert: cert, key: key, ssh: signer}, nil
}

// sshSigner signs SSH certificates; with RSA as rsa-sha2-512, as real clusters do (certificates sheet, section 1).
func sshSigner(key crypto.Signer) (ssh.Signer, error) {
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, err
	}
	choosy, ok := signer.(ssh.AlgorithmSigner)
	if _, isRSA := key.(*rsa.PrivateKey); !isRSA || !ok {
		return signer, nil
	}
	return ssh.NewSignerWithAlgorithms(choosy, []string{ssh.KeyAlgoRSASHA512})
}

// selfSign makes a CA certificate. The serialNumber in its name keeps authorities with the same name apart.
func selfSign(key crypto.Signer, subject pkix.Name, now time.Time) ([]byte, error) {
	serial := newSerial()
	subject.SerialNumber = serial.String()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityTTL),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment |
			x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
}

// newSerial is a random 128-bit certificate serial.
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return new(big.Int).SetBytes(b[:])
}

// openKey reads a private key in PKCS #8, or makes it.
func (d stateDir) openKey(name string, newKey func() (crypto.Signer, error)) (crypto.Signer, error) {
	data, err := d.read(name)
	if err != nil {
		return nil, fmt.Errorf("reading a private key: %w", err)
	}
	if data == nil {
		return d.makeKey(name, newKey)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, &ResourceError{File: d.path(name), Err: errors.New("there is no PEM block in it")}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, &ResourceError{File: d.path(name), Err: err}
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, &ResourceError{File: d.path(name), Err: fmt.Errorf("a %T cannot sign", parsed)}
	}
	return key, nil
}

func (d stateDir) makeKey(name string, newKey func() (crypto.Signer, error)) (crypto.Signer, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("making a private key: %w", err)
	}
	text, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return key, d.write(name, text)
}

// encodeKey is a private key as PEM, in PKCS #8.
func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func (d stateDir) readCertificate(name string) (*x509.Certificate, error) {
	data, err := d.read(name)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, &ResourceError{File: d.path(name), Err: errors.New("there is no PEM block in it")}
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, &ResourceError{File: d.path(name), Err: err}
	}
	return cert, nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pool is the authority as the only root.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}
