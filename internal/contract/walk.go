package contract

import (
	"hash/maphash"
	"math"
	"unicode/utf8"
)

// walk is the state of one validation. Positions are offsets into data; a step that cannot go on returns -1, because the
// data is broken or because the branch that is being tried has failed.
type walk struct {
	seed maphash.Seed

	data    []byte
	before  int  // violations that were there already
	failed  bool // a violation was recorded or left out
	broken  bool // nothing behind this point can be read
	trusted bool // these bytes were read before: what is wrong with their encoding is already reported
	trying  int  // depth of branches that are only tried
	depth   int
	budget  int // bytes that may still be read again for oneOf, anyOf and not

	path  []segment
	bits  []uint64 // stack of name sets
	marks int      // where the set of names that alternatives know starts in bits; -1: nobody asks
	names []member // stack of names that no property table has
	slots []span   // stack of values to compare
	text  []byte   // the unescaped string at hand
	json  []byte   // a parameter's text as JSON
	canon canonizer
}

// segment is one step of the current value's path: an index, or a member name in data.
type segment struct {
	index      int // -1: a name
	start, end int
	escaped    bool
}

// member is a name of an object, to find duplicates.
type member struct {
	hash       uint64
	start, end int // its content in data
	escaped    bool
}

// anyNode accepts every value; only the encoding is checked.
var anyNode = &node{
	kinds:  anything,
	array:  &arrayRule{max: math.MaxUint64},
	object: &objectRule{max: math.MaxUint64},
}

// rereading bounds how often the branches of nested alternatives may read the same bytes.
const rereading = 256

// Validate checks that value is exactly one JSON value, that nothing but white space is around it, and that the schema
// accepts it. Violations are added to r. Of malformed JSON only the place of the fault is reported.
func (p *Program) Validate(value []byte, r *Report) bool {
	if r.lang == "" {
		r.lang = p.lang
	}
	r.start(value)
	if end := r.value(p.root, skipSpace(value, 0)); end >= 0 {
		if end = skipSpace(value, end); end < len(value) {
			r.malformed(end)
		}
	}
	if r.failed {
		r.inserts = r.inserts[:0]
	}
	return !r.failed
}

func (r *Report) start(value []byte) {
	r.data = value
	r.inserts = r.inserts[:0]
	r.failed, r.broken, r.trusted = false, false, false
	r.trying, r.depth, r.marks = 0, 0, -1
	r.before = len(r.violations)
	r.budget = rereading * (len(value) + 64)
	r.path, r.bits, r.names, r.slots = r.path[:0], r.bits[:0], r.names[:0], r.slots[:0]
}

// malformed records that the data is no JSON at offset pos, and ends the walk.
func (r *Report) malformed(pos int) int {
	r.path = r.path[:0]
	return r.abandon(ruleSyntax, uint64(pos))
}

// abandon records that the current value cannot be read on, as the only violation, and ends the walk.
func (r *Report) abandon(rule rule, count uint64) int {
	r.broken, r.trying = true, 0
	r.violations = r.violations[:r.before]
	r.fail(rule, detail{count: count})
	return -1
}

// kindOf is the type of the JSON value that starts with c, 0 if none does. Numbers are Number.
func kindOf(c byte) Kinds {
	switch c {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return 0
}

// value checks the value at pos and returns the position behind it.
func (r *Report) value(n *node, pos int) int {
	if pos >= len(r.data) {
		return r.malformed(pos)
	}
	kind := kindOf(r.data[pos])
	allowed := n.kinds & kind
	if kind == Number {
		allowed = n.kinds & (Number | Integer)
	}
	if allowed == 0 && kind != 0 {
		if !r.fail(ruleType, detail{kinds: n.kinds, found: kind}) {
			return -1
		}
		n = anyNode
	}
	var end int
	switch kind {
	case String:
		end = r.stringValue(n, pos)
	case Number:
		end = r.numberValue(n, pos)
	case Object:
		end = r.objectValue(n, pos)
	case Array:
		end = r.arrayValue(n, pos)
	case Boolean:
		if r.data[pos] == 't' {
			end = r.literal("true", pos)
		} else {
			end = r.literal("false", pos)
		}
	case Null:
		return r.literal("null", pos)
	default:
		return r.malformed(pos)
	}
	if n.whole && end >= 0 {
		return r.wholeValue(n, pos, end)
	}
	return end
}

func (r *Report) literal(word string, pos int) int {
	for i := range len(word) {
		if pos+i >= len(r.data) || r.data[pos+i] != word[i] {
			return r.malformed(pos + i)
		}
	}
	return pos + len(word)
}

func (r *Report) stringValue(n *node, pos int) int {
	end, flags := stringEnd(r.data, pos)
	if end < 0 {
		return r.malformed(-1 - end)
	}
	if flags&(badUTF8|hasNUL) != 0 && !r.encoding(flags) {
		return -1
	}
	if len(n.strings) == 0 {
		return end
	}
	content := r.data[pos+1 : end-1]
	if flags&escaped != 0 {
		r.text = appendUnescaped(r.text[:0], content)
		content = r.text
	}
	for i := range n.strings {
		if !r.stringRule(&n.strings[i], content, flags) {
			return -1
		}
	}
	return end
}

// encoding reports what is wrong with a string's characters, once.
func (r *Report) encoding(flags stringFlags) bool {
	if r.trusted {
		return true
	}
	ok := true
	if flags&badUTF8 != 0 {
		ok = r.fail(ruleUTF8, detail{})
	}
	if flags&hasNUL != 0 {
		ok = r.fail(ruleNUL, detail{}) && ok
	}
	return ok
}

// stringRule checks a string's unescaped content. It reports whether to go on.
func (r *Report) stringRule(s *stringRule, content []byte, flags stringFlags) bool {
	ok := true
	if s.min > 0 || uint64(len(content)) > s.max {
		n := uint64(len(content))
		if flags&nonASCII != 0 {
			n = uint64(utf8.RuneCount(content))
		}
		if n < s.min {
			ok = r.fail(ruleMinLength, detail{count: s.min})
		}
		if n > s.max {
			ok = r.fail(ruleMaxLength, detail{count: s.max}) && ok
		}
	}
	if s.pattern != nil && !s.pattern.match(content) {
		ok = r.fail(rulePattern, detail{text: s.pattern.source, message: s.message}) && ok
	}
	if s.format != nil && !s.format.valid(content) {
		ok = r.fail(ruleFormat, detail{text: s.format.name, message: s.message}) && ok
	}
	return ok
}

func (r *Report) numberValue(n *node, pos int) int {
	end, integer := numberEnd(r.data, pos)
	if end < 0 {
		return r.malformed(-1 - end)
	}
	literal := r.data[pos:end]
	if !integer || len(literal) > 300 {
		if n.kinds&Number == 0 && !integer {
			if !r.fail(ruleType, detail{kinds: n.kinds, found: Number}) {
				return -1
			}
			return end
		}
		if !r.trusted && mayOverflow(literal) && !fitsFloat(literal, 64) {
			if !r.fail(ruleRange, detail{}) {
				return -1
			}
			return end
		}
	}
	if len(n.numbers) == 0 {
		return end
	}
	d := parseDecimal(literal)
	for i := range n.numbers {
		if !r.numberRule(&n.numbers[i], literal, d) {
			return -1
		}
	}
	return end
}

// numberRule checks a number. It reports whether to go on.
func (r *Report) numberRule(n *numberRule, literal []byte, d decimal) bool {
	ok := true
	switch {
	case n.integer && len(literal) > 9 && !fitsInteger(d, n.size):
		ok = r.fail(ruleFormat, detail{text: n.formatName(), message: n.message})
	case !n.integer && n.size == 32 && !fitsFloat(literal, 32):
		ok = r.fail(ruleFormat, detail{text: n.formatName(), message: n.message})
	}
	if n.min != nil && d.compare(n.min.value) < 0 {
		ok = r.fail(ruleMinimum, detail{text: n.min.text}) && ok
	}
	if n.max != nil && d.compare(n.max.value) > 0 {
		ok = r.fail(ruleMaximum, detail{text: n.max.text}) && ok
	}
	if n.exclusiveMin != nil && !n.exclusiveMin.beyond(d, literal, 1) {
		ok = r.fail(ruleExclusiveMinimum, detail{text: n.exclusiveMin.text}) && ok
	}
	if n.exclusiveMax != nil && !n.exclusiveMax.beyond(d, literal, -1) {
		ok = r.fail(ruleExclusiveMaximum, detail{text: n.exclusiveMax.text}) && ok
	}
	if n.multipleOf.mantissa != 0 && !n.multipleOf.divides(d) {
		ok = r.fail(ruleMultipleOf, detail{text: n.multipleText}) && ok
	}
	return ok
}

func (r *Report) arrayValue(n *node, pos int) int {
	if r.depth++; r.depth > maxDepth {
		return r.abandon(ruleDepth, maxDepth)
	}
	a := n.array
	r.path = append(r.path, segment{})
	i, start := 0, pos
	pos = skipSpace(r.data, pos+1)
	for pos >= len(r.data) || r.data[pos] != ']' || i > 0 {
		r.path[len(r.path)-1] = segment{index: i}
		item := a.items
		if i < len(a.prefix) {
			item = a.prefix[i]
		}
		if item == nil {
			item = anyNode
		}
		if pos = r.value(item, pos); pos < 0 {
			return -1
		}
		i++
		if pos = skipSpace(r.data, pos); pos >= len(r.data) {
			return r.malformed(pos)
		}
		if r.data[pos] == ']' {
			break
		}
		if r.data[pos] != ',' {
			return r.malformed(pos)
		}
		pos = skipSpace(r.data, pos+1)
	}
	r.path = r.path[:len(r.path)-1]
	r.depth--
	if !r.arrayRule(a, uint64(i), start) {
		return -1
	}
	return pos + 1
}

// arrayRule checks the array of n items that starts at start. It reports whether to go on.
func (r *Report) arrayRule(a *arrayRule, n uint64, start int) bool {
	ok := true
	if n < a.min {
		ok = r.fail(ruleMinItems, detail{count: a.min})
	}
	if n > a.max {
		ok = r.fail(ruleMaxItems, detail{count: a.max}) && ok
	}
	if a.unique && n > 1 && r.canon.duplicates(r.data, start) {
		ok = r.fail(ruleUniqueItems, detail{}) && ok
	}
	return ok
}
