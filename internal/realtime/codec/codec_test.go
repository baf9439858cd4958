package codec_test

import (
	"errors"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/codec"
)

var (
	envelopeServer = realtime.Server{Name: "e", Wire: realtime.WireEnvelope, EventMember: "type", PayloadMember: "data", IDMember: "id"}
	commandServer  = realtime.Server{Name: "c", Wire: realtime.WireCommand, EventMember: "command"}
)

func jsonCodec(t testing.TB, server realtime.Server) codec.Codec {
	t.Helper()
	c, err := codec.New(server)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, server := range []realtime.Server{
		{Wire: realtime.WireSocketIO, EventMember: "type", PayloadMember: "data"}, {Wire: realtime.WireKeyValue, EventMember: "x"},
		{Wire: realtime.WireEnvelope, EventMember: "type"}, {Wire: realtime.WireEnvelope, PayloadMember: "data"}, {Wire: realtime.WireCommand},
	} {
		if _, err := codec.New(server); err == nil {
			t.Errorf("%+v has a codec", server)
		}
	}
}

// TestDecode: none is the payload of a frame without one.
func TestDecode(t *testing.T) {
	t.Parallel()
	const none = "none"
	for _, c := range []struct {
		server                realtime.Server
		frame, event, payload string
	}{
		{envelopeServer, `{"type":"ping"}`, "ping", none},
		{envelopeServer, `{"type":"ping","data":null}`, "ping", "null"},
		{envelopeServer, ` { "x" : [1,{"type":2}] , "data" : {"a": "}\"]"} , "type" : "p" , "y" : -1.5e3 } `, "p", `{"a": "}\"]"}`},
		{envelopeServer, `{"type":"caf\u00e9 \"x\"","data":"\\"}`, `café "x"`, `"\\"`},
		{envelopeServer, `{"\u0074ype":"p","data":1}`, "p", "1"},
		{envelopeServer, `{"Type":"no","type":"p","DATA":2}`, "p", none},
		{envelopeServer, `{"type":"","data":false}`, "", "false"},
		{commandServer, `{"command":"DISCONNECTED"}`, "DISCONNECTED", `{}`},
		{commandServer, `{"command":"LOGIN","token":"t"}`, "LOGIN", `{"token":"t"}`},
		{commandServer, ` {"a" : [1, 2] , "command": "X", "b":{"command":"Y"}} `, "X", `{"a" : [1, 2],"b":{"command":"Y"}}`},
		{commandServer, `{"a":1,"a":2,"command":"X"}`, "X", `{"a":1,"a":2}`}, // the contract refuses it
	} {
		in, err := jsonCodec(t, c.server).Decode([]byte(c.frame))
		if err != nil {
			t.Errorf("%s: %v", c.frame, err)
			continue
		}
		payload := none
		if len(in.Args) == 1 {
			payload = string(in.Args[0])
		}
		if in.Event != c.event || payload != c.payload || !in.WantsReply {
			t.Errorf("%s became %q with %s", c.frame, in.Event, payload)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for server, frames := range map[*realtime.Server][]string{
		&envelopeServer: {
			``, ` `, `null`, `[]`, `"type"`, `1`, `{`, `{}`, `{"type":1}`, `{"type":null}`, `{"type":["p"]}`, `{"data":1}`,
			`{"type":"a","type":"b"}`, `{"type":"a","type":1}`, `{"type":"a","\u0074ype":"b"}`, `{"type":"a","data":1,"data":2}`,
			`{"type":"a"}{"type":"b"}`, `{"type":"a",}`, `{'type':'a'}`, `{"type":"a"`, `{type:"a"}`, "{\"type\":\"a\x01\"}",
		},
		&commandServer: {``, `{}`, `[]`, `{"command":1}`, `{"command":"a","command":"b"}`, `{"token":"t"}`, `{"command":"a",,}`},
	} {
		c := jsonCodec(t, *server)
		for _, frame := range frames {
			if in, err := c.Decode([]byte(frame)); !errors.Is(err, codec.ErrMalformed) {
				t.Errorf("%s became %+v, %v", frame, in, err)
			}
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	shape := &realtime.Shape{Fields: []realtime.Field{
		{Name: "text", Wires: realtime.WireKeyValue}, {Name: "status", Wires: realtime.WireCommand}, {Name: "both", Wires: realtime.AllWires},
	}}
	nameless := envelopeServer
	nameless.IDMember = ""
	ask := &realtime.Incoming{Event: "ASK"}
	for _, c := range []struct {
		server        realtime.Server
		m             *realtime.Message
		event, answer string
	}{
		{envelopeServer, &realtime.Message{Event: "pong"}, `{"type":"pong"}`, `{"type":"pong"}`},
		{
			envelopeServer, &realtime.Message{Event: "e", Payload: []byte(`{"a":1}`), ID: "x:1"},
			`{"type":"e","data":{"a":1},"id":"x:1"}`, `{"type":"e","data":{"a":1},"id":"x:1"}`,
		},
		{nameless, &realtime.Message{Event: "e", ID: "x:1"}, `{"type":"e"}`, `{"type":"e"}`},
		{envelopeServer, &realtime.Message{Event: "é\"\n"}, `{"type":"é\"\n"}`, `{"type":"é\"\n"}`},
		{commandServer, &realtime.Message{Event: "done"}, `{"command":"done"}`, `{"command":"ASK"}`},
		{commandServer, &realtime.Message{Event: "done", Payload: []byte(`{}`)}, `{"command":"done"}`, `{"command":"ASK"}`},
		{
			commandServer, &realtime.Message{Event: "done", Payload: []byte(`{ "text":"t" , "status":"200/OK","both":[{}], "other":1}`), Shape: shape},
			`{"command":"done","status":"200/OK","both":[{}],"other":1}`, `{"command":"ASK","status":"200/OK","both":[{}],"other":1}`,
		},
		{commandServer, &realtime.Message{Event: "done", Payload: []byte(`{"command":"mine","a":1}`)}, `{"command":"done","a":1}`, `{"command":"ASK","a":1}`},
	} {
		codec := jsonCodec(t, c.server)
		if got := string(codec.AppendEvent([]byte("> "), c.m)); got != "> "+c.event {
			t.Errorf("the event is %s, not %s", got, c.event)
		}
		if got := string(codec.AppendAnswer([]byte("> "), ask, c.m)); got != "> "+c.answer {
			t.Errorf("the answer is %s, not %s", got, c.answer)
		}
	}
}
