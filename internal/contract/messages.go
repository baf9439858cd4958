package contract

import "strings"

// rule is one thing a value can break.
type rule uint8

const (
	ruleSyntax rule = iota
	ruleUTF8
	ruleNUL
	ruleDepth
	ruleComplexity
	ruleDuplicate
	ruleRange
	ruleType
	ruleFormat
	ruleEnum
	ruleConst
	rulePattern
	ruleMinLength
	ruleMaxLength
	ruleMinimum
	ruleMaximum
	ruleExclusiveMinimum
	ruleExclusiveMaximum
	ruleMultipleOf
	ruleMinItems
	ruleMaxItems
	ruleUniqueItems
	ruleMinProperties
	ruleMaxProperties
	ruleRequired
	ruleUnknown
	ruleAdditional
	ruleReadOnly
	ruleEquals
	ruleNot
	ruleOneOf
	ruleAnyOf
	ruleDiscriminator
	ruleCount
)

// keyword is the rule's name in Violation.Keyword: the schema keyword where there is one. An enum of one value, which is
// how a constant is written, has a sentence of its own.
func (k rule) keyword() string {
	return [ruleCount]string{
		"syntax", "utf8", "nul", "depth", "complexity", "duplicate", "range", "type", "format", "enum", "enum", "pattern",
		"minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required", "unknown",
		"additionalProperties", "readOnly", "x-equals", "not", "oneOf", "anyOf", "discriminator",
	}[k]
}

func (f refusal) rule() rule {
	return [...]rule{unknownField: ruleUnknown, additionalField: ruleAdditional, readOnlyProperty: ruleReadOnly}[f]
}

func (e *enumRule) rule() rule {
	if e.single {
		return ruleConst
	}
	return ruleEnum
}

// detail is what a sentence says besides the rule.
type detail struct {
	count   uint64
	text    string
	kinds   Kinds
	found   Kinds  // the value's type, where it matters
	message string // x-message: the whole sentence
}

// sentence says in the document's language what is wrong: a predicate, whose subject is the field.
func sentence(lang string, k rule, d detail) string {
	if lang == "fr" {
		return french(k, d)
	}
	return english(k, d)
}

// join writes names as "a, b or c".
func join(names []string, or string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + or + " " + names[last]
}

// kindNames are the names of the kinds that a value may have. null goes without saying, unless it is alone.
func kindNames(k Kinds, names [6]string) []string {
	if k&Number != 0 {
		k &^= Integer
	}
	var list []string
	for i, kind := range [...]Kinds{String, Number, Integer, Boolean, Array, Object} {
		if k&kind != 0 {
			list = append(list, names[i])
		}
	}
	return list
}
