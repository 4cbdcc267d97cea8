package keystore

import (
	"bytes"
	"fmt"
)

// Fact is one thing to know about a slot, in words.
type Fact struct{ Name, Value string }

// Facts tell what is in the slot and whose it is, in the order in which they are shown; what is not known is left out.
func (s SlotDetails) Facts() []Fact {
	all := []Fact{
		{"Certificate", s.subject()},
		{"Issuer", s.issuer()},
		{"Algorithm", s.keyWords()},
		{"Asks for", s.policyWords()},
		{"Made", s.originWords()},
		{"Marked by", s.Owner.Program},
	}
	var known []Fact
	for _, f := range all {
		if f.Value != "" {
			known = append(known, f)
		}
	}
	return known
}

func (s SlotDetails) subject() string {
	switch {
	case s.Unreadable:
		return "something that is no certificate"
	case s.Certificate == nil:
		return "none"
	default:
		return s.Certificate.Subject.String()
	}
}

func (s SlotDetails) issuer() string {
	if s.Certificate == nil || bytes.Equal(s.Certificate.RawIssuer, s.Certificate.RawSubject) {
		return ""
	}
	return s.Certificate.Issuer.String()
}

func (s SlotDetails) keyWords() string {
	if s.State == SlotCertificate {
		return "not shown by the card"
	}
	return s.Algorithm
}

func (s SlotDetails) policyWords() string {
	if s.PIN == "" && s.Touch == "" {
		return ""
	}
	return fmt.Sprintf("%s (touch %s, PIN %s)", s.Policy(), s.Touch, s.PIN)
}

func (s SlotDetails) originWords() string {
	switch {
	case s.Attestation != nil:
		return "in the card, as it attests"
	case s.Origin == OriginGenerated:
		return "in the card"
	case s.Origin == OriginImported:
		return "elsewhere and imported, so that it cannot be attested"
	default:
		return ""
	}
}
