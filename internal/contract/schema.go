package contract

// Dialect is the schema language that a Schema was written in. It decides what null means and nothing else.
type Dialect uint8

// The two schema languages of the contracts.
const (
	AsyncAPI  Dialect = iota // JSON Schema: null is a type like the others
	OpenAPI30                // null is accepted where `nullable: true` says so, whatever else the schema asks
)

// Kinds is a set of JSON types.
type Kinds uint8

// The JSON types. A schema of type number has Number and Integer, one of type integer has Integer alone.
const (
	Null Kinds = 1 << iota
	Boolean
	Integer
	Number
	String
	Array
	Object

	anything = Null | notNull
	notNull  = Boolean | Integer | Number | String | Array | Object
)

// Schema is one schema in the intermediate form, which belongs to neither contract language: front ends write it, the
// compiler reads it. Schemas may refer to each other in cycles. The zero value of a field means that the keyword is absent.
type Schema struct {
	Dialect Dialect
	Pointer string // JSON pointer into the document, for refusals

	Types    Kinds // 0: the schema does not speak of types
	Nullable bool  // OpenAPI30 only
	Enum     [][]byte
	Default  []byte // JSON
	Format   string

	// Numbers, as decimal literals. OpenAPI's exclusive bounds are written as JSON Schema's.
	Minimum, Maximum, ExclusiveMinimum, ExclusiveMaximum, MultipleOf string

	MinLength uint64
	MaxLength *uint64 // code points
	Pattern   string  // ECMA 262

	MinItems    uint64
	MaxItems    *uint64
	UniqueItems bool
	Prefix      []*Schema // by position
	Items       *Schema   // the items behind Prefix

	MinProperties uint64
	MaxProperties *uint64
	Required      []string
	Properties    []Property
	Additional    Additional
	AdditionalOf  *Schema // with AdditionalSchema

	AllOf, OneOf, AnyOf []*Schema
	Not                 *Schema
	Discriminator       *Discriminator // of OneOf or AnyOf

	ReadOnly bool   // as a property: refused in what comes in
	Equals   string // as a property: the sibling it must equal (x-equals)
	Message  string // replaces the sentence for pattern, format, enum, x-equals, oneOf and anyOf (x-message)
}

// Property is one member of Schema.Properties, which is sorted by name.
type Property struct {
	Name   string
	Schema *Schema
}

// Additional is the additionalProperties keyword.
type Additional uint8

// What additionalProperties says.
const (
	AdditionalUnsaid  Additional = iota // the keyword is absent: CompilerConfig.UnknownFields decides
	AdditionalAllowed                   // true
	AdditionalRefused                   // false
	AdditionalSchema                    // a schema, in AdditionalOf
)

// Discriminator chooses the branch of OneOf or AnyOf by the value of one property.
type Discriminator struct {
	Property string
	Branches []DiscriminatorBranch // sorted by value
}

// DiscriminatorBranch says which schema a value of the discriminating property chooses.
type DiscriminatorBranch struct {
	Value  string
	Schema *Schema // one of OneOf or AnyOf
}
