package contract

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits of one validation. They keep the cost of a hostile body in proportion to its length.
const (
	maxDepth      = 64  // nested arrays and objects
	maxViolations = 256 // a value can be wrong in as many places as it has bytes; the rest is not listed
	maxName       = 128 // bytes of a member name that a pointer shows; every violation below it repeats it

	maxKept = 1 << 16 // elements of buffers that a pooled report keeps; a rare large body should not stay in memory
)

// Report collects the violations and the missing defaults of a validation, and lends the validation its buffers, so that
// a report used again allocates nothing. It is not safe for concurrent use.
type Report struct {
	in, name   string
	lang       string
	violations []Violation
	inserts    []insertion

	walk
}

// insertion is a default to be written in front of the closing brace at pos.
type insertion struct {
	pos   int
	empty bool // the object has no members
	name  string
	json  []byte
}

// NewReport returns a report for violations in the given place (InBody…), of the named parameter ("" for a body), in
// language lang ("fr" or "en"; "" leaves it to the program's compiler).
func NewReport(in, name, lang string) *Report {
	r := &Report{}
	r.seed = maphash.MakeSeed()
	r.Reset(in, name, lang)
	return r
}

var reports = sync.Pool{New: func() any { return NewReport("", "", "") }}

// AcquireReport is NewReport from a pool; give it back with Release.
func AcquireReport(in, name, lang string) *Report {
	r := reports.Get().(*Report)
	r.Reset(in, name, lang)
	return r
}

// Release gives the report back to the pool. Violations obtained from it stay valid.
func (r *Report) Release() {
	r.data = nil
	r.violations = nil
	if cap(r.text)+cap(r.json)+cap(r.canon.out)+cap(r.names) <= maxKept {
		reports.Put(r)
	}
}

// Reset empties the report and sets place and language of the violations to come.
func (r *Report) Reset(in, name, lang string) {
	r.in, r.name, r.lang = in, name, lang
	r.violations = nil
	r.inserts = r.inserts[:0]
}

// At sets the place of the violations to come and keeps those that are there.
func (r *Report) At(in, name string) { r.in, r.name = in, name }

// Violations are all violations since Reset, at most 256; nil if there are none.
func (r *Report) Violations() []Violation { return r.violations }

// WithDefaults returns value, which must be the one last validated, with the defaults of absent properties inserted. It
// is the same slice if there is nothing to insert.
func (r *Report) WithDefaults(value []byte) []byte {
	if len(r.inserts) == 0 {
		return value
	}
	slices.SortStableFunc(r.inserts, func(a, b insertion) int { return a.pos - b.pos })
	size := len(value)
	for _, in := range r.inserts {
		size += len(in.name) + len(in.json) + len(`"":,`)
	}
	out := make([]byte, 0, size)
	last, first := 0, 0 // first of those at the same place
	for i, in := range r.inserts {
		if in.pos != r.inserts[first].pos {
			first = i
		}
		if slices.ContainsFunc(r.inserts[first:i], func(other insertion) bool { return other.name == in.name }) {
			continue // another schema of the same object has the same property
		}
		out = append(out, value[last:in.pos]...)
		if !in.empty || i > first {
			out = append(out, ',')
		}
		out = appendQuoted(out, in.name)
		out = append(append(out, ':'), in.json...)
		last = in.pos
	}
	return append(out, value[last:]...)
}

// fail records that the current value breaks a rule. It reports whether the walk should go on: a branch that is only
// tried stops at its first violation.
func (r *Report) fail(rule rule, d detail) bool { return r.failMember(rule, "", false, d) }

// failName is fail for a member of the current object that is not there or has not been entered.
func (r *Report) failName(rule rule, name string, d detail) bool {
	return r.failMember(rule, name, true, d)
}

func (r *Report) failMember(rule rule, name string, member bool, d detail) bool {
	if r.trying > 0 {
		return false
	}
	r.failed = true
	if len(r.violations) >= maxViolations {
		return true
	}
	v := Violation{In: r.in, Name: r.name, Pointer: r.pointer(), Keyword: rule.keyword(), Message: d.message}
	if member {
		v.Pointer += "/" + escapePointer(name)
	}
	if v.Message == "" {
		v.Message = sentence(r.lang, rule, d)
	}
	if !slices.Contains(r.violations, v) {
		r.violations = append(r.violations, v)
	}
	return true
}

// pointer is the JSON pointer of the current value.
func (r *Report) pointer() string {
	var b strings.Builder
	for _, s := range r.path {
		b.WriteByte('/')
		if s.index >= 0 {
			b.WriteString(strconv.Itoa(s.index))
			continue
		}
		end := r.shownEnd(s)
		name := r.data[s.start:end]
		if s.escaped {
			name = appendUnescaped(nil, name)
		}
		b.WriteString(escapePointer(strings.ToValidUTF8(string(name), "\uFFFD")))
		if end < s.end {
			b.WriteString("…")
		}
	}
	return b.String()
}

// shownEnd is where a pointer leaves off a member name that is too long to be shown. It splits no escape and no character.
func (r *Report) shownEnd(s segment) int {
	if s.end-s.start <= maxName {
		return s.end
	}
	for pos := s.start; pos < s.end; {
		n := pos - s.start
		if n >= maxName && (utf8.RuneStart(r.data[pos]) || n >= maxName+utf8.UTFMax) {
			return pos
		}
		if r.data[pos] == '\\' {
			length, _ := escapeLen(r.data[pos:s.end])
			pos += length
		} else {
			pos++
		}
	}
	return s.end
}

func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// appendQuoted appends text as a JSON string. Invalid UTF-8 is kept as it is, for the scanner to refuse.
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
