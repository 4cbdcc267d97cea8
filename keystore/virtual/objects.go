package virtual

import "bytes"

// objectID names a data object (SP 800-73-4 part 1, table 3).
type objectID uint32

const (
	objectDiscovery       objectID = 0x7e
	objectFingerprints    objectID = 0x5fc103
	objectFace            objectID = 0x5fc108
	objectPrinted         objectID = 0x5fc109
	objectIris            objectID = 0x5fc121
	objectAttestationCert objectID = 0x5fff01

	maxObjectSize = 3052 // content of one object (virtual-key sheet, 2.1)
)

const (
	tagObjectID    = 0x5c
	tagContent     = 0x53
	tagCertificate = 0x70
	tagCertInfo    = 0x71
	tagCertCheck   = 0xfe
)

// discovery is the one object without a 53 around it: the PIV AID, and "the PIV PIN alone is used".
var discovery = append([]byte{0x7e, 0x12, 0x4f, 0x0b}, append(bytes.Clone(aidPIV), 0x5f, 0x2f, 2, 0x40, 0)...)

// needsPIN reports whether reading the object takes a verified PIN.
func (id objectID) needsPIN() bool {
	switch id {
	case objectPrinted, objectFingerprints, objectFace, objectIris:
		return true
	default:
		return false
	}
}

// parseObjectID reads 5C{id}, the first element of GET DATA and PUT DATA.
func parseObjectID(elements tlvs) (objectID, bool) {
	name, ok := elements.find(tagObjectID)
	if !ok || len(name) == 0 || len(name) > 3 {
		return 0, false
	}
	var id objectID
	for _, b := range name {
		id = id<<8 | objectID(b)
	}
	return id, true
}

// addressesObject checks P1 and P2 of GET DATA and PUT DATA, always 3FFF: the current file.
func (c command) addressesObject() bool { return c.p1 == 0x3f && c.p2 == 0xff }

// getData answers GET DATA.
func (c *card) getData(s *session, cmd command) reply {
	if !cmd.addressesObject() {
		return just(swWrongParameters)
	}
	elements, err := parseTLVs(cmd.data)
	id, ok := parseObjectID(elements)
	switch {
	case err != nil || !ok:
		return just(swWrongData)
	case id == objectDiscovery:
		return success(discovery)
	case id.needsPIN() && !s.pinVerified:
		return just(swSecurityStatus)
	}
	content, ok := c.memory.Objects[id]
	if !ok {
		return just(swNotFound)
	}
	return success(appendTLV(nil, tagContent, content...))
}

// putData answers PUT DATA; an empty object is deleted.
func (c *card) putData(s *session, cmd command) reply {
	if !cmd.addressesObject() {
		return just(swWrongParameters)
	}
	if !s.managed {
		return just(swSecurityStatus)
	}
	elements, err := parseTLVs(cmd.data)
	id, okID := parseObjectID(elements)
	content, okContent := elements.find(tagContent)
	switch {
	case err != nil || !okID || !okContent || id == objectDiscovery:
		return just(swWrongData)
	case len(content) > maxObjectSize:
		return just(swNoSpace)
	case len(content) == 0:
		delete(c.memory.Objects, id)
	default:
		c.memory.Objects[id] = bytes.Clone(content)
	}
	c.dirty = true
	return success(nil)
}

// certificateObject wraps a certificate as a data object: uncompressed, no check value.
func certificateObject(der []byte) []byte {
	b := appendTLV(nil, tagCertificate, der...)
	b = appendTLV(b, tagCertInfo, 0)
	return appendTLV(b, tagCertCheck)
}
