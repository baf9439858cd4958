package testkit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a JSON value that knows its line.
type node struct {
	kind   jsontext.Kind // one of { [ " 0 t f n
	text   string        // a string's content, a number's digits, true, false or null
	names  []string      // of an object's members, in their order
	values []*node       // of an object's members, or an array's elements
	line   int
}

// parseJSON reads exactly one value. Duplicate names and invalid UTF-8 are mistakes.
func parseJSON(data string, line int) (*node, error) {
	nodes, err := parseValues(data, line)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 {
		return nil, &lineError{line, fmt.Errorf("%d JSON values where one is wanted", len(nodes))}
	}
	return nodes[0], nil
}

// parseValues reads values that follow one another.
func parseValues(data string, line int) ([]*node, error) {
	r := &jsonReader{data: data, line: line, dec: jsontext.NewDecoder(bytes.NewReader([]byte(data)))}
	var nodes []*node
	for {
		n, err := r.value()
		if err == io.EOF {
			return nodes, nil
		}
		if err != nil {
			at := r.dec.InputOffset()
			var syntax *jsontext.SyntacticError
			if errors.As(err, &syntax) {
				at = min(syntax.ByteOffset, int64(len(data)))
			}
			return nil, &lineError{line + strings.Count(data[:at], "\n"), fmt.Errorf("not JSON: %w", err)}
		}
		nodes = append(nodes, n)
	}
}

type jsonReader struct {
	data string
	line int
	dec  *jsontext.Decoder
}

// at is the line of what was read last.
func (r *jsonReader) at() int { return r.line + strings.Count(r.data[:r.dec.InputOffset()], "\n") }

func (r *jsonReader) value() (*node, error) {
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: token.Kind(), line: r.at()}
	switch n.kind {
	case '{':
		for r.dec.PeekKind() != '}' {
			name, err := r.dec.ReadToken()
			if err != nil {
				return nil, unexpected(err)
			}
			n.names = append(n.names, name.String())
			value, err := r.value()
			if err != nil {
				return nil, unexpected(err)
			}
			n.values = append(n.values, value)
		}
		_, err = r.dec.ReadToken()
	case '[':
		for r.dec.PeekKind() != ']' {
			value, err := r.value()
			if err != nil {
				return nil, unexpected(err)
			}
			n.values = append(n.values, value)
		}
		_, err = r.dec.ReadToken()
	default:
		n.text = token.String()
	}
	return n, err
}

// unexpected tells an end inside a value from the end of the values.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// member is the value of an object's member, or nil.
func (n *node) member(name string) *node {
	for i, other := range n.names {
		if other == name {
			return n.values[i]
		}
	}
	return nil
}

// String is the value as compact JSON, cut when it is long.
func (n *node) String() string {
	s := n.raw()
	if runes := []rune(s); len(runes) > 120 {
		return string(runes[:120]) + "…"
	}
	return s
}

// raw is the value as compact JSON.
func (n *node) raw() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.kind {
	case '{':
		b.WriteByte('{')
		for i, name := range n.names {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(name))
			b.WriteString(": ")
			n.values[i].write(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, value := range n.values {
			if i > 0 {
				b.WriteString(", ")
			}
			value.write(b)
		}
		b.WriteByte(']')
	case '"':
		b.WriteString(quote(n.text))
	default:
		b.WriteString(n.text)
	}
}

// quote is the text as a JSON string.
func quote(text string) string {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return fmt.Sprintf("%q", text) // invalid UTF-8, in a message for people
	}
	return string(quoted)
}

func looksLikeJSON(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && (strings.ContainsRune("{[\"", rune(text[0])) || text == "null" || text == "true" || text == "false")
}
