package stdjson

import (
	"bytes"
	stdlib "encoding/json"
	"io"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	openapi_types "github.com/oapi-codegen/runtime/types"
)

// item and list are what a list of a system's rows looks like.
type item struct {
	ClaimedAt *time.Time         `json:"claimedAt"`
	Code      string             `json:"code"`
	ID        openapi_types.UUID `json:"id"`
	Note      *string            `json:"note,omitempty"`
	PlayedAt  time.Time          `json:"playedAt"`
	Prize     prize              `json:"prize"`
	Status    status             `json:"status"`
	Tags      []string           `json:"tags"`
}

type prize struct {
	Description *string            `json:"description"`
	ID          openapi_types.UUID `json:"id"`
	Name        string             `json:"name"`
	Value       string             `json:"value"`
}

type list struct {
	Success bool `json:"success"`
	Data    struct {
		Items []item `json:"items"`
		Meta  Meta   `json:"pagination"`
	} `json:"data"`
}

func twenty() list {
	var l list
	note, at := "Infuseur de qualité premium", time.Date(2025, 11, 8, 15, 30, 0, 123_000_000, time.UTC)
	for range 20 {
		l.Data.Items = append(l.Data.Items, item{
			ClaimedAt: &at, Code: "ABC-DEFG-HIJK", ID: uuid.UUID{1, 2, 3}, PlayedAt: at, Status: "PENDING", Tags: []string{"a"},
			Prize: prize{Description: &note, ID: uuid.UUID{4, 5, 6}, Name: "Infuseur à thé", Value: "39.00"},
		})
	}
	return l
}

// TestEncodeAllocates asserts that writing a list allocates for the list and not for its items.
func TestEncodeAllocates(t *testing.T) {
	value := twenty()
	allocated := testing.AllocsPerRun(100, func() {
		var out bytes.Buffer
		if err := NewEncoder(&out).Encode(value); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 6 {
		t.Errorf("%v allocations for a list of 20", allocated)
	}
}

// TestEncodeFaster asserts generously what the benchmarks measure: a list of 20 in less time than encoding/json needs.
func TestEncodeFaster(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	value := twenty()
	best := func(encode func() error) time.Duration {
		least := time.Hour
		for range 200 {
			start := time.Now()
			for range 5 {
				if err := encode(); err != nil {
					t.Fatal(err)
				}
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	ours := best(func() error { return NewEncoder(io.Discard).Encode(value) })
	theirs := best(func() error { return stdlib.NewEncoder(io.Discard).Encode(value) })
	t.Logf("list of 20: %.2f of encoding/json", float64(ours)/float64(theirs))
	if ours > theirs {
		t.Errorf("list of 20: %v, encoding/json %v", ours/5, theirs/5)
	}
}

func BenchmarkEncodeList(b *testing.B) {
	value := twenty()
	encoders := []struct {
		name   string
		encode func(io.Writer) error
	}{
		{"ours", func(w io.Writer) error { return NewEncoder(w).Encode(value) }},
		{"stdlib", func(w io.Writer) error { return stdlib.NewEncoder(w).Encode(value) }},
		{"v2", func(w io.Writer) error { return json.MarshalWrite(w, value) }},
		{"v2 with our options", func(w io.Writer) error { return json.MarshalWrite(w, value, writing) }},
	}
	for _, e := range encoders {
		b.Run(e.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var out bytes.Buffer
				if err := e.encode(&out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := Marshal(twenty().Data.Items[0])
	if err != nil {
		b.Fatal(err)
	}
	decoders := []struct {
		name   string
		decode func([]byte, any) error
	}{
		{"ours", Unmarshal},
		{"stdlib", stdlib.Unmarshal},
		{"v2", func(data []byte, v any) error { return json.Unmarshal(data, v) }},
	}
	for _, d := range decoders {
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var value item
				if err := d.decode(data, &value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
