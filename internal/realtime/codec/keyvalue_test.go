package codec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/codec"
)

// bad is how a command that cannot be read is written in these tests.
const bad = "?"

// readings are bytes and the commands that they are. A command in brackets needs silence behind the bytes.
var readings = []struct{ name, text, want string }{
	{"login", "LOGIN\napi-token:T\n", `LOGIN {"token":"T"}`},
	{"keys in any order", "SEND_MSG\nmessage-length:2\nreceiver-id:2\ntoken:T\ncontent:ab\n", `SEND_MSG {"token":"T","receiver":2,"content":"ab"}`},
	{"the document's key", "SEND_MSG\ntoken:T\nrecipient-id:2\nmessage-length:2\ncontent:ab\n", `SEND_MSG {"token":"T","receiver":2,"content":"ab"}`},
	{"CRLF and blank lines", "\r\n\nSEND_MSG\r\n\r\ntoken:T\r\nreceiver-id:2\r\n\nmessage-length:2\r\ncontent:ab\r\n", `SEND_MSG {"token":"T","receiver":2,"content":"ab"}`},
	{"no count", "UPDT_MSG\ntoken:T\nmessage-id:1\ncontent:a:b\n", `UPDT_MSG {"token":"T","message_id":1,"content":"a:b"}`},
	{"raw content", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:13\ncontent:a:b\nLOGIN\r\n\nc\n", `SEND_MSG {"token":"T","receiver":2,"content":"a:b\u000aLOGIN\u000d\u000a\u000ac"}`},
	{"counted in bytes", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:3\ncontent:éa\n", `SEND_MSG {"token":"T","receiver":2,"content":"éa"}`},
	{"counted in characters", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:24\ncontent:Bonjour, comment ça va ?\n", `SEND_MSG {"token":"T","receiver":2,"content":"Bonjour, comment ça va ?"}`},
	{"counted in characters, CRLF", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:2\ncontent:éa\r\n", `SEND_MSG {"token":"T","receiver":2,"content":"éa"}`},
	{"counted without line end", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:2\ncontent:ab", `(SEND_MSG {"token":"T","receiver":2,"content":"ab"})`},
	{"an optional key may come", "BLOCK_USER\ntoken:T\nuser-id:1\n", `(BLOCK_USER {"token":"T","user_id":1})`},
	{"all keys came", "BLOCK_USER\ntoken:T\nuser-id:1\nfor-user-id:2\n", `BLOCK_USER {"token":"T","user_id":1,"for_user_id":2}`},
	{"ended by the next name", "BLOCK_USER\ntoken:T\nuser-id:1\nDISCONNECTED\n", `BLOCK_USER {"token":"T","user_id":1} DISCONNECTED`},
	{"unknown keys", "DEL_MSG\ntoken:T\ncolour:red\nmessage-id:2\n", `DEL_MSG {"token":"T","message_id":2}`},
	{"a number that is none", "DEL_MSG\ntoken:T\nmessage-id:two\n", `DEL_MSG {"token":"T","message_id":"two"}`},
	{"signs and zeros", "DEL_MSG\ntoken:T\nmessage-id:+007\nDEL_MSG\ntoken:T\nmessage-id:-0\n", `DEL_MSG {"token":"T","message_id":7} DEL_MSG {"token":"T","message_id":0}`},
	{"quotes", "LOGIN\napi-token:\"\\\x01\n", `LOGIN {"token":"\"\\\u0001"}`},
	{"an empty value", "LOGIN\napi-token:\n", `LOGIN {"token":""}`},

	{"unknown name", "HELLO\nLOGIN\napi-token:T\n", bad + ` LOGIN {"token":"T"}`},
	{"garbage until a name", "HELLO\nkey:value\nmore\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"missing key before the next name", "SEND_MSG\ntoken:T\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"missing key before the content", "SEND_MSG\ntoken:T\nmessage-length:2\ncontent:ab\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a line that is no key", "DEL_MSG\ntoken:T\nwhat\nmessage-id:1\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a key twice", "DEL_MSG\ntoken:T\ntoken:U\nmessage-id:1\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a key by both names", "SEND_MSG\nreceiver-id:1\nrecipient-id:1\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a count that is none", "SEND_MSG\nmessage-length:many\ncontent:ab\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a count twice", "SEND_MSG\nmessage-length:2\nmessage-length:2\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a count that is too small", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:2\ncontent:abc\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"a count beyond the limit", "SEND_MSG\nmessage-length:100000\ncontent:ab\nDISCONNECTED\n", bad + " DISCONNECTED"},
	{"half a name", "LOG", "..."},
	{"half a command", "LOGIN\n", "..."},
	{"half a content", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:3\ncontent:ab", "..."},
	{"half a line end", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:2\ncontent:ab\r", "..."},
	{"half a character", "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:2\ncontent:a\xc3", "..."},
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, test := range readings {
		for _, chunk := range []int{1, 2, 7, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d at a time", test.name, chunk), func(t *testing.T) {
				t.Parallel()
				if got := readAll(t, test.text, chunk); got != test.want {
					t.Errorf("read %q\n got %s\nwant %s", test.text, got, test.want)
				}
			})
		}
	}
}

// TestReaderPipelined gives every reading that ends by itself to one reader.
func TestReaderPipelined(t *testing.T) {
	t.Parallel()
	var text, want []string
	for _, test := range readings {
		if strings.HasSuffix(test.want, ")") || test.want == "..." {
			continue
		}
		text, want = append(text, test.text), append(want, test.want)
	}
	for _, chunk := range []int{1, 3, 1 << 20} {
		if got := readAll(t, strings.Join(text, ""), chunk); got != strings.Join(want, " ") {
			t.Errorf("%d at a time\n got %s\nwant %s", chunk, got, strings.Join(want, " "))
		}
	}
}

// readAll reads the text in chunks and writes down what came: commands, in brackets the one that silence ended, and dots
// when something is left that is no command yet.
func readAll(t *testing.T, text string, chunk int) string {
	t.Helper()
	r := newCodec(t).NewReader(4096)
	var got []string
	need := codec.Nothing
	for len(text) > 0 {
		n := copy(r.Space(), text[:min(chunk, len(text))])
		r.Fill(n)
		text = text[n:]
		for {
			in, missing, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if need = missing; in == nil {
				break
			}
			got = append(got, show(in))
		}
	}
	switch in := r.Silence(); {
	case (in != nil) != (need == codec.Silence):
		t.Errorf("the reader needs %d, and silence gave %v", need, in)
	case in != nil:
		got = append(got, "("+show(in)+")")
	case need == codec.More:
		got = append(got, "...")
		if in := r.Expire(); in == nil || in.Event != "" {
			t.Errorf("giving up gave %v", in)
		}
	}
	return strings.Join(got, " ")
}

func show(in *realtime.Incoming) string {
	switch {
	case in.Event == "":
		return bad
	case len(in.Args) == 0:
		return in.Event
	}
	return in.Event + " " + string(in.Args[0])
}

func newCodec(t testing.TB) *codec.KeyValue {
	t.Helper()
	k, err := codec.NewKeyValue(events.Surface())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestReaderExpire: a command given up is one refusal, and what came behind it is read.
func TestReaderExpire(t *testing.T) {
	t.Parallel()
	r := newCodec(t).NewReader(4096)
	r.Fill(copy(r.Space(), "SEND_MSG\ntoken:T\nmessage-length:500\ncontent:a\nDISCONNECTED\n"))
	if in, need, err := r.Next(); in != nil || need != codec.More || err != nil {
		t.Fatal(in, need, err)
	}
	if in := r.Expire(); in == nil || in.Event != "" {
		t.Fatal(in)
	}
	if in, _, err := r.Next(); err != nil || in == nil || in.Event != "DISCONNECTED" {
		t.Fatal(in, err)
	}
	if in := r.Expire(); in != nil {
		t.Error("nothing has begun, and giving up gave", in)
	}
}

func TestReaderTooLong(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"", "HELLO\n", "LOGIN\napi-token:", "SEND_MSG\nmessage-length:4000\ncontent:"} {
		r := newCodec(t).NewReader(1000)
		r.Fill(copy(r.Space(), head))
		var err error
		read := 0
		for ; err == nil && read < 5000; _, _, err = r.Next() {
			n := copy(r.Space(), strings.Repeat("x", 100))
			r.Fill(n)
			read += n
		}
		if !errors.Is(err, codec.ErrTooLong) || read > 1200 {
			t.Errorf("%q: after %d bytes: %v", head, read, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	text := realtime.Field{Keys: []string{"text"}, Name: "t", Wires: realtime.AllWires}
	hidden := realtime.Field{Keys: []string{"h"}, Name: "h", Wires: realtime.WireCommand}
	number := realtime.Field{Keys: []string{"message-id"}, Name: "n", Wires: realtime.WireKeyValue, Kind: realtime.Integer}
	content := realtime.Field{Keys: []string{"content"}, Name: "c", Wires: realtime.AllWires}
	shape := &realtime.Shape{Fields: []realtime.Field{text, hidden, number, content}}
	for _, test := range []struct {
		name string
		m    *realtime.Message
		want string
	}{
		{"without payload", &realtime.Message{Status: "200/OK"}, "200/OK\n"},
		{"members", &realtime.Message{Status: "200/OK", Shape: shape, Payload: []byte(`{"h":"x","c":"a:\nb","t":"dé\u0041","n":12}`)}, "200/OK\ntext:déA\nmessage-id:12\ncontent:a:\nb\n"},
		{"no empty value", &realtime.Message{Status: "200/OK", Shape: shape, Payload: []byte(`{"h":"x","c":"","t":null}`)}, "200/OK\n"},
		{"line ends only at the end", &realtime.Message{Status: "200/OK", Shape: shape, Payload: []byte(`{"t":"a\r\nb"}`)}, "200/OK\ntext:a  b\n"},
		{
			"status in the payload",
			&realtime.Message{Shape: &realtime.Shape{Status: "t", Fields: shape.Fields}, Payload: []byte(`{"t":"403/DENIED","c":"no"}`)},
			"403/DENIED\ncontent:no\n",
		},
	} {
		got, err := newCodec(t).Answer(test.m)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	if _, err := newCodec(t).Answer(&realtime.Message{Shape: shape, Payload: []byte(`[]`)}); err == nil {
		t.Error("a list has become an answer")
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	got, err := newCodec(t).Request(&realtime.Incoming{Event: "SEND_MSG", Args: [][]byte{[]byte(`{"content":"é\nb","receiver":2,"token":"T"}`)}})
	if want := "SEND_MSG\ntoken:T\nreceiver-id:2\nmessage-length:4\ncontent:é\nb\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := newCodec(t).Request(&realtime.Incoming{Event: "LOGIN", Args: [][]byte{[]byte(`{"token":"a\nb"}`)}}); err == nil {
		t.Error("a line end has become a value")
	}
	if _, err := newCodec(t).Request(&realtime.Incoming{Event: "HELLO"}); err == nil {
		t.Error("an unknown command was written")
	}
}

func TestNewKeyValueRefuses(t *testing.T) {
	t.Parallel()
	raw := realtime.Field{Name: "a", Keys: []string{"a"}, Wires: realtime.AllWires, Length: "a-length"}
	for name, fields := range map[string][]realtime.Field{
		"a raw member that is not last": {raw, {Name: "b", Keys: []string{"b"}, Wires: realtime.AllWires}},
		"a key with a colon":            {{Name: "b", Keys: []string{"b:c"}, Wires: realtime.AllWires}},
		"too many members":              make([]realtime.Field, 0),
	} {
		for i := 0; len(fields) == 0 && i == 0; {
			for i < 65 {
				fields = append(fields, realtime.Field{Name: fmt.Sprint("f", i), Keys: []string{fmt.Sprint("f", i)}, Wires: realtime.AllWires})
				i++
			}
		}
		surface := &realtime.Surface{Commands: map[string]*realtime.Command{"X": {Event: "X", Shape: &realtime.Shape{Fields: fields}}}}
		if _, err := codec.NewKeyValue(surface); err == nil {
			t.Error("accepted:", name)
		}
	}
}

// FuzzReader: whatever arrives, in whatever pieces, gives the same commands; and what parses re-encodes to the same command.
func FuzzReader(f *testing.F) {
	for i, test := range readings {
		f.Add([]byte(test.text), uint8(i))
	}
	k := newCodec(f)
	f.Fuzz(func(t *testing.T, text []byte, chunk uint8) {
		whole, pieces := k.NewReader(1000), k.NewReader(1000)
		commands := drain(whole, text, len(text)+1)
		again := drain(pieces, text, int(chunk)+1)
		if len(commands) != len(again) {
			t.Fatalf("%d commands at once, %d in pieces of %d", len(commands), len(again), chunk+1)
		}
		for i, in := range commands {
			if show(in) != show(again[i]) {
				t.Fatalf("at once %s, in pieces of %d %s", show(in), chunk+1, show(again[i]))
			}
			if in.Event != "" && utf8.ValidString(show(in)) { // else its payload is no JSON, which validators refuse
				recode(t, k, in)
			}
		}
	})
}

// drain reads everything; the last command may need silence.
func drain(r *codec.Reader, text []byte, chunk int) []*realtime.Incoming {
	var got []*realtime.Incoming
	for len(text) > 0 {
		n := copy(r.Space(), text[:min(chunk, len(text))])
		r.Fill(n)
		text = text[n:]
		for {
			in, _, err := r.Next()
			if err != nil {
				return got
			}
			if in == nil {
				break
			}
			got = append(got, in)
		}
	}
	if in := r.Silence(); in != nil {
		got = append(got, in)
	}
	return got
}

func recode(t *testing.T, k *codec.KeyValue, in *realtime.Incoming) {
	t.Helper()
	text, err := k.Request(in)
	if err != nil {
		return // the values of Incoming are JSON: a CR within a line has no text form of its own
	}
	r := k.NewReader(1 << 20)
	got := drain(r, text, len(text))
	if len(got) != 1 || show(got[0]) != show(in) {
		t.Fatalf("%s was written as %q, which is read as %d commands", show(in), text, len(got))
	}
}
