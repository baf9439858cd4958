package socketio

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzParsePacket: what is accepted and written again means the same.
func FuzzParsePacket(f *testing.F) {
	for _, text := range []string{
		"", "0", `0{"token":"x"}`, "0/admin,", "1", "1/admin", `2["a"]`, `2/admin,12["a",1,{"b":[null]}]`, `2[5,"x"]`, `31["x"]`, `3/a,0[]`,
		`52-/a,7["a",{"_placeholder":true,"num":0},{"num":1,"_placeholder":true}]`, `61-3[{"_placeholder":true,"num":0}]`, `2[ "\ud83d\ude00" , "]," ]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePacket(text, 10)
		if err != nil {
			return
		}
		again := appendHead(nil, p.kind, p.namespace, p.id, p.hasID, p.attachments)
		switch p.kind {
		case kindConnect:
			again = append(again, p.auth...)
		case kindEvent, kindBinaryEvent:
			again = appendEvent(again, p.event)
			for _, arg := range p.args {
				again = append(append(again, ','), arg...)
			}
			again = append(again, ']')
		case kindAck, kindBinaryAck:
			again = append(append(append(again, '['), bytes.Join(p.args, []byte{','})...), ']')
		}
		q, err := parsePacket(again[1:], 10)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
		if q.kind != p.kind || q.namespace != p.namespace || q.id != p.id || q.hasID != p.hasID || q.event != p.event ||
			q.attachments != p.attachments || !bytes.Equal(q.auth, p.auth) || !equal(q.args, p.args) {
			t.Fatalf("%q means %+v, but %q means %+v", text, p, again, q)
		}
		for _, arg := range p.args {
			if !json.Valid(arg) {
				t.Fatalf("%q has the argument %q", text, arg)
			}
		}
		_ = checkPlaceholders(p.args, p.attachments) // of any arguments, without panic
	})
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// FuzzArgs: decoding arguments never panics, and attachments are found where they are.
func FuzzArgs(f *testing.F) {
	f.Add([]byte(`[{"_placeholder":true,"num":0},"AQI=",{"a":[{"num":1,"_placeholder":true}]}]`), []byte("data"))
	f.Add([]byte(`[{"_placeholder":true,"_placeholder":false,"num":0}]`), []byte(""))
	f.Fuzz(func(t *testing.T, text, data []byte) {
		items, err := splitArray(text)
		if err != nil {
			return
		}
		args := Args{items, [][]byte{data, data}}
		for i := range items {
			var body []byte
			var tree any
			one := Args{items[i : i+1], args.attachments}
			if err := one.Decode(&body); err == nil && checkPlaceholders(one.items, 1) == nil && !bytes.Equal(body, data) {
				t.Fatalf("%q is %q, not the attachment", items[i], body)
			}
			_ = one.Decode(&tree) // duplicate members are an error
		}
	})
}
