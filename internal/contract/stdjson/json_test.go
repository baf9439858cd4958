package stdjson

import (
	"bytes"
	stdlib "encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"
	openapi_types "github.com/oapi-codegen/runtime/types"
)

// paris is a zone that differs from UTC; its name does not matter.
var paris = time.FixedZone("", 2*60*60)

type status string

type address struct {
	Street string  `json:"street"`
	City   *string `json:"city,omitempty"`
}

// Meta is embedded, as response types of references are.
type Meta struct {
	Page  int `json:"page"`
	Total int `json:"total"`
}

type union struct{ union stdlib.RawMessage }

func (u union) MarshalJSON() ([]byte, error) { return u.union.MarshalJSON() }

type tree struct {
	Name  string  `json:"name"`
	Below []*tree `json:"below"`
}

type odd struct {
	Quoted int       `json:"quoted,string"`
	At     time.Time `json:"at"`
	Any    any       `json:"any"`
}

// everything has a field of every kind that generated models use, and then some.
type everything struct {
	ID       openapi_types.UUID  `json:"id"`
	At       time.Time           `json:"at"`
	Later    *time.Time          `json:"later"`
	Maybe    *time.Time          `json:"maybe,omitempty"`
	Day      openapi_types.Date  `json:"day"`
	Mail     openapi_types.Email `json:"mail"`
	Status   status              `json:"status"`
	Name     string              `json:"name"`
	Note     *string             `json:"note,omitempty"`
	Count    int                 `json:"count"`
	Small    int8                `json:"small,omitempty"`
	Big      uint64              `json:"big"`
	Ratio    float64             `json:"ratio"`
	Ratio32  float32             `json:"ratio32"`
	OK       bool                `json:"ok"`
	Tags     []string            `json:"tags"`
	Optional []string            `json:"optional,omitempty"`
	Array    [2]int              `json:"array"`
	Bytes    []byte              `json:"bytes"`
	Map      map[string]int      `json:"map"`
	Times    map[string]time.Time
	Deep     map[string][]address      `json:"deep,omitempty"`
	Address  address                   `json:"address"`
	Empty    struct{}                  `json:"empty,omitempty"`
	Zero     time.Time                 `json:"zero,omitzero"`
	ZeroInt  int                       `json:"zeroInt,omitzero"`
	Raw      stdlib.RawMessage         `json:"raw"`
	Union    union                     `json:"union"`
	Tree     tree                      `json:"tree"`
	Odd      odd                       `json:"odd"`
	Any      any                       `json:"any"`
	Text     nullable.Nullable[string] `json:"text"`
	When     nullable.Nullable[time.Time]
	Gone     nullable.Nullable[string] `json:"gone,omitempty"`
	Hidden   string                    `json:"-"`
	unseen   int
	Meta
}

func sample() everything {
	city, note, later := "Paris", "", time.Date(2025, 1, 2, 3, 4, 5, 999_999_999, paris)
	return everything{
		ID: uuid.MustParse("550e8400-e29b-41d4-a716-446655440000"), At: time.Date(2025, 11, 8, 15, 30, 0, 0, time.UTC),
		Later: &later, Day: openapi_types.Date{Time: later}, Mail: "user@example.com", Status: "PENDING",
		Name: "thé <\"fort\"> & \\ \x01\u2028", Note: &note, Count: -5, Small: 1, Big: math.MaxUint64, Ratio: 0.1, Ratio32: 0.1,
		OK: true, Tags: nil, Bytes: []byte{1, 2, 255}, Map: map[string]int{"b": 1, "a": 2, "é": 3},
		Times: map[string]time.Time{"x": later}, Deep: map[string][]address{"l": {{Street: "1 rue", City: &city}, {}}},
		Raw: stdlib.RawMessage(`{"b": 1, "a": [ ]}`), Union: union{stdlib.RawMessage(`"one"`)},
		Tree: tree{Name: "root", Below: []*tree{{Name: "leaf"}, nil}}, Odd: odd{Quoted: 3, At: later, Any: []any{later, nil, 1.5}},
		Any: map[string]any{"t": later, "n": nullable.NewNullableWithValue(later)}, Text: nullable.NewNullNullable[string](),
		When: nullable.NewNullableWithValue(later), Hidden: "h", unseen: 1, Meta: Meta{Page: 1, Total: 2},
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	got, err := Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"550e8400-e29b-41d4-a716-446655440000","at":"2025-11-08T15:30:00.000Z","later":"2025-01-02T01:04:05.999Z",` +
		`"day":"2025-01-02","mail":"user@example.com","status":"PENDING","name":"thé <\"fort\"> & \\ \u0001` + "\u2028" + `","note":"",` +
		`"count":-5,"small":1,"big":18446744073709551615,"ratio":0.1,"ratio32":0.1,"ok":true,"tags":[],"array":[0,0],` +
		`"bytes":"AQL/","map":{"a":2,"b":1,"é":3},"Times":{"x":"2025-01-02T01:04:05.999Z"},` +
		`"deep":{"l":[{"street":"1 rue","city":"Paris"},{"street":""}]},"address":{"street":""},"empty":{},` +
		`"raw":{"b":1,"a":[]},"union":"one","tree":{"name":"root","below":[{"name":"leaf","below":[]},null]},` +
		`"odd":{"quoted":"3","at":"2025-01-02T01:04:05.999Z","any":["2025-01-02T01:04:05.999Z",null,1.5]},` +
		`"any":{"n":"2025-01-02T01:04:05.999Z","t":"2025-01-02T01:04:05.999Z"},"text":null,"When":"2025-01-02T01:04:05.999Z",` +
		`"page":1,"total":2}`
	if string(got) != want {
		t.Errorf("Marshal\n got %s\nwant %s", got, want)
	}
	value := sample()
	if byPointer, err := Marshal(&value); err != nil || !bytes.Equal(byPointer, got) {
		t.Errorf("of a pointer: %s, %v", byPointer, err)
	}
}

// TestMarshalAsV2 holds the compiled types to what json v2 writes.
func TestMarshalAsV2(t *testing.T) {
	t.Parallel()
	var nilTime *time.Time
	var nilMap map[string]int
	values := []any{
		sample(), everything{Raw: stdlib.RawMessage("1"), Union: union{stdlib.RawMessage("{}")}, Mail: "a@b.fr"},
		nil, true, 1, "text", 1.5, []int(nil), []int{1, 2}, nilMap, nilTime, &nilTime, struct{}{}, []everything{},
		0.0, math.Copysign(0, -1), 1e20, 1e21, 1.5e300, 1e-6, 9.9e-7, float32(1e-6), float32(1e21), float32(16777216), math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.MaxFloat32, []float32{0.1, 3.4e38}, int64(math.MinInt64), uint8(255),
		"\x7f", "\u2028", "\U0001F389", "a\tb", "\x00", map[status]bool{"z": true, "a": false}, map[int]string{2: "b", 1: "a"},
		[3]*string{}, []any{1, "a", nil}, time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		struct {
			Meta
			Page string `json:"page"`
		}{Meta{1, 2}, "shadows"},
		struct {
			A int `json:"a"`
			B int `json:"a2,omitempty"`
			*Meta
		}{A: 1},
	}
	for _, value := range values {
		want, err := json.Marshal(value, writing)
		if err != nil {
			t.Fatalf("json v2 on %#v: %v", value, err)
		}
		got, err := Marshal(value)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T %v:\n got %s, %v\nwant %s", value, value, got, err, want)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	t.Parallel()
	loop := &tree{}
	loop.Below = []*tree{loop}
	for name, value := range map[string]any{
		"invalid UTF-8":      "caf\xe9",
		"in a name":          map[string]int{"\xff": 1},
		"not a number":       math.NaN(),
		"infinite":           []float64{math.Inf(1)},
		"a year of 5 digits": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"a cycle":            loop,
		"a channel":          make(chan int),
		"broken JSON":        stdlib.RawMessage(`{"a":`),
		"a broken method":    []union{{stdlib.RawMessage(`nul`)}},
	} {
		if got, err := Marshal(value); err == nil {
			t.Errorf("%s: wrote %s", name, got)
		}
		var out bytes.Buffer
		if err := NewEncoder(&out).Encode(value); err == nil || out.Len() > 0 {
			t.Errorf("%s: Encode wrote %q, %v", name, out.String(), err)
		}
	}
}

func TestMarshalIndent(t *testing.T) {
	t.Parallel()
	got, err := MarshalIndent(struct {
		At time.Time `json:"at"`
	}{time.Date(2025, 1, 2, 3, 4, 5, 0, paris)}, "", "  ")
	if want := "{\n  \"at\": \"2025-01-02T01:04:05.000Z\"\n}"; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestEncoder(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := NewEncoder(&out)
	if err := errors.Join(e.Encode([]int{1}), e.Encode("x")); err != nil {
		t.Fatal(err)
	}
	if out.String() != `[1]"x"` {
		t.Errorf("got %s", out.String())
	}
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	type inner struct {
		Kind string    `json:"kind"`
		At   time.Time `json:"at"`
	}
	type target struct {
		Kind  string                    `json:"kind"`
		Inner nullable.Nullable[inner]  `json:"inner,omitempty"`
		Text  nullable.Nullable[string] `json:"text,omitempty"`
		Raw   stdlib.RawMessage         `json:"raw"`
	}
	var got target
	data := []byte(`{"KIND":"EVIL","kind":"good","inner":{"KIND":"EVIL","at":"2025-01-02T03:04:05Z"},"text":null,"raw":{"a": 1}}`)
	if err := Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 'X'
	}
	if got.Kind != "good" || got.Inner.MustGet().Kind != "" || got.Inner.MustGet().At.Year() != 2025 || !got.Text.IsNull() ||
		string(got.Raw) != `{"a": 1}` {
		t.Errorf("got %+v", got)
	}
	for _, refused := range []string{
		`{"kind":"a","kind":"b"}`, `{"inner":{"kind":"a","kind":"b"}}`, "{\"kind\":\"\xff\"}", `{"kind":1}`, `{} {}`, `{`, ``,
		`{"inner":{"at":"yesterday"}}`,
	} {
		if err := Unmarshal([]byte(refused), &target{}); err == nil {
			t.Errorf("%s was read", refused)
		}
	}
	if err := Unmarshal([]byte(`1`), nil); err == nil {
		t.Error("read into nil")
	}
}

func TestDecoder(t *testing.T) {
	t.Parallel()
	d := NewDecoder(strings.NewReader(`{"page":1} {"page":2,"PAGE":3}`))
	for want := 1; want <= 2; want++ {
		var got Meta
		if err := d.Decode(&got); err != nil || got.Page != want {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if err := d.Decode(&Meta{}); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// FuzzMarshal writes what it reads, with the compiled types and with json v2.
func FuzzMarshal(f *testing.F) {
	first, err := Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first)
	f.Add([]byte(`{"name":"\ud83c\udf89","ratio":1e-300,"deep":{"":[]},"tree":{"below":[{"below":[]}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var value everything
		if Unmarshal(data, &value) != nil {
			return
		}
		want, wantErr := json.Marshal(&value, writing)
		got, err := Marshal(&value)
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s\n got %s, %v\nwant %s, %v", data, got, err, want, wantErr)
		}
	})
}
