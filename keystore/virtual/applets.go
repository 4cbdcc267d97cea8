package virtual

// The two applets beside PIV answer just what ykman and yubico-piv-tool ask them to identify a key.

const (
	insReadConfig  = 0x1d // management: device information
	insWriteConfig = 0x1c
	insOTPCommand  = 0x01
	insOTPStatus   = 0x03
	otpGetSerial   = 0x10 // P1 of insOTPCommand
)

// Tags of the device information (virtual-key sheet, 2.7).
const (
	tagUSBSupported     = 0x01
	tagSerial           = 0x02
	tagUSBEnabled       = 0x03
	tagFormFactor       = 0x04
	tagVersion          = 0x05
	tagAutoEject        = 0x06
	tagChallengeTimeout = 0x07
	tagDeviceFlags      = 0x08
	tagConfigLocked     = 0x0a
	tagNFCSupported     = 0x0d
	tagNFCEnabled       = 0x0e
)

// capabilities are what a YubiKey 5 NFC has switched on: OTP, U2F, OpenPGP, PIV, OATH and FIDO2. ykman takes the
// model's name from them, so they are listed although only PIV answers here.
var capabilities = []byte{0x02, 0x3f}

// executeManagement answers the management applet.
func (c *card) executeManagement(cmd command) reply {
	switch cmd.ins {
	case insReadConfig:
		return success(c.deviceInfo())
	case insWriteConfig:
		return just(swConditions)
	default:
		return just(swUnknownINS)
	}
}

func (c *card) deviceInfo() []byte {
	if !c.firmware.hasFullDeviceInfo() {
		return c.shortDeviceInfo()
	}
	var b []byte
	b = appendTLV(b, tagUSBSupported, capabilities...)
	b = appendTLV(b, tagUSBEnabled, capabilities...)
	b = appendTLV(b, tagSerial, c.serialBytes()...)
	b = appendTLV(b, tagFormFactor, formFactorCKeychain)
	b = appendTLV(b, tagVersion, c.firmware.bytes()...)
	b = appendTLV(b, tagAutoEject, 0, 0)
	b = appendTLV(b, tagChallengeTimeout, byte(touchTimeout.Seconds()))
	b = appendTLV(b, tagDeviceFlags, 0)
	b = appendTLV(b, tagNFCSupported, capabilities...)
	b = appendTLV(b, tagNFCEnabled, capabilities...)
	b = appendTLV(b, tagConfigLocked, 0)
	return append([]byte{byte(len(b))}, b...)
}

// capabilitiesYubiKey4 are OTP, U2F, CCID as such, OpenPGP, PIV and OATH.
const capabilitiesYubiKey4 = 0x3f

// shortDeviceInfo is what a YubiKey 4 tells: neither form factor nor version, and nothing of NFC.
func (c *card) shortDeviceInfo() []byte {
	b := appendTLV(nil, tagUSBSupported, capabilitiesYubiKey4)
	b = appendTLV(b, tagSerial, c.serialBytes()...)
	b = appendTLV(b, tagUSBEnabled, capabilitiesYubiKey4)
	b = appendTLV(b, tagConfigLocked, 0)
	return append([]byte{byte(len(b))}, b...)
}

// executeOTP answers the OTP applet, which older clients ask for the serial number.
func (c *card) executeOTP(cmd command) reply {
	switch {
	case cmd.ins == insOTPCommand && cmd.p1 == otpGetSerial:
		return success(c.serialBytes())
	case cmd.ins == insOTPStatus:
		return success(c.otpStatus())
	default:
		return just(swUnknownINS)
	}
}

// otpStatus is the version, a programming sequence number and the touch level; neither slot is programmed.
func (c *card) otpStatus() []byte { return append(c.firmware.bytes(), 1, 5, 0) }
