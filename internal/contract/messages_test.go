package contract

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// schemaOf reads a schema.
func schemaOf(t testing.TB, text string) *openapi3.Schema {
	t.Helper()
	var s openapi3.Schema
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// TestMessages shows every sentence of both catalogues.
func TestMessages(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, value, keyword, fr, en string }{
		{`{}`, `{"a":`, "syntax", "n'est pas du JSON valide (à l'octet 5)", "is not valid JSON (at byte 5)"},
		{`{}`, "\"\xff\"", "utf8", "contient de l'UTF-8 invalide", "contains invalid UTF-8"},
		{`{}`, `"a\u0000"`, "nul", "ne doit pas contenir le caractère NUL", "must not contain the NUL character"},
		{`{}`, strings.Repeat("[", 65), "depth", "est imbriqué trop profondément (plus de 64 niveaux)", "is nested too deeply (more than 64 levels)"},
		{`{}`, `{"a":1,"a":2}`, "duplicate", "est donné plusieurs fois", "is given more than once"},
		{`{}`, `1e400`, "range", "est un nombre trop grand ou trop précis", "is too large or too precise a number"},
		{`{"type":"string"}`, `1`, "type", "doit être une chaîne de caractères", "must be a string"},
		{`{"type":"number"}`, `"1"`, "type", "doit être un nombre", "must be a number"},
		{`{"type":"integer"}`, `"1"`, "type", "doit être un entier", "must be an integer"},
		{`{"type":"integer"}`, `1.0`, "type", "doit être un entier, écrit sans décimales ni exposant", "must be an integer, written without decimals or exponent"},
		{`{"type":"boolean"}`, `0`, "type", "doit être un booléen", "must be a boolean"},
		{`{"type":"array","items":{}}`, `{}`, "type", "doit être un tableau", "must be an array"},
		{`{"type":"object"}`, `[]`, "type", "doit être un objet", "must be an object"},
		{`{"type":"object"}`, `null`, "type", "ne doit pas être null", "must not be null"},
		{`{"oneOf":[{"type":"string"},{"type":"number"},{"type":"boolean"}]}`, `[]`, "type", "doit être une chaîne de caractères, un nombre ou un booléen", "must be a string, a number or a boolean"},
		{`{"type":"integer","format":"int32"}`, `2147483648`, "format", "est un entier trop grand ou trop petit", "is too large or too small an integer"},
		{`{"type":"number","format":"float"}`, `1e39`, "format", "est un nombre trop grand ou trop précis", "is too large or too precise a number"},
		{`{"type":"string","format":"byte"}`, `"?"`, "format", "doit être un texte en base64", "must be base64 text"},
		{`{"type":"string","format":"date"}`, `"2025-02-30"`, "format", "doit être une date (AAAA-MM-JJ)", "must be a date (YYYY-MM-DD)"},
		{`{"type":"string","format":"date-time"}`, `"?"`, "format", "doit être une date avec l'heure (RFC 3339, par exemple 2025-01-31T09:30:00Z)", "must be a date and time (RFC 3339, such as 2025-01-31T09:30:00Z)"},
		{`{"type":"string","format":"time"}`, `"?"`, "format", "doit être une heure (RFC 3339, par exemple 09:30:00Z)", "must be a time (RFC 3339, such as 09:30:00Z)"},
		{`{"type":"string","format":"uuid"}`, `"?"`, "format", "doit être un UUID", "must be a UUID"},
		{`{"type":"string","format":"email"}`, `"?"`, "format", "doit être une adresse e-mail", "must be an e-mail address"},
		{`{"type":"string","format":"uri"}`, `"?"`, "format", "doit être un URI absolu", "must be an absolute URI"},
		{`{"type":"string","format":"uri-reference"}`, `"%"`, "format", "doit être un URI ou une référence relative", "must be a URI or a relative reference"},
		{`{"type":"string","format":"hostname"}`, `"?"`, "format", "doit être un nom d'hôte", "must be a host name"},
		{`{"type":"string","format":"ipv4"}`, `"?"`, "format", "doit être une adresse IPv4", "must be an IPv4 address"},
		{`{"type":"string","format":"ipv6"}`, `"?"`, "format", "doit être une adresse IPv6", "must be an IPv6 address"},
		{`{"enum":["A",2,true]}`, `"B"`, "enum", "doit être l'une des valeurs suivantes : A, 2, true", "must be one of: A, 2, true"},
		{`{"enum":["A"]}`, `"B"`, "enum", "doit valoir A", "must be A"},
		{`{"pattern":"^[A-Z]+$"}`, `"b"`, "pattern", "n'a pas la forme attendue (^[A-Z]+$)", "does not have the expected form (^[A-Z]+$)"},
		{`{"minLength":8}`, `"é"`, "minLength", "doit contenir au moins 8 caractères", "must have at least 8 characters"},
		{`{"minLength":1}`, `""`, "minLength", "doit contenir au moins 1 caractère", "must have at least 1 character"},
		{`{"maxLength":2}`, `"été"`, "maxLength", "doit contenir au plus 2 caractères", "must have at most 2 characters"},
		{`{"maxLength":0}`, `"a"`, "maxLength", "doit contenir au plus 0 caractère", "must have at most 0 characters"},
		{`{"minimum":0.5}`, `0.25`, "minimum", "doit être supérieur ou égal à 0,5", "must be at least 0.5"},
		{`{"maximum":10}`, `11`, "maximum", "doit être inférieur ou égal à 10", "must be at most 10"},
		{`{"minimum":0,"exclusiveMinimum":true}`, `0`, "exclusiveMinimum", "doit être strictement supérieur à 0", "must be greater than 0"},
		{`{"maximum":1,"exclusiveMaximum":true}`, `1`, "exclusiveMaximum", "doit être strictement inférieur à 1", "must be less than 1"},
		{`{"multipleOf":0.01}`, `0.015`, "multipleOf", "doit être un multiple de 0,01", "must be a multiple of 0.01"},
		{`{"minItems":2}`, `[1]`, "minItems", "doit contenir au moins 2 éléments", "must have at least 2 items"},
		{`{"maxItems":1}`, `[1,2]`, "maxItems", "doit contenir au plus 1 élément", "must have at most 1 item"},
		{`{"uniqueItems":true}`, `[1,2,1.0]`, "uniqueItems", "ne doit pas contenir deux fois le même élément", "must not contain the same item twice"},
		{`{"minProperties":1}`, `{}`, "minProperties", "doit contenir au moins 1 champ", "must have at least 1 field"},
		{`{"maxProperties":1}`, `{"a":1,"b":2}`, "maxProperties", "doit contenir au plus 1 champ", "must have at most 1 field"},
		{`{"required":["a"]}`, `{}`, "required", "est obligatoire", "is required"},
		{`{"properties":{"a":{}}}`, `{"b":1}`, "unknown", "n'est pas un champ connu", "is not a known field"},
		{`{"additionalProperties":false}`, `{"b":1}`, "additionalProperties", "n'est pas un champ connu", "is not a known field"},
		{`{"properties":{"a":{"readOnly":true}}}`, `{"a":1}`, "readOnly", "est en lecture seule", "is read-only"},
		{`{"properties":{"a":{},"b":{"x-equals":"a"}}}`, `{"a":1,"b":2}`, "x-equals", "doit être identique à a", "must be the same as a"},
		{`{"not":{"type":"string"}}`, `"a"`, "not", "a une forme qui n'est pas autorisée", "has a form that is not allowed"},
		{`{"anyOf":[{"type":"string","format":"date"}],"x-message":"(x-message)"}`, `"a"`, "anyOf", "(x-message)", "(x-message)"},
		{`{"oneOf":[{"type":"string"},{"maxLength":3}]}`, `"a"`, "oneOf", "correspond à plusieurs des formes possibles", "matches more than one of the possible forms"},
	}
	seen := map[string]bool{"complexity": true, "discriminator": true} // in TestComplexity, TestDiscriminator
	for _, test := range tests {
		seen[test.keyword] = true
		for lang, want := range map[string]string{"fr": test.fr, "en": test.en} {
			r := NewReport(InBody, "", lang)
			p := mustCompile(t, schemaOf(t, test.schema), RefuseUnknown)
			if p.Validate([]byte(test.value), r) || len(r.Violations()) != 1 {
				t.Errorf("%s %s: %v", test.schema, test.value, r.Violations())
				continue
			}
			if v := r.Violations()[0]; v.Keyword != test.keyword || v.Message != want {
				t.Errorf("%s %s:\n%s %q, not\n%s %q", test.schema, test.value, v.Keyword, v.Message, test.keyword, want)
			}
		}
	}
	for k := range ruleCount {
		if !seen[k.keyword()] {
			t.Errorf("no example of %s", k.keyword())
		}
	}
}

// TestMessageOverride shows what x-message replaces, and what it does not.
func TestMessageOverride(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, value, want string }{
		{`{"pattern":"[A-Z]","x-message":"doit contenir une majuscule"}`, `"a"`, "doit contenir une majuscule"},
		{`{"type":"string","format":"email","x-message":"n'est pas joignable"}`, `"a"`, "n'est pas joignable"},
		{`{"enum":["A"],"x-message":"n'existe pas"}`, `"a"`, "n'existe pas"},
		{`{"enum":["A","B"],"x-message":"n'existe pas"}`, `1`, "n'existe pas"},
		{`{"properties":{"a":{},"b":{"x-equals":"a","x-message":"ne correspond pas"}}}`, `{"b":1}`, "ne correspond pas"},
		{`{"type":"string","pattern":"a","x-message":"x"}`, `1`, "doit être une chaîne de caractères"},
		{`{"anyOf":[{"type":"string","format":"date"},{"type":"string","format":"date-time"}],"x-message":"n'est pas une date"}`, `"a"`, "n'est pas une date"},
		{`{"oneOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}],"x-message":"ne dit pas quoi"}`, `{}`, "ne dit pas quoi"},
		{`{"oneOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}],"x-message":"ne dit pas quoi"}`, `{"a":1,"b":1}`, "ne dit pas quoi"},
		{`{"anyOf":[{"type":"string","format":"date"}],"x-message":"x"}`, `1`, "doit être une chaîne de caractères"},
		{`{"pattern":"b","minLength":3,"x-message":"x"}`, `"b"`, "doit contenir au moins 3 caractères"},
	}
	for _, test := range tests {
		r := NewReport(InBody, "", "fr")
		mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).Validate([]byte(test.value), r)
		if len(r.Violations()) != 1 || r.Violations()[0].Message != test.want {
			t.Errorf("%s %s: %v, want %q", test.schema, test.value, r.Violations(), test.want)
		}
	}
}
