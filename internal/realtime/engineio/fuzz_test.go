package engineio

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// FuzzPackets: what is accepted is written again as it was read, through the frames of a WebSocket.
func FuzzPackets(f *testing.F) {
	for _, body := range []string{"", "4hello", "4a\x1e4b", "2\x1e3", "bAQIDBA==", "4\x1eb", "b=", "6\x1e", "0{}\x1e1"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var read []packet
		for p, err := range packets(body) {
			if err != nil {
				return
			}
			read = append(read, p)
		}
		var frames []byte
		for _, p := range read {
			if p.binary {
				if p.kind != kindMessage {
					t.Fatalf("binary %c", p.kind)
				}
				frames = append(frames, ws.Frame(ws.Binary, p.data)...)
				continue
			}
			frames = append(frames, textFrame(p.kind, p.data)...)
		}
		again, err := appendPayload(nil, frames)
		if err != nil {
			t.Fatal(err)
		}
		// Line breaks are all that base64 forgives.
		if want := bytes.NewBuffer(nil); !bytes.Equal(again, body) {
			for i, text := range bytes.Split(body, []byte{separator}) {
				if i > 0 {
					want.WriteByte(separator)
				}
				if text[0] == 'b' {
					text = bytes.Map(func(r rune) rune {
						if r == '\r' || r == '\n' {
							return -1
						}
						return r
					}, text)
				}
				want.Write(text)
			}
			if !bytes.Equal(again, want.Bytes()) {
				t.Fatalf("%q became %q", body, again)
			}
		}
	})
}

// FuzzParsePacket: a packet is its kind and its data, whatever the data is.
func FuzzParsePacket(f *testing.F) {
	for _, text := range []string{"", "4", "4hello", "b", "bAQ==", "7", "2probe"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePacket(text)
		switch {
		case err != nil:
		case p.binary:
			if got := base64.StdEncoding.EncodeToString(p.data); len(got) > len(text)-1 {
				t.Fatalf("%q means %d bytes", text, len(p.data))
			}
		case !bytes.Equal(append([]byte{byte(p.kind)}, p.data...), text):
			t.Fatalf("%q became %c %q", text, p.kind, p.data)
		}
	})
}

// TestManyPackets: reading a body takes no memory of its own, however many packets it is cut into.
func TestManyPackets(t *testing.T) {
	body := bytes.TrimSuffix(bytes.Repeat([]byte{byte(kindNoop), separator}, 10_000), []byte{separator})
	count := 0
	allocations := testing.AllocsPerRun(1, func() {
		for _, err := range packets(body) {
			if count++; err != nil {
				t.Fatal(err)
			}
		}
	})
	if count != 20_000 || allocations > 10 {
		t.Errorf("%d packets in two runs, %v allocations in one", count, allocations)
	}
}
