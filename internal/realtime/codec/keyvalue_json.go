package codec

import (
	"encoding/json"
	"strings"

	"github.com/guichet-api/guichet/internal/realtime"
)

// appendValue appends a text value as the JSON type that the contract wants. What is none becomes a string: the contract's
// validator then says what is wrong, as it does on the wires that carry JSON.
func appendValue(b []byte, kind realtime.Kind, text string) []byte {
	switch kind {
	case realtime.Integer:
		if digits, ok := integer(text); ok {
			return append(b, digits...)
		}
	case realtime.Number:
		if json.Valid([]byte(text)) && strings.IndexByte("-0123456789", text[0]) >= 0 {
			return append(b, text...)
		}
	case realtime.Boolean:
		if text == "true" || text == "false" {
			return append(b, text...)
		}
	}
	return appendText(b, text)
}

// integer is a text of digits, perhaps with a sign, as JSON writes it: without plus and leading zeros.
func integer(text string) (string, bool) {
	digits, sign := text, ""
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		if digits[0] == '-' {
			sign = "-"
		}
		digits = digits[1:]
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0", true
	}
	return sign + digits, true
}

// appendText appends a JSON string. Invalid UTF-8 stays what it is, for the validator to refuse.
func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, text[start:i]...)
		start = i + 1
		if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			continue
		}
		b = append(b, '\\', c)
	}
	return append(append(b, text[start:]...), '"')
}
