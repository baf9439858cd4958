package contract

import "strconv"

// english is the English catalogue.
func english(k rule, d detail) string {
	switch k {
	case ruleSyntax:
		return "is not valid JSON (at byte " + strconv.FormatUint(d.count, 10) + ")"
	case ruleUTF8:
		return "contains invalid UTF-8"
	case ruleNUL:
		return "must not contain the NUL character"
	case ruleDepth:
		return "is nested too deeply (more than " + strconv.FormatUint(d.count, 10) + " levels)"
	case ruleComplexity:
		return "is too complex to be checked"
	case ruleDuplicate:
		return "is given more than once"
	case ruleRange:
		return "is too large or too precise a number"
	case ruleType:
		return englishType(d)
	case ruleFormat:
		return englishFormat(d.text)
	case ruleEnum:
		return "must be one of: " + d.text
	case ruleConst:
		return "must be " + d.text
	case rulePattern:
		return "does not have the expected form (" + d.text + ")"
	case ruleMinLength:
		return "must have at least " + englishCount(d.count, "character", "characters")
	case ruleMaxLength:
		return "must have at most " + englishCount(d.count, "character", "characters")
	case ruleMinimum:
		return "must be at least " + d.text
	case ruleMaximum:
		return "must be at most " + d.text
	case ruleExclusiveMinimum:
		return "must be greater than " + d.text
	case ruleExclusiveMaximum:
		return "must be less than " + d.text
	case ruleMultipleOf:
		return "must be a multiple of " + d.text
	}
	return englishStructure(k, d)
}

// englishStructure is the part of the catalogue for arrays, objects and combinations.
func englishStructure(k rule, d detail) string {
	switch k {
	case ruleMinItems:
		return "must have at least " + englishCount(d.count, "item", "items")
	case ruleMaxItems:
		return "must have at most " + englishCount(d.count, "item", "items")
	case ruleUniqueItems:
		return "must not contain the same item twice"
	case ruleMinProperties:
		return "must have at least " + englishCount(d.count, "field", "fields")
	case ruleMaxProperties:
		return "must have at most " + englishCount(d.count, "field", "fields")
	case ruleRequired:
		return "is required"
	case ruleUnknown, ruleAdditional:
		return "is not a known field"
	case ruleReadOnly:
		return "is read-only"
	case ruleEquals:
		return "must be the same as " + d.text
	case ruleNot:
		return "has a form that is not allowed"
	case ruleOneOf:
		return "matches more than one of the possible forms"
	}
	return "must be one of: " + d.text // ruleDiscriminator
}

func englishType(d detail) string {
	if d.found == Null {
		return "must not be null"
	}
	names := kindNames(d.kinds, [6]string{"a string", "a number", "an integer", "a boolean", "an array", "an object"})
	switch {
	case len(names) == 0:
		return "must be null"
	case d.kinds&(Number|Integer) == Integer && d.found == Number:
		return "must be an integer, written without decimals or exponent"
	}
	return "must be " + join(names, "or")
}

func englishFormat(name string) string {
	switch name {
	case formatInt32, formatInt64:
		return "is too large or too small an integer"
	case formatFloat:
		return "is too large or too precise a number"
	case formatByte:
		return "must be base64 text"
	case formatDate:
		return "must be a date (YYYY-MM-DD)"
	case formatDateTime:
		return "must be a date and time (RFC 3339, such as 2025-01-31T09:30:00Z)"
	case formatTime:
		return "must be a time (RFC 3339, such as 09:30:00Z)"
	case formatUUID:
		return "must be a UUID"
	case formatEmail:
		return "must be an e-mail address"
	case formatURI:
		return "must be an absolute URI"
	case formatURIReference:
		return "must be a URI or a relative reference"
	case formatHostname:
		return "must be a host name"
	case formatIPv4:
		return "must be an IPv4 address"
	}
	return "must be an IPv6 address" // formatIPv6
}

func englishCount(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatUint(n, 10) + " " + many
}
