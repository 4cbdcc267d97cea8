package keystore

import (
	"strconv"
	"strings"
)

// PC/SC return codes (pcsclite.h) that this package tells apart.
const (
	scardInvalidHandle     = 0x80100003
	scardInvalidParameter  = 0x80100004
	scardUnknownReader     = 0x80100009
	scardTimeout           = 0x8010000A
	scardSharingViolation  = 0x8010000B
	scardNoSmartCard       = 0x8010000C
	scardProtoMismatch     = 0x8010000F
	scardInvalidValue      = 0x80100011
	scardCommError         = 0x80100013
	scardNotTransacted     = 0x80100016
	scardReaderUnavailable = 0x80100017
	scardNoService         = 0x8010001D
	scardServiceStopped    = 0x8010001E
	scardUnexpected        = 0x8010001F
	scardNoReaders         = 0x8010002E
	scardCommDataLost      = 0x8010002F
	scardUnresponsive      = 0x80100066
	scardUnpowered         = 0x80100067
	scardResetCard         = 0x80100068
	scardRemovedCard       = 0x80100069
)

// codeTexts are the words of piv-go for PC/SC return codes. piv-go hides the codes, and some of its functions lose
// even the error's type, so the text is all there is; errors always end in it.
var codeTexts = map[string]uint32{
	"the supplied handle was invalid":                                                                 scardInvalidHandle,
	"one or more of the supplied parameters could not be properly interpreted":                        scardInvalidParameter,
	"the specified reader name is not recognized":                                                     scardUnknownReader,
	"the user-specified timeout value has expired":                                                    scardTimeout,
	"the smart card cannot be accessed because of other connections outstanding":                      scardSharingViolation,
	"the operation requires a Smart Card, but no Smart Card is currently in the device":               scardNoSmartCard,
	"the requested protocols are incompatible with the protocol currently in use with the smart card": scardProtoMismatch,
	"one or more of the supplied parameters values could not be properly interpreted":                 scardInvalidValue,
	"an internal communications error has been detected":                                              scardCommError,
	"an attempt was made to end a non-existent transaction":                                           scardNotTransacted,
	"the specified reader is not currently available for use":                                         scardReaderUnavailable,
	"the Smart card resource manager is not running":                                                  scardNoService,
	"the Smart card resource manager has shut down":                                                   scardServiceStopped,
	"an unexpected card error has occurred":                                                           scardUnexpected,
	"cannot find a smart card reader":                                                                 scardNoReaders,
	"a communications error with the smart card has been detected. More..":                            scardCommDataLost,
	"the smart card is not responding to a reset":                                                     scardUnresponsive,
	"power has been removed from the smart card, so that further communication is not possible":       scardUnpowered,
	"the smart card has been reset, so any shared state information is invalid":                       scardResetCard,
	"the smart card has been removed, so further communication is not possible":                       scardRemovedCard,
}

// unknownCode begins piv-go's words for a code that it has no words for; eight hex digits follow.
const unknownCode = "unknown pcsc return code 0x"

// codeOfText finds the PC/SC return code in the text of an error of piv-go.
func codeOfText(text string) (uint32, bool) {
	for words, code := range codeTexts {
		if strings.HasSuffix(text, words) {
			return code, true
		}
	}
	if _, digits, ok := strings.Cut(text, unknownCode); ok {
		code, err := strconv.ParseUint(digits, 16, 32)
		return uint32(code), err == nil
	}
	return 0, false
}
