package engineio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// Kind is the type of a packet, as it is written.
type Kind byte

// The kinds of packets ("Protocol" of the specification).
const (
	KindOpen    Kind = '0'
	KindClose   Kind = '1'
	KindPing    Kind = '2'
	KindPong    Kind = '3'
	KindMessage Kind = '4'
	KindUpgrade Kind = '5'
	KindNoop    Kind = '6'
)

// Packet is one packet of a client. Data is a part of what was parsed, unless it was base64.
type Packet struct {
	Kind   Kind
	Data   []byte
	Binary bool // of messages only
}

// separator stands between the packets of a payload; it cannot occur in them, because JSON escapes it.
const separator = 0x1e

// errPacket is wrapped by every error of parsing.
var errPacket = errors.New("engineio: invalid packet")

// ParsePacket reads a text packet: its kind and its data, or "b" and a binary message in base64.
func ParsePacket(text []byte) (Packet, error) {
	switch {
	case len(text) == 0:
		return Packet{}, fmt.Errorf("%w: empty", errPacket)
	case text[0] == 'b':
		data := make([]byte, base64.StdEncoding.DecodedLen(len(text)-1))
		n, err := base64.StdEncoding.Strict().Decode(data, text[1:])
		if err != nil {
			return Packet{}, fmt.Errorf("%w: %w", errPacket, err)
		}
		return Packet{Kind: KindMessage, Data: data[:n], Binary: true}, nil
	case text[0] < '0' || text[0] > '6':
		return Packet{}, fmt.Errorf("%w: kind %q", errPacket, text[0])
	}
	return Packet{Kind: Kind(text[0]), Data: text[1:]}, nil
}

// ParsePayload reads the body of a POST request: packets with separators between them.
func ParsePayload(body []byte) ([]Packet, error) {
	packets := make([]Packet, 0, 1+bytes.Count(body, []byte{separator}))
	for more := true; more; {
		var text []byte
		text, body, more = bytes.Cut(body, []byte{separator})
		packet, err := ParsePacket(text)
		if err != nil {
			return nil, err
		}
		packets = append(packets, packet)
	}
	return packets, nil
}

// textFrame is the WebSocket frame of a text packet.
func textFrame(kind Kind, data []byte) []byte {
	return ws.Frame(ws.Text, append([]byte{byte(kind)}, data...))
}

// appendPayload appends to the body of an answer what the frames of a queue hold. A queue's frames are those of a
// WebSocket; a client that polls gets their content.
func appendPayload(body []byte, frames []byte) ([]byte, error) {
	for len(frames) > 0 {
		op, payload, rest, err := ws.Cut(frames)
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			body = append(body, separator)
		}
		if op == ws.Binary {
			body = base64.StdEncoding.AppendEncode(append(body, 'b'), payload)
		} else {
			body = append(body, payload...)
		}
		frames = rest
	}
	return body, nil
}
