package websocket

import (
	"encoding/binary"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// Opcodes of control frames (RFC 6455, 11.8).
const (
	opClose ws.Op = 8
	opPing  ws.Op = 9
)

// closeFrame is a close frame; the text is shorter than 124 bytes.
func closeFrame(code websocket.StatusCode, text string) []byte {
	return ws.Frame(opClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), text...))
}

// isClose reports whether a frame is a close frame.
func isClose(frame []byte) bool { return ws.Op(frame[0]&0x0f) == opClose }
