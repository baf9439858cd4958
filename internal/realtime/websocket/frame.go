package websocket

import (
	"encoding/binary"

	"github.com/guichet-api/guichet/internal/realtime"
)

// First bytes of final frames (RFC 6455, 5.2).
const (
	opText  = 0x81
	opClose = 0x88
	opPing  = 0x89
)

// maxHeader is the longest header of a frame without mask.
const maxHeader = 10

// ping is an empty ping.
var ping = []byte{opPing, 0}

// codes are the close codes of the reasons.
var codes = map[realtime.Reason]uint16{
	realtime.ReasonNormal: 1000, realtime.ReasonGoingAway: 1001, realtime.ReasonProtocol: 1002, realtime.ReasonInvalid: 1007,
	realtime.ReasonPolicy: 1008, realtime.ReasonTooBig: 1009, realtime.ReasonFailure: 1011, realtime.ReasonSlow: 1013,
}

// unsupported is the close code for binary messages.
const unsupported = 1003

// frame writes a text message, whose payload appendPayload appends, as one frame.
func frame(appendPayload func([]byte) []byte) []byte {
	text := appendPayload(make([]byte, maxHeader, 512))
	size := len(text) - maxHeader
	start := maxHeader
	switch {
	case size <= 125:
		start -= 2
		text[start+1] = byte(size)
	case size <= 0xffff:
		start -= 4
		text[start+1] = 126
		binary.BigEndian.PutUint16(text[start+2:], uint16(size))
	default:
		start -= 10
		text[start+1] = 127
		binary.BigEndian.PutUint64(text[start+2:], uint64(size))
	}
	text[start] = opText
	return text[start:]
}

// closeFrame is a close frame; the text is shorter than 124 bytes.
func closeFrame(code uint16, text string) []byte {
	f := append(make([]byte, 0, 4+len(text)), opClose, byte(2+len(text)))
	f = binary.BigEndian.AppendUint16(f, code)
	return append(f, text...)
}
