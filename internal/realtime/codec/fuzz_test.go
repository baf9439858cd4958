package codec_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/guichet-api/guichet/internal/realtime"
)

// decoded is a frame as encoding/json sees it; ok is false for what is no message.
func decoded(frame []byte, server realtime.Server) (event string, payload any, ok bool) {
	var members map[string]any
	if json.Unmarshal(frame, &members) != nil || members == nil {
		return "", nil, false
	}
	event, ok = members[server.EventMember].(string)
	if server.Wire == realtime.WireCommand {
		delete(members, server.EventMember)
		return event, members, ok
	}
	return event, members[server.PayloadMember], ok
}

// FuzzDecode holds both codecs against encoding/json, and what they decode encodes to a frame that decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ping"}`, `{"type":"e","data":{"a":[1,"}"]},"id":"x:1"}`, ` {"data" : null , "type":"\u00e9\\"} `, `{"command":"LOGIN","token":"t"}`,
		`{"command":"X","a":{"command":1},"b":[{}]}`, `{"type":1}`, `[{}]`, `{"a":"\"","type":"b"}`, `{"type":"a","type":"b"}`, `{"type":"a","data":-1.5e+3}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if !utf8.Valid(frame) { // the wire refuses it
			return
		}
		for _, server := range []realtime.Server{envelopeServer, commandServer} {
			c := jsonCodec(t, server)
			in, err := c.Decode(frame)
			event, payload, ok := decoded(frame, server)
			if err != nil {
				if ok && !duplicates(frame, server) {
					t.Errorf("%s: %v", frame, err)
				}
				continue
			}
			if !ok || in.Event != event || !reflect.DeepEqual(value(t, in), payload) {
				t.Errorf("%s became %q with %v, not %q with %v", frame, in.Event, value(t, in), event, payload)
			}
			again := &realtime.Message{Event: in.Event}
			if len(in.Args) > 0 {
				again.Payload = in.Args[0]
			}
			text := c.AppendEvent(nil, again)
			back, err := c.Decode(text)
			if err != nil || back.Event != in.Event || !reflect.DeepEqual(value(t, back), value(t, in)) || len(back.Args) != len(in.Args) {
				t.Errorf("%s was written as %s, which is %+v, %v", frame, text, back, err)
			}
		}
	})
}

// value is the payload, nil if there is none.
func value(t *testing.T, in *realtime.Incoming) (v any) {
	t.Helper()
	if len(in.Args) == 0 {
		return nil
	}
	if err := json.Unmarshal(in.Args[0], &v); err != nil {
		t.Errorf("%s: %v", in.Args[0], err)
	}
	return v
}

// duplicates reports whether a frame has one of the codec's members twice.
func duplicates(frame []byte, server realtime.Server) bool {
	counts := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(frame))
	depth, name := 0, true
	for {
		token, err := d.Token()
		if err != nil {
			return counts[server.EventMember] > 1 || counts[server.PayloadMember] > 1 && server.PayloadMember != ""
		}
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				depth++
			} else {
				depth--
			}
			name = depth == 1
		case string:
			if depth == 1 && name {
				counts[token]++
			}
			name = depth == 1 && !name
		default:
			name = depth == 1
		}
	}
}
