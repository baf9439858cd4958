package asyncapi

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/contract"
	"go.yaml.in/yaml/v3"
)

// sources reads the files of a document and resolves references between them.
type sources struct {
	files    fs.FS
	read     map[string]contract.Place // root of each file by its path
	problems []problem
}

type problem struct {
	file string
	line int
	text string
}

// refuse notes that something cannot be generated.
func (s *sources) refuse(at contract.Place, format string, args ...any) {
	p := problem{file: at.File, line: 1, text: fmt.Sprintf(format, args...)}
	if at.Node != nil {
		p.line = at.Node.Line
	}
	if !slices.Contains(s.problems, p) {
		s.problems = append(s.problems, p)
	}
}

// err is everything refused so far, sorted by place; nil if nothing was.
func (s *sources) err() error {
	slices.SortStableFunc(s.problems, func(a, b problem) int {
		if a.file != b.file {
			return strings.Compare(a.file, b.file)
		}
		return a.line - b.line
	})
	var list []error
	for _, p := range s.problems {
		list = append(list, fmt.Errorf("%s:%d: %s", p.file, p.line, p.text))
	}
	return errors.Join(list...)
}

// root is the top of a file, which is read when it is first asked for.
func (s *sources) root(file string) (contract.Place, error) {
	if at, ok := s.read[file]; ok {
		return at, nil
	}
	text, err := fs.ReadFile(s.files, file)
	if err != nil {
		return contract.Place{}, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return contract.Place{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return contract.Place{}, fmt.Errorf("%s:1: the top level of a document is a mapping", file)
	}
	at := contract.Place{File: file, Dialect: contract.AsyncAPI, Node: document.Content[0]}
	if _, ok := at.Member("openapi"); ok {
		at.Dialect = contract.OpenAPI30
	}
	s.read[file] = at
	s.check(at)
	return at, nil
}

// check refuses what YAML allows and JSON does not have: names given twice, aliases, names that are no strings.
func (s *sources) check(at contract.Place) {
	switch at.Node.Kind {
	case yaml.AliasNode:
		s.refuse(at, "YAML aliases are not supported: use $ref")
	case yaml.MappingNode:
		names, values := at.Members()
		first := map[string]int{}
		for i, name := range names {
			if line, twice := first[name]; twice {
				s.refuse(values[i], "%q is given twice, first in line %d", name, line)
			}
			first[name] = values[i].Node.Line
			s.check(values[i])
		}
	}
	for _, item := range at.Items() {
		s.check(item)
	}
}

// resolve finds what a $ref that stands at a place refers to: in the same file, or in a file beside it.
func (s *sources) resolve(at contract.Place, ref string) (contract.Place, error) {
	file, pointer, ok := strings.Cut(ref, "#")
	if !ok || pointer != "" && !strings.HasPrefix(pointer, "/") {
		return contract.Place{}, fmt.Errorf("%q is no reference: [file]#/path/to/it", ref)
	}
	if strings.Contains(file, "://") {
		return contract.Place{}, fmt.Errorf("%q: contracts are read from files, not from the network", ref)
	}
	name := at.File
	if file != "" {
		name = path.Join(path.Dir(at.File), file)
	}
	target, err := s.root(name)
	if err != nil {
		return contract.Place{}, err
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		next, ok := target.Member(token)
		if !ok {
			for i, item := range target.Items() {
				if fmt.Sprint(i) == token {
					next, ok = item, true
				}
			}
		}
		if !ok {
			return contract.Place{}, fmt.Errorf("%s: there is no %s", ref, token)
		}
		target = next
	}
	return target, nil
}

// follow is the place itself, or what it refers to through any number of references.
func (s *sources) follow(at contract.Place) (contract.Place, bool) {
	for range 32 {
		ref, ok := at.Member("$ref")
		if !ok {
			return at, true
		}
		target, err := s.resolve(at, ref.Node.Value)
		if err != nil {
			s.refuse(ref, "%v", err)
			return at, false
		}
		at = target
	}
	s.refuse(at, "the reference leads in a circle")
	return at, false
}
