package contract

// Program is a compiled schema. It is immutable and safe for concurrent use.
//
// A program is a node per schema, and a node is a flat list of checks: everything that allOf says of one value is merged
// into one node when it is compiled, so that a value is read once whatever the document's authors split it into. Only the
// branches of oneOf, anyOf and not read their value's bytes again.
//
// Where the specification leaves a choice, or nobody follows it:
//   - An integer is written without fraction and exponent, and fits int64 whatever its format: 1.0 and 1e2 are refused,
//     because the handlers' integers do not decode from them. Other numbers must fit float64, and are compared exactly.
//   - OpenAPI's nullable accepts null whatever enum says; no other schema does, {} included, except by its oneOf, anyOf
//     or allOf. So does kin-openapi.
//   - An object that has properties and says nothing of additional ones refuses them (CompilerConfig.UnknownFields).
//     Its oneOf and anyOf add what the branches that match declare, its allOf what all declare.
//   - A discriminator decides alone: the branch that it names must match, whatever others would.
//   - A default is for properties that may be absent: a required one is required with a default too.
//   - A read-only property is refused, and not required of what comes in.
//   - Names that occur twice, NUL, invalid UTF-8 and more than 64 levels are refused everywhere.
type Program struct {
	root *node
	lang string
}

// node holds the checks for one value.
type node struct {
	kinds   Kinds // what the value may be; null is decided here once and for all
	strings []stringRule
	numbers []numberRule
	array   *arrayRule
	object  *objectRule

	root   bool // first of its group: alternatives around it do not see its names
	whole  bool // there are checks on the whole value, below
	enums  []enumRule
	alts   []alternative
	nots   []*node
	closed *group // the object's fields that no alternative knows either are refused

	preset []byte // the default, as JSON; nil if there is none
}

// stringRule holds what one schema asks of a string.
type stringRule struct {
	min, max uint64 // code points
	pattern  *pattern
	format   *textFormat
	message  string // x-message
}

// numberRule holds what one schema asks of a number.
type numberRule struct {
	min, max                   *bound
	multipleOf                 divisor // mantissa 0: none
	multipleText               string
	size                       int // bits of an integer (32, 64) or a float (32)
	integer                    bool
	exclusiveMin, exclusiveMax *bound
	message                    string // x-message
}

// bound is one limit of a number.
type bound struct {
	value decimal
	float float64
	text  string
}

// arrayRule holds what all schemas of a node ask of an array.
type arrayRule struct {
	min, max uint64
	unique   bool
	prefix   []*node
	items    *node // nil: anything
}

// objectRule holds what all schemas of a node ask of an object. Bits are places in the group's list of names.
type objectRule struct {
	names    nameTable
	words    int      // length of the bit sets
	required []uint64 // names that must be there
	known    []uint64 // names that the node's own schemas declare; everyName if they allow any other
	presets  []preset
	equals   []equalRule

	min, max uint64
	extra    *node // checks a field that is not in names; nil: anything
	refuse   refusal
}

// refusal says why a field is refused, if it is.
type refusal uint8

const (
	accepted         refusal = iota
	unknownField             // no schema names it, and none says additionalProperties
	additionalField          // additionalProperties: false
	readOnlyProperty         // readOnly
)

// property is one name that an object's schemas mention.
type property struct {
	name   string
	bit    int
	node   *node
	refuse refusal
	slot   int // 1-based place among the values to compare, 0: not compared
}

// preset is the default of an absent property.
type preset struct {
	bit   int
	name  string
	value *node // whose preset it is
}

// equalRule asks that two properties have the same value.
type equalRule struct {
	slot, sibling int
	name, other   string
	message       string // x-message
}

// enumRule lists the values that are allowed.
type enumRule struct {
	canonical [][]byte // sorted
	plain     []string // those that are strings, for values without escapes
	text      string   // the list as messages show it
	single    bool
	message   string // x-message
}

// alternative is one oneOf or anyOf.
type alternative struct {
	one           bool // oneOf: exactly one branch
	branches      []*node
	discriminator string // the property that chooses; empty: try each branch
	choices       []choice
	allowed       string // the values of choices as messages show them
	message       string // x-message
}

// choice is the branch that a discriminator's value chooses.
type choice struct {
	value string
	node  *node
}

// group is what the schemas of one and the same object share: the numbering of names. Bit everyName stands for all names.
type group struct {
	bits  map[string]int
	names nameTable
	words int
}

// everyName is the bit of a set that says that every name is known.
const everyName = 0

func hasBit(set []uint64, bit int) bool { return set[bit>>6]&(1<<(bit&63)) != 0 }

func setBit(set []uint64, bit int) { set[bit>>6] |= 1 << (bit & 63) }

// Default is the schema's default as JSON and as parameter text (a string without its quotes). It must not be modified.
func (p *Program) Default() (json []byte, text string, ok bool) {
	json = p.root.preset
	if json == nil {
		return nil, "", false
	}
	if json[0] == '"' {
		return json, string(appendUnescaped(nil, json[1:len(json)-1])), true
	}
	return json, string(json), true
}
