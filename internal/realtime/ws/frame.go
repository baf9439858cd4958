package ws

import (
	"encoding/binary"
	"errors"
)

// Op is a frame's opcode (RFC 6455, section 11.8).
type Op byte

// The opcodes of messages; control frames are coder/websocket's matter.
const (
	Text   Op = 1
	Binary Op = 2
)

// maxHeader is the longest header of an unmasked frame.
const maxHeader = 10

// AppendHeader appends the header of a whole unmasked frame whose payload has size bytes.
func AppendHeader(dst []byte, op Op, size int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case size < 126:
		return append(dst, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(size))
	}
}

// Frame is a whole unmasked frame: what a server sends to every peer that gets this message.
func Frame(op Op, payload []byte) []byte {
	return append(AppendHeader(make([]byte, 0, maxHeader+len(payload)), op, len(payload)), payload...)
}

// errFrame is returned by Cut for bytes that AppendHeader did not write.
var errFrame = errors.New("ws: not a whole frame of a server")

// Cut takes the first frame off bytes that hold whole frames, as this package writes them.
func Cut(frames []byte) (op Op, payload, rest []byte, err error) {
	if len(frames) < 2 {
		return 0, nil, nil, errFrame
	}
	op = Op(frames[0] & 0x0f)
	size, start := uint64(frames[1]), 2
	switch size {
	case 126:
		start = 4
	case 127:
		start = 10
	}
	if len(frames) < start {
		return 0, nil, nil, errFrame
	}
	switch start {
	case 4:
		size = uint64(binary.BigEndian.Uint16(frames[2:]))
	case 10:
		size = binary.BigEndian.Uint64(frames[2:])
	}
	if size > uint64(len(frames)-start) {
		return 0, nil, nil, errFrame
	}
	end := start + int(size)
	return op, frames[start:end:end], frames[end:], nil
}
