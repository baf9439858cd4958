package contract

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/mail"
	"slices"
	"strings"
	"testing"
)

// TestDecimal holds comparing and dividing against math/big.
func TestDecimal(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	literal := func() string {
		s := []string{"", "-"}[rng.IntN(2)] + []string{"0", "1", "12", "100", "99999999999999999999", "120"}[rng.IntN(6)]
		s += []string{"", "", ".0", ".5", ".500", ".00", ".000001", ".12345678901234567890", ".1234567890123"}[rng.IntN(9)]
		return s + []string{"", "", "e0", "E1", "e+2", "e-2", "e20", "e-21"}[rng.IntN(8)]
	}
	rat := func(s string) *big.Rat {
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatal(s)
		}
		return r
	}
	equal := 0
	for range 20_000 {
		a, b := literal(), literal()
		x, y := parseDecimal([]byte(a)), parseDecimal([]byte(b))
		want := rat(a).Cmp(rat(b))
		if got := x.compare(y); got != want {
			t.Fatalf("%s %s: %d, want %d", a, b, got, want)
		}
		same := string(x.appendCanonical(nil)) == string(y.appendCanonical(nil))
		if same != (want == 0) {
			t.Fatalf("%s %s: canonical forms equal: %v", a, b, same)
		}
		if want == 0 {
			equal++
		}
		if v, ok := newDivisor(y); ok {
			if got, want := v.divides(x), new(big.Rat).Quo(rat(a), rat(b)).IsInt(); got != want {
				t.Fatalf("%s divides %s: %v", b, a, got)
			}
		}
	}
	if equal < 100 {
		t.Errorf("only %d equal pairs", equal)
	}
}

// TestNumberLimits shows the limits at their edges.
func TestNumberLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		schema  string
		yes, no []string
	}{
		{`{"type":"integer","format":"int32"}`, []string{"2147483647", "-2147483648", "-0", "0"}, []string{"2147483648", "-2147483649", "1.0", "1e2"}},
		{`{"type":"integer","format":"int64"}`, []string{"9223372036854775807", "-9223372036854775808"}, []string{"9223372036854775808", "-9223372036854775809", "99999999999999999999999"}},
		{`{"type":"number","format":"float"}`, []string{"3.4028234e38", "1e-45", "0e-99999"}, []string{"3.5e38", "1e-46"}},
		{`{"type":"number","format":"double"}`, []string{"1.7976931348623157e308", "5e-324", "0.0e999999999999"}, []string{"1.8e308", "1e-324", "1e999999999999999999999"}},
		{`{"type":"number","minimum":0,"exclusiveMinimum":true}`, []string{"5e-324"}, []string{"0", "-0.0", "-1"}},
		// Exactly these are above and below 1, but a handler would see 1.
		{`{"type":"number","minimum":1,"exclusiveMinimum":true}`, []string{"1.000000000000001"}, []string{"1.00000000000000000001"}},
		{`{"type":"number","maximum":1,"exclusiveMaximum":true}`, []string{"0.99"}, []string{"0.99999999999999999999"}},
		{`{"type":"number","multipleOf":0.01}`, []string{"0.07", "1.1", "19.99", "4503599627370497.01", "-0.29", "1e300", "0"}, []string{"0.075", "0.001", "1e-3"}},
		{`{"type":"number","multipleOf":1e-300}`, []string{"1", "3e-300"}, []string{"1e-301"}},
		{`{"type":"number","multipleOf":95367431640625}`, []string{"1e40", "1.5e21"}, []string{"1e19", "1.5e19"}}, // 5^20
		{`{"type":"integer","multipleOf":3}`, []string{"9007199254740993"}, []string{"9007199254740992"}},
		{`{"type":"integer","maximum":9007199254740991}`, []string{"9007199254740991"}, []string{"9007199254740992"}},
		{`{"enum":[1,0.1]}`, []string{"1.00", "10e-1", "1E-1"}, []string{"0.10000000000000001"}},
	}
	for _, test := range tests {
		p := mustCompile(t, schemaOf(t, test.schema), RefuseUnknown)
		for i, literal := range slices.Concat(test.yes, test.no) {
			r := NewReport(InBody, "", "en")
			if got, want := p.Validate([]byte(literal), r), i < len(test.yes); got != want {
				t.Errorf("%s %s: %v %v", test.schema, literal, got, r.Violations())
			}
		}
	}
}

// TestPatterns shows how ECMA 262 is read.
func TestPatterns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		yes, no []string
	}{
		{`^\d+$`, []string{"12"}, []string{"12\n", "٣", ""}},
		{`^\w\s\S$`, []string{"a\u00a0b", "_\u2028x", "a\ufeffb"}, []string{"é b", "a b\n"}},
		{`^[\s,]+$`, []string{", \u00a0\v"}, []string{"a"}},
		{`^.$`, []string{"é", "\u0085"}, []string{"\n", "\r", "\u2028", "\u2029"}},
		{`^[.]$`, []string{"."}, []string{"x"}},
		{`^\u00e9\u{1F600}\x41\0$`, []string{"é😀A\x00"}, []string{"e"}},
		{`^[\b]\/\-$`, []string{"\b/-"}, []string{"b/-"}},
		{`^(?<year>\d{4})(?:a|b)$`, []string{"2025a"}, []string{"2025c"}},
		{`^\p{Lu}`, []string{"É"}, []string{"é"}},
		{`\bcat\b`, []string{"a cat!"}, []string{"cats"}},
	}
	for _, test := range tests {
		p, err := compilePattern(test.pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, text := range slices.Concat(test.yes, test.no) {
			if got, want := p.match([]byte(text)), i < len(test.yes); got != want {
				t.Errorf("%s %q: %v", test.pattern, text, got)
			}
		}
	}
	for _, refused := range []string{`(?=a)`, `(?!a)`, `(?<=a)`, `(?<!a)`, `(?i)a`, `(?P<n>a)`, `(a)\1`, `\k<n>`, `\cA`, `\A`, `\z`, `\Qa`, `\01`, `[[:alpha:]]`,
		`[]`, `[^]`, `[\S]`, `\u12`, `a\`, `(`, `a{1001}`} {
		if _, err := compilePattern(refused); err == nil {
			t.Errorf("%s is accepted", refused)
		}
	}
}

// TestFormats adds what the samples of the differential test leave out.
func TestFormats(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	tests := []struct {
		name    string
		yes, no []string
	}{
		{"date", []string{"2000-02-29", "0000-01-01"}, []string{"1900-02-29", "2025-04-31", "2025-00-10", "2025-01-00", "2025/01/01", "2025-01-01 ", "+025-01-01"}},
		{"date-time", []string{"2025-01-31T23:59:59.123456789-23:59"}, []string{"2025-01-31t09:30:00Z", "2025-01-31T09:30:00z", "2025-01-31T09:30:60Z", "2025-01-31T09:30:00.Z", "2025-01-31T09:30:00,5Z", "2025-01-31T09:30:00+24:00", "2025-01-31T09:60:00Z"}},
		{"email", []string{"o'neil@x.fr", "a.b@c", long + "x@" + long + ".fr"}, []string{long + "xx@a.fr", ".a@b.fr", "a.@b.fr", "a..b@c.fr", "a@b_c.fr", "a@b@c.fr", "é@b.fr", `"a b"@c.fr`, "a@-b.fr", "A <a@b.fr>"}},
		{"hostname", []string{long + ".fr", "1.2", "a"}, []string{long + "a.fr", "a-.fr", "a.", ".a", "a-", strings.Repeat(long+".", 4)}},
		{"ipv4", []string{"0.0.0.0", "255.255.255.255"}, []string{"01.2.3.4", "1.2.3.4.", "1.2.3.4.5", "1..2.3", "1.2.3.1000", ""}},
		{"ipv6", []string{"::", "1::", "1:2:3:4:5:6:7:8", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1::8"}, []string{"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", "1::2::3", ":1", "1:", "12345::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "g::", ""}},
		{"uri", []string{"mailto:a@b.fr", "http://u:p@h:80/a;b?c=/?#d/?", "x:", "http://[2001:db8::1]"}, []string{"http://h:8a", "http://[::1", "http://[::1]x", "http://a@b@c", ":a", "http://h/%2", "http://h/a#b#c", "http://h/[a]"}},
		{"uri-reference", []string{"?q", "#f", "//h/p", "a/b:c"}, []string{"a:b c", ":a", "a\\b"}},
		{"byte", []string{"AAAA", "+/+/"}, []string{"A===", "====", "AA=A", "-_-_", "QUI", "QUJ="}},
	}
	for _, test := range tests {
		f, _ := textFormatNamed(test.name)
		for i, text := range slices.Concat(test.yes, test.no) {
			if got, want := f.valid([]byte(text)), i < len(test.yes); got != want {
				t.Errorf("%s %q: %v", test.name, text, got)
			}
		}
	}
}

// FuzzFormats looks for texts that the standard library takes for something else. The generated types decode with it.
func FuzzFormats(f *testing.F) {
	for name, s := range formats {
		for _, text := range slices.Concat(s.yes, s.no) {
			f.Add(name, text)
		}
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		format, ok := textFormatNamed(name)
		if !ok || format == nil {
			t.Skip()
		}
		valid := format.valid([]byte(text))
		switch name {
		case formatEmail:
			if a, err := mail.ParseAddress(text); valid && (err != nil || a.Address != text) {
				t.Fatalf("%q is no address: %v", text, err)
			}
		default:
			if want := oracleChecks()[name](text); valid != want {
				t.Fatalf("%s %q: %v, the library says %v", name, text, valid, want)
			}
		}
	})
}

// TestNameTable finds every name and no other, whatever they have in common.
func TestNameTable(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 9, 100, maxProperties} {
		var properties []property
		for i := range n {
			properties = append(properties, property{name: fmt.Sprintf("same%05dlength", i), bit: i})
		}
		table := newNameTable(properties)
		for i := range n {
			if p := table.find(fmt.Appendf(nil, "same%05dlength", i)); p == nil || p.bit != i {
				t.Fatalf("%d: %v", i, p)
			}
		}
		for _, other := range []string{"", "x", "same99999length", "same00000length "} {
			if p := table.find([]byte(other)); p != nil {
				t.Fatalf("found %q for %q", p.name, other)
			}
		}
	}
	empty := newNameTable([]property{{name: "", bit: 3}})
	if p := empty.find(nil); p == nil || p.bit != 3 {
		t.Error("the empty name is not found")
	}
}

// TestCanonical shows which values are equal.
func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[true,null]}`, `{ "b" : [ true , null ] , "\u0061" : 1.0 }`, true},
		{`[]`, `{}`, false},
		{`[[1],2]`, `[[1,2]]`, false},
		{`["a","b"]`, `["a,b"]`, false},
		{`"1"`, `1`, false},
		{`"\u00e9\n\"\\\/\b\f\r\t"`, "\"é\\u000A\\u0022\\u005c/\\u0008\\u000c\\u000d\\u0009\"", true},
		{`"\ud83d\ude00"`, `"😀"`, true},
		{`{"a":{"x":1,"y":2}}`, `{"a":{"y":2,"x":1}}`, true},
		{`{"a":{"x":1},"y":2}`, `{"a":{"y":2,"x":1}}`, false},
		{`-0`, `0.0e7`, true},
		{`1e2`, `100`, true},
		{`false`, `true`, false},
	}
	for _, test := range tests {
		if same := string(canonical([]byte(test.a))) == string(canonical([]byte(test.b))); same != test.same {
			t.Errorf("%s %s: %v", test.a, test.b, same)
		}
	}
}
