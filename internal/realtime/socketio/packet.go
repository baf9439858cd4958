package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// kind is the type of a packet, as it is written.
type kind byte

// The kinds of packets ("Exchange protocol" of the specification).
const (
	kindConnect      kind = '0'
	kindDisconnect   kind = '1'
	kindEvent        kind = '2'
	kindAck          kind = '3'
	kindConnectError kind = '4'
	kindBinaryEvent  kind = '5'
	kindBinaryAck    kind = '6'
)

// binary reports whether attachments follow.
func (k kind) binary() bool { return k == kindBinaryEvent || k == kindBinaryAck }

// packet is one packet of a client. Its bytes are parts of what was parsed.
type packet struct {
	kind        kind
	namespace   string
	id          uint64 // of the acknowledgement, if hasID
	hasID       bool
	attachments int      // that follow
	auth        []byte   // of CONNECT: a JSON object, nil if there is none
	event       string   // of events
	args        [][]byte // of events and acks, each one JSON value
}

// errPacket is wrapped by every error of parsing.
var errPacket = errors.New("socketio: invalid packet")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errPacket, fmt.Sprintf(format, args...))
}

// mainNamespace is the one whose name is not written.
const mainNamespace = "/"

// maxNamespace is how many bytes the name of a namespace that a client asks for may have.
const maxNamespace = 128

// parsePacket reads a packet without its attachments, of which it may announce so many ("Packet encoding" of the
// specification).
func parsePacket(text []byte, maxAttachments int) (packet, error) {
	if len(text) == 0 || text[0] < '0' || text[0] > '6' {
		return packet{}, malformed("kind of %.20q", text)
	}
	p := packet{kind: kind(text[0]), namespace: mainNamespace}
	text = text[1:]
	if p.kind.binary() {
		digits, rest, ok := bytes.Cut(text, []byte{'-'})
		n, err := strconv.ParseUint(string(digits), 10, 16)
		if !ok || err != nil || n == 0 || n > uint64(maxAttachments) {
			return packet{}, malformed("attachments of %.20q", text)
		}
		p.attachments, text = int(n), rest
	}
	if len(text) > 0 && text[0] == '/' {
		var name []byte
		name, text, _ = bytes.Cut(text, []byte{','})
		if len(name) > maxNamespace { // it would be sent back
			return packet{}, malformed("namespace of %d bytes", len(name))
		}
		p.namespace = string(name)
	}
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		id, err := strconv.ParseUint(string(text[:digits]), 10, 64)
		if err != nil {
			return packet{}, malformed("id %.40q", text[:digits])
		}
		p.id, p.hasID, text = id, true, text[digits:]
	}
	return p, p.parsePayload(text)
}

// parsePayload reads what the kind asks for.
func (p *packet) parsePayload(text []byte) error {
	switch p.kind {
	case kindConnect:
		if len(text) == 0 {
			return nil
		}
		if text[0] != '{' || !json.Valid(text) {
			return malformed("auth is no object: %.40q", text)
		}
		p.auth = text
		return nil
	case kindDisconnect:
		if len(text) > 0 {
			return malformed("DISCONNECT with %.40q", text)
		}
		return nil
	case kindConnectError:
		return malformed("CONNECT_ERROR is the server's")
	}
	args, err := splitArray(text)
	if err != nil {
		return err
	}
	p.args = args
	if p.kind == kindAck || p.kind == kindBinaryAck {
		if !p.hasID {
			return malformed("ACK without id")
		}
		return nil
	}
	return p.takeEvent()
}

// takeEvent takes the event's name off the arguments: a text, or a number, which then is its name.
func (p *packet) takeEvent() error {
	if len(p.args) == 0 {
		return malformed("event without name")
	}
	name := p.args[0]
	switch {
	case name[0] == '"':
		if err := json.Unmarshal(name, &p.event); err != nil {
			return malformed("event: %v", err)
		}
	case name[0] == '-' || name[0] >= '0' && name[0] <= '9':
		p.event = string(name)
	default:
		return malformed("event %.40q", name)
	}
	if isReserved(p.event) {
		return malformed("event %q is reserved", p.event)
	}
	p.args = p.args[1:]
	return nil
}

// isReserved reports whether a name means something to libraries of Socket.IO, which refuse to send it.
func isReserved(event string) bool {
	return slices.Contains([]string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}, event)
}

// splitArray cuts a JSON array into its items, which are parts of it.
func splitArray(text []byte) ([][]byte, error) {
	if !json.Valid(text) {
		return nil, malformed("no JSON: %.40q", text)
	}
	text = bytes.Trim(text, " \t\r\n")
	if text[0] != '[' {
		return nil, malformed("no array: %.40q", text)
	}
	var items [][]byte
	depth, start := 0, 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if last := depth == 0; last || depth == 1 && text[i] == ',' {
			item := bytes.Trim(text[start:i], " \t\r\n")
			if len(item) > 0 { // it is nothing in an empty array only
				items = append(items, item)
			}
			start = i + 1
		}
	}
	return items, nil
}

// appendHead appends Engine.IO's mark of a message and what stands before the payload.
func appendHead(text []byte, k kind, namespace string, id uint64, hasID bool, attachments int) []byte {
	text = append(text, '4', byte(k))
	if k.binary() {
		text = append(strconv.AppendInt(text, int64(attachments), 10), '-')
	}
	if namespace != mainNamespace {
		text = append(append(text, namespace...), ',')
	}
	if hasID {
		text = strconv.AppendUint(text, id, 10)
	}
	return text
}

// appendEvent appends the payload of an event without its end, to which arguments are appended.
func appendEvent(text []byte, event string) []byte {
	text = append(text, '[')
	if strings.ContainsFunc(event, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == '\uFFFD' }) {
		name, err := json.Marshal(event)
		if err != nil {
			panic(err) // a text always has a JSON form
		}
		return append(text, name...)
	}
	return append(append(append(text, '"'), event...), '"')
}

// frames is a packet with its attachments as it is sent.
func frames(text []byte, attachments [][]byte) []byte {
	frame := ws.Frame(ws.Text, text)
	for _, a := range attachments {
		frame = append(ws.AppendHeader(frame, ws.Binary, len(a)), a...)
	}
	return frame
}
