package testkit

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// raw is the kind of a node that is written as its text, whatever that is.
const raw = 'r'

// withBody is the draft's request with another body.
func (d *Draft) withBody(body []byte, what string, fields ...string) attempt {
	request := d.request()
	request.Body = body
	return attempt{Request: request, what: what, fields: fields}
}

// with is the draft's request with one value of its body replaced.
func (d *Draft) with(p place, value *node, what string) attempt {
	if p.parent == nil {
		return d.withBody([]byte(value.raw()), what)
	}
	p.parent.values[p.index] = value
	body := []byte(d.tree.raw())
	p.parent.values[p.index] = p.value
	return d.withBody(body, p.path+": "+what, p.path)
}

// objects are the places of the body that are objects.
func (d *Draft) objects() []place {
	var all []place
	for _, p := range d.places() {
		if p.value.kind == '{' {
			all = append(all, p)
		}
	}
	return all
}

// places are the values of the body that schemas describe.
func (d *Draft) places() []place {
	if d.tree == nil {
		return nil
	}
	return placesIn(bodySchema(d.Operation), d.tree)
}

// without is an object without its member i.
func (n *node) without(i int) *node {
	less := &node{kind: n.kind}
	for j := range n.values {
		if j != i {
			less.names, less.values = append(less.names, n.names[j]), append(less.values, n.values[j])
		}
	}
	return less
}

// and is an object with one more member, whose name may be there already.
func (n *node) and(name string, value *node) *node {
	return &node{kind: n.kind, names: append(append([]string{}, n.names...), name), values: append(append([]*node{}, n.values...), value)}
}

// naming makes an attempt on an object name one of its members.
func naming(a attempt, p place, member string) attempt {
	a.fields = []string{join(p.path, member)}
	a.what += ": " + member
	return a
}

// missing takes required members and parameters away.
func missing(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.objects() {
		for i, name := range p.value.names {
			if requires(p.schema, p.value, name) {
				all = append(all, naming(d.with(p, p.value.without(i), "missing"), p, name))
			}
		}
	}
	for _, p := range parametersOf(d.Operation) {
		if p.In == "query" && p.Required {
			request := d.request()
			request.Path, _, _ = strings.Cut(request.Path, "?")
			all = append(all, attempt{Request: request, what: "no parameters", fields: []string{p.Name}})
		}
	}
	return all
}

// unequal makes the members that x-equals ties together differ.
func unequal(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.places() {
		if _, tied := p.schema.Value.Extensions["x-equals"]; tied && p.value.kind == '"' {
			all = append(all, d.with(p, &node{kind: '"', text: p.value.text + "x"}, "unequal"))
		}
	}
	return all
}

func unknownField(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.objects() {
		if p.schema.Value.AdditionalProperties.Schema != nil || p.schema.Value.AdditionalProperties.Has != nil && *p.schema.Value.AdditionalProperties.Has {
			continue
		}
		for _, name := range []string{"unknown", "__proto__", "ünknown"} {
			all = append(all, naming(d.with(p, p.value.and(name, literal("x")), "unknown"), p, name))
		}
	}
	return all
}

// duplicateKey gives a member twice: the same value, and another one first.
func duplicateKey(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.objects() {
		for i, name := range p.value.names {
			all = append(all, naming(d.with(p, p.value.and(name, p.value.values[i]), "twice"), p, name))
			changed := p.value.and(name, p.value.values[i])
			changed.values[i] = literal("other")
			all = append(all, naming(d.with(p, changed, "twice, first otherwise"), p, name))
			if required := requires(p.schema, p.value, name); required {
				escaped := &node{kind: raw, text: strings.TrimSuffix(p.value.raw(), "}") + `, "\u` + hex4(rune(name[0])) + name[1:] + `": ` + p.value.values[i].raw() + "}"}
				all = append(all, naming(d.with(p, escaped, "twice, once escaped"), p, name))
			}
		}
	}
	return all
}

func hex4(char rune) string {
	const digits = "0123456789abcdef"
	return string([]byte{'0', '0', digits[char>>4&15], digits[char&15]})
}

// wrongCase writes a member's name otherwise, instead of it and beside it.
func wrongCase(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.objects() {
		for i, name := range p.value.names {
			for _, other := range []string{strings.ToUpper(name), swapFirst(name), strings.ToLower(name)} {
				if other == name || propertyOf(p.schema, p.value, other) != nil {
					continue
				}
				instead := naming(d.with(p, p.value.without(i).and(other, p.value.values[i]), "instead of "+name), p, other)
				instead.fields = append(instead.fields, join(p.path, name)) // a discriminator that is missing hides the rest
				all = append(all, instead,
					naming(d.with(p, p.value.and(other, p.value.values[i]), "beside "+name), p, other))
			}
		}
	}
	return all
}

func swapFirst(name string) string {
	first := rune(name[0])
	if unicode.IsUpper(first) {
		return string(unicode.ToLower(first)) + name[1:]
	}
	return string(unicode.ToUpper(first)) + name[1:]
}

// nul puts the NUL character into texts and parameters.
func nul(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.places() {
		if p.value.kind == '"' {
			quoted := p.value.raw()
			all = append(all, d.with(p, &node{kind: raw, text: quoted[:len(quoted)-1] + `\u0000"`}, "NUL"))
		}
	}
	for _, p := range d.objects() {
		all = append(all, d.withBody([]byte(strings.Replace(d.tree.raw(), p.value.raw(), p.value.and("\x00", literal(true)).raw(), 1)), "NUL in a name"))
	}
	return append(all, d.inTexts("%00", "NUL")...)
}

// invalidUTF8 puts broken characters into texts and parameters.
func invalidUTF8(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range d.places() {
		if p.value.kind != '"' {
			continue
		}
		quoted := p.value.raw()
		for _, broken := range []string{"\xff", "\xc3", "\xed\xa0\x80", `\ud800`, `\udc00\ud800`} {
			bad := d.with(p, &node{kind: raw, text: quoted[:len(quoted)-1] + broken + `"`}, "invalid UTF-8")
			bad.fields = nil // where a text is no text, its place may not be known
			all = append(all, bad)
		}
	}
	return append(all, append(d.inTexts("%FF", "invalid UTF-8"), d.inTexts("%C3", "half a character")...)...)
}

// inTexts adds something, escaped, to the parameters that are texts, and to one that nobody knows.
func (d *Draft) inTexts(escaped, what string) []attempt {
	var all []attempt
	for _, p := range parametersOf(d.Operation) {
		value, given := d.Params[p.Name]
		if !given || !facetsOf(itemOf(p)).is("string") {
			continue
		}
		request := d.request()
		path, query, _ := strings.Cut(request.Path, "?")
		if p.In == "path" {
			path = strings.Replace(path, value, value+escaped, 1)
		} else {
			query = strings.Replace(query, p.Name+"=", p.Name+"="+escaped, 1)
		}
		if query != "" {
			path += "?" + query
		}
		request.Path = path
		all = append(all, attempt{Request: request, what: p.Name + ": " + what, fields: []string{p.Name, p.Name + ".0"}})
	}
	if slices.ContainsFunc(parametersOf(d.Operation), func(p *openapi3.Parameter) bool { return p.In == "query" }) {
		all = append(all, d.withQuery("unknown="+escaped, "an unknown parameter: "+what, "unknown"))
	}
	return all
}

func noBody(_ *raid, d *Draft) []attempt {
	if d.tree == nil || !d.Operation.Spec.RequestBody.Value.Required {
		return nil
	}
	none, untyped, chunked := d.withBody(nil, "no body"), d.withBody(nil, "no body and no type"), d.withBody(nil, "no body, chunked")
	untyped.Header.Del("Content-Type")
	chunked.Chunked = true
	return []attempt{none, untyped, chunked}
}

// notJSON cuts the body off, and writes it as other languages do.
func notJSON(_ *raid, d *Draft) []attempt {
	if d.tree == nil {
		return nil
	}
	body := d.tree.raw()
	all := []attempt{
		d.withBody([]byte(" "), "a blank"),
		d.withBody([]byte("{"), "an open object"),
		d.withBody([]byte(body[:len(body)/2]), "half of it"),
		d.withBody([]byte(body[:len(body)-1]), "all but the end"),
		d.withBody([]byte("\ufeff"+body), "a byte order mark"),
		d.withBody([]byte(strings.ReplaceAll(body, `"`, `'`)), "single quotes"),
		d.withBody([]byte("/* comment */"+body), "a comment"),
		d.withBody([]byte("a=b&c=d"), "a form"),
		d.withBody([]byte(`{"a": NaN}`), "NaN"),
		d.withBody([]byte(`{"a": 01}`), "a leading zero"),
		d.withBody([]byte{0xff, 0xfe, '{', 0, '}', 0}, "UTF-16"),
	}
	if len(d.tree.names) > 0 {
		all = append(all, d.withBody([]byte(body[:len(body)-1]+",}"), "a comma at the end"))
	}
	return all
}

func trailingData(_ *raid, d *Draft) []attempt {
	if d.tree == nil {
		return nil
	}
	var all []attempt
	for _, more := range []string{"{}", d.tree.raw(), "]", ",", "\x00", " null"} {
		all = append(all, d.withBody([]byte(d.tree.raw()+more), "then "+more))
	}
	return all
}

// deepNesting stands arrays and objects of great depth for the body, for a member, and for one that nobody knows.
func deepNesting(_ *raid, d *Draft) []attempt {
	if d.tree == nil {
		return nil
	}
	limit := bodyLimit(d.Operation)
	depth := min(10_000, limit/20)
	arrays := &node{kind: raw, text: strings.Repeat("[", depth) + strings.Repeat("]", depth)}
	objects := &node{kind: raw, text: strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)}
	open := &node{kind: raw, text: strings.Repeat("[", limit/2)}
	var all []attempt
	for _, p := range d.objects() {
		for _, deep := range []*node{arrays, objects, open} {
			for _, bad := range []attempt{d.with(p, deep, "deep"), d.with(p, p.value.and("unknown", deep), "deep, unknown")} {
				bad.fields = nil
				all = append(all, bad)
			}
			if len(p.value.values) > 0 {
				changed := p.value.without(0).and(p.value.names[0], deep)
				bad := d.with(p, changed, "deep member")
				bad.fields = nil
				all = append(all, bad)
			}
		}
	}
	return all
}

// oversized sends more than the limit: announced and not, blanks around a good body and one long text.
func oversized(_ *raid, d *Draft) []attempt {
	if d.tree == nil {
		return nil
	}
	limit := bodyLimit(d.Operation)
	blanks := append(bytes.Repeat([]byte(" "), limit), d.tree.raw()...)
	text := []byte(d.tree.and("unknown", literal(strings.Repeat("x", limit))).raw())
	announced, chunked, long := d.withBody(blanks, "blanks"), d.withBody(blanks, "blanks, chunked"), d.withBody(text, "a long text")
	chunked.Chunked = true
	return []attempt{announced, chunked, long}
}

// bodyLimit is how many bytes an operation's body may have.
func bodyLimit(op *Operation) int {
	switch limit := op.Spec.Extensions["x-max-body"].(type) {
	case int:
		return limit
	case float64:
		return int(limit)
	}
	return 1 << 20
}

func mediaType(_ *raid, d *Draft) []attempt {
	if d.tree == nil {
		return nil
	}
	var all []attempt
	for _, other := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/jsonp",
		"application/json; charset=utf-16", "application/json, text/plain", "application", "*/*", "text/json",
	} {
		bad := d.withBody([]byte(d.tree.raw()), "media type "+other)
		bad.Header = http.Header{"Authorization": bad.Header["Authorization"]}
		if other != "" {
			bad.Header.Set("Content-Type", other)
		}
		all = append(all, bad)
	}
	twice := d.withBody([]byte(d.tree.raw()), "two media types")
	twice.Header.Add("Content-Type", "application/json")
	return append(all, twice)
}

func contentCoding(_ *raid, d *Draft) []attempt {
	if d.tree == nil {
		return nil
	}
	var all []attempt
	for _, coding := range []string{"gzip", "br", "identity, gzip"} {
		bad := d.withBody([]byte(d.tree.raw()), "coding "+coding)
		bad.Header.Set("Content-Encoding", coding)
		all = append(all, bad)
	}
	return all
}
