package virtual

// Instructions of the PIV applet (SP 800-73-4 part 2, 3; Yubico's additions: virtual-key sheet, 2.3).
const (
	insVerify               = 0x20
	insChangeReference      = 0x24
	insResetRetry           = 0x2c
	insGenerate             = 0x47
	insAuthenticate         = 0x87
	insGetData              = 0xcb
	insPutData              = 0xdb
	insMove                 = 0xf6
	insGetMetadata          = 0xf7
	insGetSerial            = 0xf8
	insAttest               = 0xf9
	insSetRetries           = 0xfa
	insReset                = 0xfb
	insGetVersion           = 0xfd
	insImport               = 0xfe
	insSetManagementKey     = 0xff
	refPIN                  = 0x80
	refPUK                  = 0x81
	refManagement       ref = 0x9b
)

// ref is a key reference: a slot, or the management key (SP 800-73-4 part 1, table 4b).
type ref byte

const (
	slotAuthentication ref = 0x9a
	slotSignature      ref = 0x9c
	slotKeyManagement  ref = 0x9d
	slotCardAuth       ref = 0x9e
	slotRetiredFirst   ref = 0x82
	slotRetiredLast    ref = 0x95
	slotAttestation    ref = 0xf9
)

// holdsKey reports whether r is a slot for an asymmetric key.
func (r ref) holdsKey() bool {
	switch r {
	case slotAuthentication, slotSignature, slotKeyManagement, slotCardAuth, slotAttestation:
		return true
	default:
		return r >= slotRetiredFirst && r <= slotRetiredLast
	}
}

// executePIV runs one command of the PIV applet. Whatever the command is, it ends two states that only hold for the
// command right after: "PIN verified just before" and a management key challenge.
func (c *card) executePIV(s *session, cmd command) reply {
	fresh, pending := s.pinFresh, s.challenge
	s.pinFresh, s.challenge = false, nil
	switch cmd.ins {
	case insVerify:
		return c.verify(s, cmd)
	case insChangeReference:
		return c.changeReference(s, cmd)
	case insResetRetry:
		return c.resetRetry(cmd)
	case insSetRetries:
		return c.setRetries(s, cmd)
	case insReset:
		return c.factoryReset(s)
	case insAuthenticate:
		if ref(cmd.p2) == refManagement {
			return c.authenticateManagement(s, cmd, pending)
		}
		return c.sign(s, cmd, fresh)
	case insGenerate:
		return c.generate(s, cmd)
	case insImport:
		return c.importKey(s, cmd)
	case insSetManagementKey:
		return c.setManagementKey(s, cmd)
	case insGetData:
		return c.getData(s, cmd)
	case insPutData:
		return c.putData(s, cmd)
	case insMove:
		return c.moveKey(s, cmd)
	default:
		return c.describe(cmd)
	}
}

// describe runs the commands that only read and need no authentication.
func (c *card) describe(cmd command) reply {
	switch cmd.ins {
	case insGetVersion:
		return success(c.firmware.bytes())
	case insGetSerial:
		if !c.firmware.hasGetSerial() {
			return just(swUnknownINS)
		}
		return success(c.serialBytes())
	case insGetMetadata:
		if !c.firmware.hasMetadata() {
			return just(swUnknownINS)
		}
		return c.metadata(cmd.p2)
	case insAttest:
		return c.attest(ref(cmd.p1))
	default:
		return just(swUnknownINS)
	}
}

// factoryReset empties the applet, except for the attestation key. It needs both PIN and PUK blocked.
func (c *card) factoryReset(s *session) reply {
	if c.memory.PIN.Left > 0 || c.memory.PUK.Left > 0 {
		return just(swConditions)
	}
	c.memory.factoryReset()
	c.dirty = true
	s.pinVerified, s.managed = false, false
	return success(nil)
}

// Tags of GET METADATA (virtual-key sheet, 2.6).
const (
	metaAlgorithm = 0x01
	metaPolicies  = 0x02
	metaOrigin    = 0x03
	metaPublic    = 0x04
	metaDefault   = 0x05
	metaRetries   = 0x06

	algorithmPIN = 0xff
)

// metadata answers GET METADATA for PIN, PUK, management key and slots. The algorithm comes first: clients read the
// management key's as the third byte of the answer.
func (c *card) metadata(reference byte) reply {
	switch reference {
	case refPIN:
		return success(c.memory.PIN.metadata())
	case refPUK:
		return success(c.memory.PUK.metadata())
	case byte(refManagement):
		return success(c.memory.Management.metadata())
	}
	key, ok := c.memory.Keys[ref(reference)]
	if !ok {
		return just(swReferenceNotFound)
	}
	return success(key.metadata())
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
