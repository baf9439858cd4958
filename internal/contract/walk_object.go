package contract

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
)

func (r *Report) objectValue(n *node, pos int) int {
	if r.depth++; r.depth > maxDepth {
		return r.abandon(ruleDepth, maxDepth)
	}
	o := n.object
	seen, names, slots := len(r.bits), len(r.names), len(r.slots)
	for range o.words {
		r.bits = append(r.bits, 0)
	}
	for range 2 * len(o.equals) {
		r.slots = append(r.slots, span{})
	}
	count := uint64(0)
	pos = skipSpace(r.data, pos+1)
	for pos >= len(r.data) || r.data[pos] != '}' || count > 0 {
		if pos = r.member(o, pos, seen, slots); pos < 0 {
			return -1
		}
		count++
		if pos = skipSpace(r.data, pos); pos >= len(r.data) {
			return r.malformed(pos)
		}
		if r.data[pos] == '}' {
			break
		}
		if r.data[pos] != ',' {
			return r.malformed(pos)
		}
		pos = skipSpace(r.data, pos+1)
	}
	r.depth--
	if !r.objectRule(o, count, pos, seen, names, slots) {
		return -1
	}
	r.bits, r.names, r.slots = r.bits[:seen], r.names[:names], r.slots[:slots]
	return pos + 1
}

// member reads one name and its value. seen and slots are where the object's sets start.
func (r *Report) member(o *objectRule, pos, seen, slots int) int {
	if pos >= len(r.data) || r.data[pos] != '"' {
		return r.malformed(pos)
	}
	end, flags := stringEnd(r.data, pos)
	if end < 0 {
		return r.malformed(-1 - end)
	}
	name := r.data[pos+1 : end-1]
	r.path = append(r.path, segment{index: -1, start: pos + 1, end: end - 1, escaped: flags&escaped != 0})
	if flags&(badUTF8|hasNUL) != 0 && !r.encoding(flags) {
		return -1
	}
	if flags&escaped != 0 {
		r.text = appendUnescaped(r.text[:0], name)
		name = r.text
	}
	child, refuse, slot := o.extra, o.refuse, 0
	if p := o.names.find(name); p != nil {
		child, refuse, slot = p.node, p.refuse, p.slot
		if hasBit(r.bits[seen:], p.bit) && !r.trusted && !r.fail(ruleDuplicate, detail{}) {
			return -1
		}
		setBit(r.bits[seen:], p.bit)
	} else if !r.trusted {
		r.names = append(r.names, member{maphash.Bytes(r.seed, name), pos + 1, end - 1, flags&escaped != 0})
	}
	if refuse != accepted {
		if !r.fail(refuse.rule(), detail{}) {
			return -1
		}
		child = anyNode
	}
	if child == nil {
		child = anyNode
	}
	pos = skipSpace(r.data, end)
	if pos >= len(r.data) || r.data[pos] != ':' {
		return r.malformed(pos)
	}
	start := skipSpace(r.data, pos+1)
	if pos = r.value(child, start); pos < 0 {
		return -1
	}
	if slot > 0 {
		r.slots[slots+slot-1] = span{start, pos}
	}
	r.path = r.path[:len(r.path)-1]
	return pos
}

// objectRule checks the object of count members that closes at pos. It reports whether to go on.
func (r *Report) objectRule(o *objectRule, count uint64, pos, seen, names, slots int) bool {
	ok := true
	if len(r.names)-names > 1 {
		ok = r.uniqueNames(names)
	}
	if o.required != nil {
		ok = r.required(o, seen) && ok
	}
	if count < o.min {
		ok = r.fail(ruleMinProperties, detail{count: o.min}) && ok
	}
	if count > o.max {
		ok = r.fail(ruleMaxProperties, detail{count: o.max}) && ok
	}
	for i := range o.equals {
		ok = r.equalRule(&o.equals[i], slots) && ok
	}
	if !ok {
		return false
	}
	for i := range o.presets {
		if p := &o.presets[i]; !hasBit(r.bits[seen:], p.bit) {
			r.inserts = append(r.inserts, insertion{pos, count == 0, p.name, p.value.preset})
		}
	}
	return true
}

func (r *Report) required(o *objectRule, seen int) bool {
	for i, want := range o.required {
		missing := want &^ r.bits[seen+i]
		if missing == 0 {
			continue
		}
		if r.trying > 0 {
			return false
		}
		for ; missing != 0; missing &= missing - 1 {
			bit := i<<6 | bits.TrailingZeros64(missing)
			r.failName(ruleRequired, o.nameOf(bit), detail{})
		}
	}
	return true
}

// nameOf is the name that has the given bit.
func (o *objectRule) nameOf(bit int) string {
	i := slices.IndexFunc(o.names.properties, func(p property) bool { return p.bit == bit })
	return o.names.properties[i].name
}

func (r *Report) equalRule(e *equalRule, slots int) bool {
	a, b := r.slots[slots+e.slot-1], r.slots[slots+e.sibling-1]
	if a.end == 0 || b.end != 0 && r.equal(a, b) {
		return true
	}
	return r.failName(ruleEquals, e.name, detail{text: e.other, message: e.message})
}

// equal reports whether two values are equal as JSON.
func (r *Report) equal(a, b span) bool {
	if bytes.Equal(r.data[a.start:a.end], r.data[b.start:b.end]) {
		return true
	}
	r.canon.reset()
	r.canon.write(r.data, a.start)
	middle := len(r.canon.out)
	r.canon.write(r.data, b.start)
	return bytes.Equal(r.canon.out[:middle], r.canon.out[middle:])
}

// uniqueNames reports names that occur twice among r.names[first:]. Names of equal hash are neighbours after sorting.
func (r *Report) uniqueNames(first int) bool {
	names := r.names[first:]
	slices.SortFunc(names, func(a, b member) int { return cmp.Compare(a.hash, b.hash) })
	for i := 1; i < len(names); i++ {
		if names[i].hash == names[i-1].hash && r.sameName(names[i], names[i-1]) {
			r.path = append(r.path, segment{index: -1, start: names[i].start, end: names[i].end, escaped: names[i].escaped})
			ok := r.fail(ruleDuplicate, detail{})
			r.path = r.path[:len(r.path)-1]
			if !ok {
				return false
			}
		}
	}
	return true
}

func (r *Report) sameName(a, b member) bool {
	x, y := r.data[a.start:a.end], r.data[b.start:b.end]
	if a.escaped || b.escaped {
		x, y = appendUnescaped(nil, x), appendUnescaped(nil, y)
	}
	return bytes.Equal(x, y)
}

// closedObject refuses the members of the object at pos that neither the node's own schemas nor the alternatives that
// matched have named.
func (r *Report) closedObject(n *node, pos, marks int) bool {
	known := r.bits[marks : marks+n.closed.words]
	for i, w := range n.object.known {
		known[i] |= w
	}
	if hasBit(known, everyName) {
		return true
	}
	ok := true
	r.eachMember(pos, func(name []byte, at segment, _ int) bool {
		if p := n.closed.names.find(name); p == nil || !hasBit(known, p.bit) {
			r.path = append(r.path, at)
			ok = r.fail(ruleUnknown, detail{}) && ok
			r.path = r.path[:len(r.path)-1]
		}
		return ok
	})
	return ok
}

// eachMember calls f with every name of the object at pos, which has been read before, and its value's position, until f
// returns false.
func (r *Report) eachMember(pos int, f func(name []byte, at segment, value int) bool) {
	pos = skipSpace(r.data, pos+1)
	for r.data[pos] != '}' {
		end, flags := stringEnd(r.data, pos)
		at := segment{index: -1, start: pos + 1, end: end - 1, escaped: flags&escaped != 0}
		name := r.data[at.start:at.end]
		if at.escaped {
			r.text = appendUnescaped(r.text[:0], name)
			name = r.text
		}
		value := skipSpace(r.data, skipSpace(r.data, end)+1)
		if !f(name, at, value) {
			return
		}
		pos = skipSpace(r.data, skipValue(r.data, value))
		if r.data[pos] == ',' {
			pos = skipSpace(r.data, pos+1)
		}
	}
}

// skipValue returns the position behind the value at pos, which has been read before.
func skipValue(data []byte, pos int) int {
	for depth := 0; ; {
		switch data[pos] {
		case '"':
			pos, _ = stringEnd(data, pos)
		case '{', '[':
			depth++
			pos++
		case '}', ']':
			depth--
			pos++
		case ' ', '\t', '\r', '\n', ',', ':':
			pos++
			continue
		default:
			for pos < len(data) && kindOrPart(data[pos]) {
				pos++
			}
		}
		if depth == 0 {
			return pos
		}
	}
}

// kindOrPart reports whether c belongs to a number or literal.
func kindOrPart(c byte) bool {
	return c == '-' || c == '+' || c == '.' || isDigit(c) || 'a' <= c && c <= 'z' || c == 'E'
}
