package stdjson

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// color reads itself from text, as generated enums do.
type color string

func (c *color) UnmarshalText(text []byte) error {
	if s := string(text); s != "red" && s != "blue" {
		return errors.New("no color")
	}
	*c = color(text)
	return nil
}

// plain has a field of every kind that is read by compiled types.
type plain struct {
	Name     string           `json:"name"`
	Note     *string          `json:"note,omitzero"`
	Maybe    Optional[string] `json:"maybe,omitzero"`
	When     Optional[time.Time]
	Count    int                    `json:"count"`
	Small    int8                   `json:"small"`
	Ratio    float64                `json:"ratio"`
	Ratio32  float32                `json:"ratio32"`
	OK       bool                   `json:"ok"`
	At       time.Time              `json:"at"`
	Later    *time.Time             `json:"later"`
	ID       uuid.UUID              `json:"id"`
	Color    color                  `json:"color"`
	Status   status                 `json:"status"`
	Lines    []line                 `json:"lines"`
	Tags     []string               `json:"tags"`
	Points   map[string]int32       `json:"points"`
	Sections map[status][]*line     `json:"sections"`
	Inner    struct{ X, Y float64 } `json:"inner"`
	Empty    struct{}               `json:"empty"`
	Raw      jsontext.Value         `json:"raw"`
}

type line struct {
	Product  string  `json:"product"`
	Quantity int32   `json:"quantity"`
	Options  []color `json:"options"`
}

// plainValues are read by the compiled types; oddValues are not, whether they are good or bad.
var plainValues = []string{
	`{}`, ` { } `, `null`,
	`{"name":"a","count":1}`, "{\n\t\"count\" : -1 ,\r \"name\" : \"b\" }\n",
	`{"name":"thé 🎉","note":"","status":"x","color":"red"}`, `{"name":"a\"\\\/\b\f\n\r\t\u00e9\ud83c\udf89"}`,
	`{"name":null,"note":null,"maybe":null,"When":null,"count":null,"small":null,"ratio":null,"ratio32":null,"ok":null}`,
	`{"later":null,"lines":null,"tags":null,"points":null,"sections":null,"inner":null,"empty":null}`,
	`{"maybe":"m","When":"2025-11-08T15:30:00.5Z","at":"2025-11-08T15:30:00Z","later":"2024-02-29T23:59:59.123456789Z"}`,
	`{"count":-9223372036854775807,"small":-128,"ratio":-0,"ratio32":1.5e-3,"ok":true}`,
	`{"count":0,"small":127,"ratio":0.1,"ratio32":16777217,"ok":false}`, `{"count":-0,"ratio":1E+2}`,
	`{"id":"550e8400-e29b-41d4-a716-446655440000"}`, `{"id":"550E8400E29B41D4A716446655440000"}`,
	`{"lines":[]}`, `{"lines":[{},{"product":"p","quantity":2,"options":["red","blue"]}, {"options":[]}]}`,
	`{"tags":["1","2","3","4","5","6","7","8","9"]}`,
	`{"points":{}}`, `{"points":{"a":1,"":2,"é":3}}`, `{"sections":{"s":[{"quantity":1},null],"t":null,"u":[]}}`,
	`{"inner":{"X":1,"Y":2.5},"empty":{}}`, `{"raw": "\u0041é" }`, `{"raw":-1.50E+2}`, `{"raw":null}`, `{"raw":true,"name":"a"}`,
	`{"strange":1,"name":"a","other":"\u0041","third":null,"NAME":"b"}`, `{"a":true,"b":false,"c":-1.5e3,"d":null,"name":"x"}`,
}

var oddValues = []string{
	``, ` `, `{`, `}`, `[]`, `""`, `1`, `nul`, `{} {}`, `{}x`, `{"name"}`, `{"name":}`, `{"name":"a",}`, `{,"name":"a"}`, `{"name" "a"}`,
	`{"name":"a" "count":1}`, `{"name":"a"]`, `{name:"a"}`, `{'name':"a"}`, `{"name":"a","name":"a"}`, `{"x":1,"x":1}`,
	`{"n\u0061me":"a"}`, `{"a":1,"b":1,"c":1,"d":1,"e":1,"name":"x"}`, `{"x":{"y":[1]},"name":"a"}`, `{"x":[1,{"a":1,"a":2}]}`,
	"{\"name\":\"\xff\"}", "{\"na\xffme\":\"a\"}", "{\"name\":\"a\nb\"}", `{"name":"\x"}`, `{"name":"\ud83c"}`, `{"name":"\u12"}`, `{"name":"a`, `{"name":"\`,
	`{"name":1}`, `{"name":true}`, `{"name":[]}`, `{"count":"1"}`, `{"count":1.0}`, `{"count":1e2}`, `{"count":01}`, `{"count":-}`, `{"count":+1}`,
	`{"count":9223372036854775808}`, `{"count":-9223372036854775808}`, `{"count":99999999999999999999}`, `{"small":128}`, `{"small":-129}`, `{"count":1a}`,
	`{"ratio":1.}`, `{"ratio":.5}`, `{"ratio":1e}`, `{"ratio":1e999}`, `{"ratio32":1e39}`, `{"ratio":"1"}`, `{"ratio":NaN}`, `{"ok":1}`, `{"ok":tru}`, `{"ok":"true"}`,
	`{"at":"2025-11-08T15:30:00+01:00"}`, `{"at":"2025-11-08T15:30:00+25:00"}`, `{"at":"2025-11-08T1:30:00Z"}`, `{"at":"2025-11-08T15:30:00,5Z"}`,
	`{"at":"2025-13-08T15:30:00Z"}`, `{"at":"2025-11-08"}`, `{"at":""}`, `{"at":1}`, `{"at":"2025-11-08T15:30:60Z"}`, `{"at":"2025-11-08t15:30:00z"}`,
	`{"id":""}`, `{"id":"x"}`, `{"id":null}`, `{"color":"green"}`, `{"color":null}`, `{"color":1}`,
	`{"lines":{}}`, `{"lines":[}`, `{"lines":[{}`, `{"lines":[{},]}`, `{"lines":[,{}]}`, `{"lines":[null,{"quantity":"2"}]}`, `{"tags":["a" "b"]}`,
	`{"points":{"a":1,"a":2}}`, `{"points":[]}`, `{"points":{"a"}}`, `{"points":{"a":1.5}}`, `{"points":{"\u0061":1}}`, `{"empty":{"a":[]}}`,
	`{"note":{}}`, `{"maybe":1}`, `{"inner":{"X":1,"X":2}}`, `{"When":"x"}`, `{"raw":{ "a" : 1}}`, `{"raw":[]}`, `{"raw":01}`, `{"raw":}`, `{"raw":"\ud800"}`, `{"later":5}`,
}

// sameAsV2 holds what is read to what json v2 reads, and the errors too.
func sameAsV2[T any](t *testing.T, data []byte) {
	t.Helper()
	var got, want T
	err, wantErr := Unmarshal(data, &got), json.Unmarshal(data, &want)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("%s\n got %v\nwant %v", data, err, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %+v\nwant %+v", data, got, want)
	}
}

func TestUnmarshalAsV2(t *testing.T) {
	t.Parallel()
	for _, value := range plainValues {
		if !read([]byte(value), new(plain)) {
			t.Errorf("%s is left to json v2", value)
		}
		sameAsV2[plain](t, []byte(value))
	}
	for _, value := range oddValues {
		if read([]byte(value), new(plain)) {
			t.Errorf("%s is not left to json v2", value)
		}
		sameAsV2[plain](t, []byte(value))
	}
	for _, value := range []string{`"a"`, ` 1 `, `null`, `true`, `["a",null]`, `{"a":1}`, `x`, ``, `1.5`, `-`} {
		sameAsV2[string](t, []byte(value))
		sameAsV2[int](t, []byte(value))
		sameAsV2[float32](t, []byte(value))
		sameAsV2[bool](t, []byte(value))
		sameAsV2[*string](t, []byte(value))
		sameAsV2[[]string](t, []byte(value))
		sameAsV2[map[string]int](t, []byte(value))
		sameAsV2[any](t, []byte(value))
		sameAsV2[uint16](t, []byte(value))
		sameAsV2[Optional[int]](t, []byte(value))
	}
}

// What is beyond the compiled types is json v2's matter as a whole, and so is a value that holds something already.
func TestUnmarshalLeavesToV2(t *testing.T) {
	t.Parallel()
	for _, target := range []any{
		new(tree), new(odd), new(everything), new(any), new([]byte), new([2]int), new(time.Duration), new(map[color]int),
		new(map[int]int), new(**string), new(struct{ Meta }), new(chan int), new([]any), new(Optional[any]), new(struct {
			A int `json:"a,string"`
		}), &Meta{Page: 1}, (*Meta)(nil), Meta{}, nil,
	} {
		if read([]byte(`{}`), target) || read([]byte(`null`), target) {
			t.Errorf("%T was read", target)
		}
	}
	kept := plain{Count: 1, Points: map[string]int32{"a": 1}, Inner: struct{ X, Y float64 }{1, 2}}
	if err := Unmarshal([]byte(`{"name":"n","points":{"b":2},"inner":{"Y":3}}`), &kept); err != nil || kept.Count != 1 ||
		len(kept.Points) != 2 || kept.Inner.X != 1 || kept.Inner.Y != 3 {
		t.Errorf("got %+v, %v", kept, err)
	}
	if got := math.Signbit(func() float64 { var f float64; _ = Unmarshal([]byte("-0"), &f); return f }()); !got {
		t.Error("-0 lost its sign")
	}
}

// TestDecodeAllocates asserts that reading allocates for what it returns and nothing else.
func TestDecodeAllocates(t *testing.T) {
	data := []byte(`{"name":"n","lines":[{"product":"a","quantity":1},{"product":"b","quantity":2}],"count":5}`)
	var value plain
	allocated := testing.AllocsPerRun(100, func() {
		value = plain{}
		if err := Unmarshal(data, &value); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 4 { // three strings and a list
		t.Errorf("%v allocations", allocated)
	}
}

// FuzzUnmarshal reads anything with the compiled types and with json v2.
func FuzzUnmarshal(f *testing.F) {
	for _, value := range append(plainValues[:len(plainValues):len(plainValues)], oddValues...) {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameAsV2[plain](t, data) })
}
