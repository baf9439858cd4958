package dial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
)

// socketIO is a link of Socket.IO 5 on Engine.IO 4, without polling and without binary packets.
type socketIO struct {
	conn     *websocket.Conn
	patience time.Duration // longest silence of the server
}

// openSocketIO waits for the server's handshake and joins the main namespace.
func openSocketIO(ctx context.Context, conn *websocket.Conn, token, since string) (realtime.Link, error) {
	s := &socketIO{conn: conn, patience: 45 * time.Second}
	if err := s.open(ctx, token, since); err != nil {
		_ = conn.CloseNow() // it is of no use any more
		return nil, err
	}
	return s, nil
}

func (s *socketIO) open(ctx context.Context, token, since string) error {
	packet, err := s.read(ctx)
	if err != nil {
		return err
	}
	var handshake struct{ PingInterval, PingTimeout int } // milliseconds
	if len(packet) == 0 || packet[0] != '0' || json.Unmarshal(packet[1:], &handshake) != nil {
		return fmt.Errorf("dial: %.40q is no Engine.IO handshake", packet)
	}
	s.patience = time.Duration(handshake.PingInterval+handshake.PingTimeout) * time.Millisecond
	auth := map[string]string{}
	if token != "" {
		auth["token"] = token
	}
	if since != "" {
		auth["since"] = since
	}
	text, err := json.Marshal(auth)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	if err := s.conn.Write(ctx, websocket.MessageText, append([]byte("40"), text...)); err != nil {
		return err
	}
	if packet, err = s.read(ctx); err != nil {
		return err
	}
	if !bytes.HasPrefix(packet, []byte("40")) {
		return fmt.Errorf("dial: the server refused the connection: %.200s", packet)
	}
	return nil
}

func (*socketIO) Acks() bool { return true }

func (s *socketIO) Close() error { return s.conn.CloseNow() }

// Send writes an EVENT packet.
func (s *socketIO) Send(ctx context.Context, f *realtime.Frame) error {
	name, err := json.Marshal(f.Event)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	packet := []byte("42")
	if f.Ack > 0 {
		packet = strconv.AppendUint(packet, f.Ack, 10)
	}
	packet = append(append(packet, '['), name...)
	for _, arg := range f.Args {
		packet = append(append(packet, ','), arg...)
	}
	return s.conn.Write(ctx, websocket.MessageText, append(packet, ']'))
}

// Receive reads the next EVENT or ACK packet.
func (s *socketIO) Receive(ctx context.Context) (*realtime.Frame, error) {
	packet, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if len(packet) < 2 || packet[0] != '4' || packet[1] != '2' && packet[1] != '3' {
		return nil, fmt.Errorf("dial: the server ended the connection: %.200s", packet)
	}
	return parsePacket(packet)
}

// read is the next packet that is no ping, which it answers.
func (s *socketIO) read(ctx context.Context) ([]byte, error) {
	for {
		limited, cancel := context.WithTimeout(ctx, s.patience)
		_, packet, err := s.conn.Read(limited)
		cancel()
		if err != nil {
			return nil, err
		}
		if string(packet) != "2" {
			return packet, nil
		}
		if err := s.conn.Write(ctx, websocket.MessageText, []byte("3")); err != nil {
			return nil, err
		}
	}
}

var errPacket = errors.New("dial: malformed Socket.IO packet")

// parsePacket cuts an EVENT or ACK packet.
func parsePacket(packet []byte) (*realtime.Frame, error) {
	f := &realtime.Frame{}
	list := packet[2:]
	if digits := bytes.IndexByte(list, '['); digits > 0 {
		n, err := strconv.ParseUint(string(list[:digits]), 10, 64)
		if err != nil {
			return nil, errPacket
		}
		f.Ack, list = n, list[digits:]
	}
	var items []json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, errors.Join(errPacket, err)
	}
	if packet[1] == '2' {
		f.Ack = 0 // a server's event that wants an ack; the contracts have none
		if len(items) == 0 || json.Unmarshal(items[0], &f.Event) != nil {
			return nil, errPacket
		}
		items = items[1:]
	}
	for _, item := range items {
		f.Args = append(f.Args, item)
	}
	return f, nil
}
