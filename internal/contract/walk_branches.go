package contract

import (
	"bytes"
	"slices"
	"strings"
)

// wholeValue makes the checks that need the value's bytes once more: enum, not, oneOf and anyOf, and with them the fields
// that none of them knows. The value is at [pos, end).
func (r *Report) wholeValue(n *node, pos, end int) int {
	for i := range n.enums {
		e := &n.enums[i]
		if !r.inEnum(e, pos, end) && !r.fail(e.rule(), detail{text: e.text, message: e.message}) {
			return -1
		}
	}
	if len(n.nots) == 0 && len(n.alts) == 0 {
		return end
	}
	here := r.place()
	r.trusted = true
	if n.closed != nil {
		r.marks = len(r.bits)
		r.pushSet(n.closed.words)
	} else if n.root {
		r.marks = -1
	}
	ok := r.branches(n, pos, end)
	if ok && n.closed != nil && r.data[pos] == '{' {
		ok = r.closedObject(n, pos, r.marks)
	}
	if !ok {
		return -1
	}
	r.restore(here)
	return end
}

// place is where a walk stands: what has to be restored when a branch has been read, or left in the middle.
type place struct {
	trying, depth, marks     int
	trusted                  bool
	path, bits, names, slots int
}

func (r *Report) place() place {
	return place{r.trying, r.depth, r.marks, r.trusted, len(r.path), len(r.bits), len(r.names), len(r.slots)}
}

func (r *Report) restore(p place) {
	r.trying, r.depth, r.marks, r.trusted = p.trying, p.depth, p.marks, p.trusted
	r.path, r.bits, r.names, r.slots = r.path[:p.path], r.bits[:p.bits], r.names[:p.names], r.slots[:p.slots]
}

func (r *Report) pushSet(words int) {
	for range words {
		r.bits = append(r.bits, 0)
	}
}

func (r *Report) inEnum(e *enumRule, pos, end int) bool {
	if r.data[pos] == '"' && bytes.IndexByte(r.data[pos:end], '\\') < 0 {
		content := r.data[pos+1 : end-1]
		for _, s := range e.plain {
			if string(content) == s {
				return true
			}
		}
		return false
	}
	r.canon.reset()
	r.canon.write(r.data, pos)
	_, found := slices.BinarySearchFunc(e.canonical, r.canon.out, bytes.Compare)
	return found
}

// branches checks not, oneOf and anyOf. It reports whether to go on.
func (r *Report) branches(n *node, pos, end int) bool {
	for _, b := range n.nots {
		marks := r.marks
		r.marks = -1
		matches := r.try(b, pos, end)
		r.marks = marks
		if r.broken || matches && !r.fail(ruleNot, detail{}) {
			return false
		}
	}
	for i := range n.alts {
		if !r.alternative(&n.alts[i], pos, end) {
			return false
		}
	}
	return true
}

// again accounts for reading the bytes of [pos, end) once more, and ends the walk if that has been done too often.
func (r *Report) again(pos, end int) bool {
	if r.budget -= end - pos + 16; r.budget < 0 {
		r.abandon(ruleComplexity, 0)
	}
	return !r.broken
}

// try reports whether the branch accepts the value at [pos, end). What it leaves behind is undone if it does not.
func (r *Report) try(b *node, pos, end int) bool {
	if !r.again(pos, end) {
		return false
	}
	here, inserts := r.place(), len(r.inserts)
	if r.marks >= 0 {
		r.marks = here.bits
		r.pushSet(len(b.object.known))
	}
	r.trying++
	ok := r.value(b, pos) >= 0
	if r.broken {
		return false
	}
	switch {
	case !ok:
		r.inserts = r.inserts[:inserts]
	case here.marks >= 0 && r.data[pos] == '{':
		for i, w := range b.object.known {
			r.bits[here.marks+i] |= r.bits[here.bits+i] | w
		}
	}
	r.restore(here)
	return ok
}

// alternative checks one oneOf or anyOf. It reports whether to go on.
func (r *Report) alternative(a *alternative, pos, end int) bool {
	if a.discriminator != "" && r.data[pos] == '{' {
		return r.discriminated(a, pos, end)
	}
	matches := 0
	for _, b := range a.branches {
		inserts := len(r.inserts)
		if !r.try(b, pos, end) {
			if r.broken {
				return false
			}
			continue
		}
		if matches++; matches > 1 {
			r.inserts = r.inserts[:inserts]
			if a.one {
				return r.fail(ruleOneOf, detail{message: a.message})
			}
		}
		if !a.one && r.marks < 0 {
			break // only the names of further matches could matter
		}
	}
	if matches > 0 {
		return true
	}
	if r.trying > 0 {
		return false
	}
	r.failed = true
	r.nearest(a, pos, end)
	return !r.broken
}

// discriminated checks the branch that the object's discriminator chooses. It reports whether to go on.
func (r *Report) discriminated(a *alternative, pos, end int) bool {
	value, valueEnd := -1, 0
	r.eachMember(pos, func(name []byte, _ segment, at int) bool {
		if string(name) == a.discriminator {
			value, valueEnd = at, skipValue(r.data, at)
		}
		return value < 0
	})
	if value < 0 {
		r.knowEveryName()
		return r.failName(ruleRequired, a.discriminator, detail{})
	}
	if r.data[value] != '"' {
		r.knowEveryName()
		return r.failName(ruleType, a.discriminator, detail{kinds: String})
	}
	content := r.data[value+1 : valueEnd-1]
	if bytes.IndexByte(content, '\\') >= 0 {
		r.text = appendUnescaped(r.text[:0], content)
		content = r.text
	}
	for i := range a.choices {
		if a.choices[i].value == string(content) {
			return r.chosen(a.choices[i].node, pos, end)
		}
	}
	r.knowEveryName()
	return r.failName(ruleDiscriminator, a.discriminator, detail{text: a.allowed})
}

// knowEveryName keeps the object's fields from being called unknown where no branch could be chosen.
func (r *Report) knowEveryName() {
	if r.marks >= 0 {
		setBit(r.bits[r.marks:], everyName)
	}
}

// know adds the names that a branch's own schemas declare to those that are known.
func (r *Report) know(b *node) {
	if r.marks >= 0 {
		for i, w := range b.object.known {
			r.bits[r.marks+i] |= w
		}
	}
}

// chosen checks the one branch that can apply, so that its violations are the value's.
func (r *Report) chosen(b *node, pos, end int) bool {
	if !r.again(pos, end) || r.value(b, pos) < 0 {
		return false
	}
	r.know(b)
	return true
}

// rule is what a value breaks that no branch accepts, where the schema has a sentence for it.
func (a *alternative) rule() rule {
	if a.one {
		return ruleOneOf
	}
	return ruleAnyOf
}

// nearest records the violations of the branch that the value comes nearest to: one that at least allows its type, with
// the fewest violations, of those the one that names most of its members, and of those the one that gets deepest into it.
// The schema's own sentence says it instead, but for a type that no branch allows.
func (r *Report) nearest(a *alternative, pos, end int) {
	var kinds Kinds
	var best attempt
	first := len(r.violations)
	kind := kindOf(r.data[pos])
	for _, b := range a.branches {
		kinds |= b.kinds
		if b.kinds&kind == 0 && (kind != Number || b.kinds&Integer == 0) {
			continue
		}
		if !r.again(pos, end) {
			return
		}
		here, inserts := r.place(), len(r.inserts)
		r.marks = -1
		r.value(b, pos)
		if r.broken {
			return
		}
		r.restore(here)
		r.inserts = r.inserts[:inserts]
		found := attempt{b, r.violations[first:], r.named(b, pos)}
		if best.branch == nil || found.nearer(best) {
			found.violations = slices.Clone(found.violations)
			best = found
		}
		r.violations = r.violations[:first]
	}
	if best.branch == nil {
		r.knowEveryName()
		r.fail(ruleType, detail{kinds: kinds})
		return
	}
	r.know(best.branch)
	if a.message != "" {
		r.fail(a.rule(), detail{message: a.message})
		return
	}
	r.violations = append(r.violations, best.violations...)
}

// attempt is what became of a branch that did not accept a value.
type attempt struct {
	branch     *node
	violations []Violation
	named      int // members of the value that the branch names
}

func (a attempt) nearer(than attempt) bool {
	switch {
	case len(a.violations) != len(than.violations):
		return len(a.violations) < len(than.violations)
	case a.named != than.named:
		return a.named > than.named
	}
	return deepest(a.violations) > deepest(than.violations)
}

func deepest(violations []Violation) int {
	depth := 0
	for _, v := range violations {
		depth = max(depth, strings.Count(v.Pointer, "/"))
	}
	return depth
}

// named counts the members of the value at pos that a branch names.
func (r *Report) named(b *node, pos int) int {
	count := 0
	if r.data[pos] == '{' {
		r.eachMember(pos, func(name []byte, _ segment, _ int) bool {
			if b.object.names.find(name) != nil {
				count++
			}
			return true
		})
	}
	return count
}
