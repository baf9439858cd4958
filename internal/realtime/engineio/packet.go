package engineio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// kind is the type of a packet, as it is written.
type kind byte

// The kinds of packets ("Protocol" of the specification).
const (
	kindOpen    kind = '0'
	kindClose   kind = '1'
	kindPing    kind = '2'
	kindPong    kind = '3'
	kindMessage kind = '4'
	kindUpgrade kind = '5'
	kindNoop    kind = '6'
)

// packet is one packet of a client. data is a part of what was parsed, unless it was base64.
type packet struct {
	kind   kind
	data   []byte
	binary bool // of messages only
}

// separator stands between the packets of a payload; it cannot occur in them, because JSON escapes it.
const separator = 0x1e

// errPacket is wrapped by every error of parsing.
var errPacket = errors.New("engineio: invalid packet")

// parsePacket reads a text packet: its kind and its data, or "b" and a binary message in base64.
func parsePacket(text []byte) (packet, error) {
	switch {
	case len(text) == 0:
		return packet{}, fmt.Errorf("%w: empty", errPacket)
	case text[0] == 'b':
		data := make([]byte, base64.StdEncoding.DecodedLen(len(text)-1))
		n, err := base64.StdEncoding.Strict().Decode(data, text[1:])
		if err != nil {
			return packet{}, fmt.Errorf("%w: %w", errPacket, err)
		}
		return packet{kind: kindMessage, data: data[:n], binary: true}, nil
	case text[0] < '0' || text[0] > '6':
		return packet{}, fmt.Errorf("%w: kind %q", errPacket, text[0])
	}
	return packet{kind: kind(text[0]), data: text[1:]}, nil
}

// packets are those of a POST request's body, with separators between them. After an error there are no more.
func packets(body []byte) iter.Seq2[packet, error] {
	return func(yield func(packet, error) bool) {
		for more := true; more; {
			var text []byte
			text, body, more = bytes.Cut(body, []byte{separator})
			p, err := parsePacket(text)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// textFrame is the WebSocket frame of a text packet.
func textFrame(k kind, data []byte) []byte {
	return ws.Frame(ws.Text, append([]byte{byte(k)}, data...))
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
