package virtual

import "encoding/binary"

// The pcsc-lite client protocol, 4.4 to 4.6 (virtual-key sheet, 1.1 to 1.3). Integers are in host byte order. A request
// is a header and one of the messages below; its answer is the same message with the fields marked "out" filled in and
// no header. The struct layouts are those of C on every 64-bit system; none needs padding but readerState.

// messageCommand says which message follows a header.
type messageCommand uint32

const (
	cmdEstablishContext  messageCommand = 0x01
	cmdReleaseContext    messageCommand = 0x02
	cmdConnect           messageCommand = 0x04
	cmdReconnect         messageCommand = 0x05
	cmdDisconnect        messageCommand = 0x06
	cmdBeginTransaction  messageCommand = 0x07
	cmdEndTransaction    messageCommand = 0x08
	cmdTransmit          messageCommand = 0x09
	cmdControl           messageCommand = 0x0a
	cmdStatus            messageCommand = 0x0b
	cmdCancel            messageCommand = 0x0d
	cmdGetAttribute      messageCommand = 0x0f
	cmdSetAttribute      messageCommand = 0x10
	cmdVersion           messageCommand = 0x11
	cmdReadersState      messageCommand = 0x12
	cmdWaitChange        messageCommand = 0x13
	cmdStopWaiting       messageCommand = 0x14
	cmdReaderEvents      messageCommand = 0x15
	cmdReadersStateSize  messageCommand = 0x16
	cmdReadersStateArray messageCommand = 0x17
)

// result is a PC/SC return code as it travels.
type result uint32

const (
	scardOK                 result = 0
	scardCancelled          result = 0x80100002
	scardInvalidHandle      result = 0x80100003
	scardInsufficientBuffer result = 0x80100008
	scardUnknownReader      result = 0x80100009
	scardSharingViolation   result = 0x8010000b
	scardNoCard             result = 0x8010000c
	scardProtoMismatch      result = 0x8010000f
	scardInvalidValue       result = 0x80100011
	scardNotTransacted      result = 0x80100016
	scardServiceStopped     result = 0x8010001e
	scardUnsupported        result = 0x8010001f
	scardResetCard          result = 0x80100068
	scardRemovedCard        result = 0x80100069
)

const (
	shareExclusive = 1
	shareShared    = 2
	shareDirect    = 3

	protocolT0  = 1
	protocolT1  = 2
	protocolRaw = 4
	protocolAny = protocolT0 | protocolT1 | protocolRaw

	dispositionLeave   = 0
	dispositionReset   = 1
	dispositionUnpower = 2
	dispositionEject   = 3

	stateAbsent     = 0x02
	statePresent    = 0x04
	statePowered    = 0x10
	stateNegotiable = 0x20

	maxReaders    = 16
	readerNameLen = 128
	maxAPDU       = 65548 // longer ones end the connection
)

type header struct {
	Size    uint32 // of the message; data behind TRANSMIT and CONTROL is not counted
	Command messageCommand
}

type versionMessage struct {
	Major, Minor uint32
	Result       result // out
}

type establishMessage struct {
	Scope   uint32
	Context uint32 // out
	Result  result // out
}

type releaseMessage struct {
	Context uint32
	Result  result // out
}

type connectMessage struct {
	Context   uint32
	Reader    [readerNameLen]byte // NUL padded
	Share     uint32
	Protocols uint32 // the client's choice
	Handle    int32  // out
	Protocol  uint32 // out
	Result    result // out
}

type reconnectMessage struct {
	Handle         int32
	Share          uint32
	Protocols      uint32
	Initialization uint32
	Protocol       uint32 // out
	Result         result // out
}

type disconnectMessage struct {
	Handle      int32
	Disposition uint32
	Result      result // out
}

type beginMessage struct {
	Handle int32
	Result result // out
}

type endMessage struct {
	Handle      int32
	Disposition uint32
	Result      result // out
}

type transmitMessage struct {
	Handle       int32
	SendProtocol uint32
	SendLength   uint32 // of the PCI header, of no interest
	SendSize     uint32 // bytes of data behind the message
	RecvProtocol uint32
	RecvLength   uint32
	RecvSize     uint32 // in: what the client has room for; out: what follows the message
	Result       result // out
}

type controlMessage struct {
	Handle   int32
	Code     uint32
	SendSize uint32
	RecvSize uint32
	Returned uint32 // out
	Result   result // out
}

type statusMessage struct {
	Handle int32
	Result result // out
}

type cancelMessage struct {
	Context uint32 // the one that waits
	Result  result // out
}

type attributeMessage struct {
	Handle int32
	ID     uint32
	Value  [264]byte // out
	Size   uint32    // out
	Result result    // out
}

// waitMessage is the event that ends a wait, and the answer to STOP_WAITING.
type waitMessage struct {
	Timeout uint32 // always 0
	Result  result
}

// eventsMessage answers GET_READER_EVENTS.
type eventsMessage struct {
	Counter uint32
	Result  result
}

// readerState is one entry of the reader array; all zero for an empty place.
type readerState struct {
	Name     [readerNameLen]byte
	Events   uint32
	State    uint32
	Sharing  int32 // -1 exclusive, else the number of handles
	ATR      [33]byte
	_        [3]byte
	ATRSize  uint32
	Protocol uint32
}

// encodeMessage returns a message as it travels.
func encodeMessage(m any) []byte {
	b, err := binary.Append(nil, binary.NativeEndian, m)
	if err != nil {
		panic("encoding a message of our own: " + err.Error()) // only for types of no fixed size
	}
	return b
}

// decodeMessage fills m from body, which must have exactly its size.
func decodeMessage(body []byte, m any) bool {
	if len(body) != binary.Size(m) {
		return false
	}
	_, err := binary.Decode(body, binary.NativeEndian, m)
	return err == nil
}
