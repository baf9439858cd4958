package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// UnknownFields says what becomes of object members that no schema names.
type UnknownFields uint8

// An explicit additionalProperties always decides for its own object; so does an object without any properties, which is
// a map.
const (
	RefuseUnknown UnknownFields = iota // HTTP bodies: an object with properties is closed
	IgnoreUnknown                      // event wires: clients send more than the documents say
)

// CompilerConfig is what a Compiler needs to know of the document.
type CompilerConfig struct {
	File          string                   // named in refusals
	Lang          string                   // "fr" or "en": language of messages when a Report names none
	Line          func(pointer string) int // line of a JSON pointer in File, 0 if unknown; may be nil
	Place         func(s string) string    // instead of File and Line, for schemas of several files: "file:line" of Schema.Pointer
	UnknownFields UnknownFields
	Annotations   []string // formats that are accepted and not checked
}

// Compiler turns schemas into programs, each component once. It is not safe for concurrent use; its programs are.
type Compiler struct {
	cfg      CompilerConfig
	front    any // the OpenAPI front end once it was used: what it has read already
	nodes    map[nodeKey]*node
	merged   map[string]*Schema // schemas that stand for several, by the pointers of those
	presets  []presetSource
	problems []error
}

// nodeKey is a schema in its role: inside `not` objects are open, because a field too many must not make `not` accept.
type nodeKey struct {
	schema *Schema
	open   bool
}

// presetSource is a default to check once the node it belongs to can run.
type presetSource struct {
	node   *node
	schema *Schema
}

// NewCompiler returns a compiler for one document.
func NewCompiler(cfg CompilerConfig) *Compiler {
	return &Compiler{cfg: cfg, nodes: map[nodeKey]*node{}, merged: map[string]*Schema{}}
}

// Compile compiles a schema that a front end has written. Everything that is not supported is one error (errors.Join),
// with file and line, the first time that it is met.
func (c *Compiler) Compile(s *Schema) (*Program, error) {
	root := c.root(s, false)
	if len(c.problems) == 0 {
		c.checkPresets()
	}
	if len(c.problems) > 0 {
		err := errors.Join(c.problems...)
		c.problems, c.presets = nil, nil
		return nil, err
	}
	return &Program{root: root, lang: c.cfg.Lang}, nil
}

// refuse notes that something at a JSON pointer is not supported.
func (c *Compiler) refuse(pointer, format string, args ...any) {
	if c.cfg.Place != nil {
		c.problems = append(c.problems, fmt.Errorf("%s: %s", c.cfg.Place(pointer), fmt.Sprintf(format, args...)))
		return
	}
	place := c.cfg.File
	if line := c.line(pointer); line > 0 {
		place = fmt.Sprintf("%s:%d", place, line)
	}
	c.problems = append(c.problems, fmt.Errorf("%s: #%s: %s", place, pointer, fmt.Sprintf(format, args...)))
}

// line is the line of the pointer, or of the nearest parent that has one.
func (c *Compiler) line(pointer string) int {
	for c.cfg.Line != nil {
		if line := c.cfg.Line(pointer); line > 0 || pointer == "" {
			return line
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
	return 0
}

// root compiles a schema as the first of a value: the node that decides about null and unknown fields.
func (c *Compiler) root(s *Schema, open bool) *node {
	if s == nil {
		return nil
	}
	key := nodeKey{s, open}
	if n := c.nodes[key]; n != nil {
		return n
	}
	n := &node{}
	c.nodes[key] = n
	b := c.builder(s, open)
	b.fill(n, s, nil)
	n.root = true
	if b.closed() && len(n.alts) > 0 {
		n.closed = &b.group
	}
	return n
}

// merge returns a schema that means all of the given ones.
func (c *Compiler) merge(schemas []*Schema) *Schema {
	var distinct []*Schema
	for _, s := range schemas {
		if s != nil && !slices.Contains(distinct, s) {
			distinct = append(distinct, s)
		}
	}
	switch len(distinct) {
	case 0:
		return nil
	case 1:
		return distinct[0]
	}
	var key strings.Builder
	for _, s := range distinct {
		fmt.Fprintf(&key, "%p ", s)
	}
	if s := c.merged[key.String()]; s != nil {
		return s
	}
	s := &Schema{Dialect: distinct[0].Dialect, Pointer: distinct[0].Pointer, AllOf: distinct}
	c.merged[key.String()] = s
	return s
}

// checkPresets refuses defaults that their own schema refuses, and completes those that are objects with the defaults of
// their own properties.
func (c *Compiler) checkPresets() {
	report := NewReport(InBody, "", "en")
	for _, p := range c.presets {
		report.Reset(InBody, "", "en")
		program := Program{root: p.node}
		if !program.Validate(p.schema.Default, report) {
			v := report.Violations()[0]
			c.refuse(p.schema.Pointer+"/default", "the default %s is refused: %s %s", p.schema.Default, v.Pointer, v.Message)
			continue
		}
		p.node.preset = report.WithDefaults(p.node.preset)
	}
	c.presets = nil
}
