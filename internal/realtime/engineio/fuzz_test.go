package engineio

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// FuzzParsePayload: what is accepted is written again as it was read, through the frames of a WebSocket.
func FuzzParsePayload(f *testing.F) {
	for _, body := range []string{"", "4hello", "4a\x1e4b", "2\x1e3", "bAQIDBA==", "4\x1eb", "b=", "6\x1e", "0{}\x1e1"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		packets, err := ParsePayload(body)
		if err != nil {
			if packets != nil {
				t.Fatalf("packets beside %v", err)
			}
			return
		}
		var frames []byte
		for _, p := range packets {
			if p.Binary {
				if p.Kind != KindMessage {
					t.Fatalf("binary %c", p.Kind)
				}
				frames = append(frames, ws.Frame(ws.Binary, p.Data)...)
				continue
			}
			frames = append(frames, textFrame(p.Kind, p.Data)...)
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
		p, err := ParsePacket(text)
		switch {
		case err != nil:
		case p.Binary:
			if got := base64.StdEncoding.EncodeToString(p.Data); len(got) > len(text)-1 {
				t.Fatalf("%q means %d bytes", text, len(p.Data))
			}
		case !bytes.Equal(append([]byte{byte(p.Kind)}, p.Data...), text):
			t.Fatalf("%q became %c %q", text, p.Kind, p.Data)
		}
	})
}
