package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// attestationRoots reads a PEM file; no file is nil.
func attestationRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The attestation roots in %s cannot be read.", file), "Check the path given with --attestation-roots.")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fault.New(fmt.Sprintf("%s holds no certificate.", file), "Give --attestation-roots a PEM file.")
	}
	return pool, nil
}

// keyInfo is what info prints.
type keyInfo struct {
	Serial     uint32         `json:"serial"`
	Name       string         `json:"name,omitempty"`
	Model      string         `json:"model"`
	Firmware   string         `json:"firmware"`
	FormFactor string         `json:"form_factor,omitempty"`
	PIN        secretInfo     `json:"pin"`
	PUK        secretInfo     `json:"puk"`
	Management managementInfo `json:"management_key"`
	Slots      []slotInfo     `json:"slots"`
	Device     string         `json:"device_certificate,omitempty"` // subject of the certificate in f9
}

type secretInfo struct {
	State    string `json:"state"`              // factory, own or unknown
	Attempts *int   `json:"attempts,omitempty"` // left, where the key tells
	Blocked  bool   `json:"blocked"`
}

type managementInfo struct {
	Kind      string `json:"kind"`
	Algorithm string `json:"algorithm,omitempty"`
	Touch     bool   `json:"touch,omitempty"`
}

type slotInfo struct {
	Slot      string       `json:"slot"`
	State     string       `json:"state"`
	Summary   string       `json:"summary"`
	Owner     string       `json:"owner,omitempty"` // touchstone, teleport or foreign
	Program   string       `json:"program,omitempty"`
	UsedFor   []string     `json:"used_for,omitempty"` // user at cluster, as remembered on this computer
	Algorithm string       `json:"algorithm,omitempty"`
	PINPolicy string       `json:"pin_policy,omitempty"`
	Touch     string       `json:"touch_policy,omitempty"`
	Origin    string       `json:"origin,omitempty"`
	PublicKey string       `json:"public_key,omitempty"` // PKIX DER in hex
	Subject   string       `json:"certificate_subject,omitempty"`
	Attested  *attestLines `json:"attestation,omitempty"`
	Contents  string       `json:"contents,omitempty"`
}

// attestLines is what is read out of an attestation.
type attestLines struct {
	Serial     uint32 `json:"serial"`
	Firmware   string `json:"firmware"`
	FormFactor string `json:"form_factor,omitempty"`
	Slot       string `json:"slot"`
	PINPolicy  string `json:"pin_policy"`
	Touch      string `json:"touch_policy"`
	Policy     string `json:"private_key_policy"`
	VerifiedBy string `json:"verified_by,omitempty"`
}

func runKeyInfo(ctx context.Context, env *environment, o *options, _ []string) error {
	return withKey(ctx, env, o, func(k *keyRoom) error {
		details, err := k.keys.Describe(ctx, k.serial)
		if err != nil {
			return err
		}
		info := infoOf(details, k.sessions.Snapshot())
		info.Name = k.keys.Name(details.Serial)
		if o.format == "json" {
			return printJSON(env.stdout, info)
		}
		return printInfo(env.stdout, info)
	})
}

func infoOf(d *keystore.CardDetails, known session.Snapshot) keyInfo {
	info := keyInfo{
		Serial: d.Serial, Model: d.Model, Firmware: d.Firmware, FormFactor: d.FormFactor,
		PIN: secretOf(d.PIN), PUK: secretOf(d.PUK),
		Management: managementInfo{Kind: string(d.Management.Kind), Algorithm: d.Management.Algorithm, Touch: d.Management.Touch},
	}
	for _, s := range d.Slots {
		info.Slots = append(info.Slots, slotOf(s, usersOf(known, d.Serial, s.Slot)))
	}
	if d.Device != nil {
		info.Device = d.Device.Subject.String()
	}
	return info
}

func secretOf(s keystore.SecretDetails) secretInfo {
	info := secretInfo{State: string(s.Ownership), Blocked: s.Blocked()}
	if s.AttemptsLeft != keystore.AttemptsUnknown {
		info.Attempts = &s.AttemptsLeft
	}
	return info
}

// usersOf is who signs in where with the key in a slot.
func usersOf(known session.Snapshot, serial uint32, slot keystore.Slot) []string {
	var users []string
	for _, c := range known.Clusters {
		if c.Serial == serial && c.Slot == slot.String() {
			users = append(users, c.User+" at "+c.Name)
		}
	}
	return users
}

func slotOf(s keystore.SlotDetails, users []string) slotInfo {
	info := slotInfo{
		Slot: s.Slot.String(), State: string(s.State), Summary: s.Summary(), Owner: string(s.Owner.Kind), Program: s.Owner.Program,
		UsedFor: users, Algorithm: s.Algorithm, PINPolicy: string(s.PIN), Touch: string(s.Touch), Origin: string(s.Origin),
		PublicKey: hex.EncodeToString(s.PublicKey), Contents: s.Contents,
	}
	if s.Certificate != nil {
		info.Subject = s.Certificate.Subject.String()
	}
	if s.Attestation != nil {
		info.Attested = attestedOf(s.Attestation)
	}
	return info
}

func attestedOf(a *keystore.Attestation) *attestLines {
	return &attestLines{
		Serial: a.Serial, Firmware: a.Firmware, FormFactor: a.FormFactor, Slot: a.Slot.String(),
		PINPolicy: string(a.PIN), Touch: string(a.Touch), Policy: a.Policy.Name(), VerifiedBy: a.VerifiedBy(),
	}
}

func printInfo(w io.Writer, i keyInfo) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "Serial number\t%d\n", i.Serial)
	if i.Name != "" {
		fmt.Fprintf(table, "Name\t%s\n", i.Name)
	}
	fmt.Fprintf(table, "Model\t%s\nFirmware\t%s\nForm factor\t%s\n", i.Model, i.Firmware, cmp.Or(i.FormFactor, "not told"))
	fmt.Fprintf(table, "PIN\t%s\nPUK\t%s\n", i.PIN, i.PUK)
	fmt.Fprintf(table, "Management key\t%s\n", i.Management)
	for _, s := range i.Slots {
		fmt.Fprintf(table, "\t\nSlot %s\t%s\n", s.Slot, s.Summary)
		s.print(table)
	}
	return table.Flush()
}

func (s slotInfo) print(w io.Writer) {
	for _, user := range s.UsedFor {
		fmt.Fprintf(w, "  used by\t%s\n", user)
	}
	if s.Algorithm != "" {
		fmt.Fprintf(w, "  key\t%s, %s\n", s.Algorithm, cmp.Or(s.Origin, "not in the slot"))
	}
	if s.PINPolicy != "" {
		fmt.Fprintf(w, "  asks for\tPIN %s, touch %s\n", s.PINPolicy, s.Touch)
	}
	if a := s.Attested; a != nil {
		fmt.Fprintf(w, "  attested\t%s, verified by %s\n", a.Policy, cmp.Or(a.VerifiedBy, "nobody"))
	}
	if s.Contents != "" {
		fmt.Fprintf(w, "  contents\t%s\n", s.Contents)
	}
}

// String is the state of a PIN or PUK in words.
func (s secretInfo) String() string {
	words := map[string]string{"factory": "the factory one", "own": "set", "unknown": "not told whether it was set"}[s.State]
	switch {
	case s.Blocked:
		return words + ", blocked"
	case s.Attempts != nil:
		return words + ", " + count(*s.Attempts, "attempt") + " left"
	default:
		return words + ", attempts not told"
	}
}

// String is the state of a management key in words.
func (m managementInfo) String() string {
	words := map[string]string{
		"factory": "the factory one", "own": "somebody's own", "protected": "stored behind the PIN", "unknown": "not told",
	}[m.Kind]
	if m.Algorithm != "" {
		words += ", " + m.Algorithm
	}
	if m.Touch {
		words += ", asks for a touch"
	}
	return words
}
