package contract

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// source knows the line of everything in a document, so that every refusal names the place to look at.
type source struct {
	file  string
	lines map[string]int // JSON pointer (RFC 6901) → 1-based line
	root  *yaml.Node
}

// readSource walks the YAML (or JSON) text. A name that is given twice in one mapping is an error: one of the two would
// silently lose.
func readSource(text []byte, file string) (*source, error) {
	s := &source{file: file, lines: map[string]int{}}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		line, message := splitYAMLError(err.Error())
		return nil, s.at(line, "%s", message)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, s.at(1, "not an OpenAPI document: the top level must be a mapping")
	}
	s.root = document.Content[0]
	if errs := s.walk(s.root, ""); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// walk records the lines below node. A member's line is that of its key, an item's that of its value.
func (s *source) walk(node *yaml.Node, pointer string) (errs []error) {
	if _, known := s.lines[pointer]; !known {
		s.lines[pointer] = node.Line
	}
	switch node.Kind {
	case yaml.SequenceNode:
		for i, item := range node.Content {
			errs = append(errs, s.walk(item, pointer+"/"+strconv.Itoa(i))...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			member := child(pointer, key.Value)
			if first, twice := s.lines[member]; twice {
				errs = append(errs, s.at(key.Line, "%q is given twice, first in line %d", key.Value, first))
				continue
			}
			s.lines[member] = key.Line
			errs = append(errs, s.walk(node.Content[i+1], member)...)
		}
	case yaml.AliasNode:
		errs = append(errs, s.at(node.Line, "YAML aliases are not supported: use $ref"))
	}
	return errs
}

// line is the line of pointer, or of the nearest thing around it.
func (s *source) line(pointer string) int {
	for {
		if line, ok := s.lines[pointer]; ok {
			return line
		}
		cut := strings.LastIndexByte(pointer, '/')
		if cut < 0 {
			return 1
		}
		pointer = pointer[:cut]
	}
}

// at is a refusal.
func (s *source) at(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", s.file, max(line, 1), fmt.Sprintf(format, args...))
}

// node is the YAML node at pointer, or nil.
func (s *source) node(pointer string) *yaml.Node {
	node := s.root
	for name := range jsontext.Pointer(pointer).Tokens() {
		next := memberOf(node, name)
		if next == nil {
			return nil
		}
		node = next
	}
	return node
}

func memberOf(node *yaml.Node, name string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	}
	return nil
}

// resolve follows a local $ref at pointer, so that refusals name the line of the component.
func (s *source) resolve(pointer string) string {
	for range 32 {
		node := s.node(pointer)
		if node == nil {
			return pointer
		}
		ref := memberOf(node, "$ref")
		if ref == nil || !strings.HasPrefix(ref.Value, "#/") {
			return pointer
		}
		pointer = ref.Value[1:]
	}
	return pointer
}

// child is the JSON pointer of a member or item of what pointer points to.
func child(pointer, name string) string { return string(jsontext.Pointer(pointer).AppendToken(name)) }

// splitYAMLError turns "yaml: line 3: message" into its parts.
func splitYAMLError(text string) (line int, message string) {
	message = strings.TrimPrefix(text, "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, tail, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				return n, tail
			}
		}
	}
	return 1, message
}
