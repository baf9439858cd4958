package testkit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/tools/txtar"
)

// Vector is one parsed vector file.
type Vector struct {
	Name     string // the file's name as failures show it
	Title    string // the first line of its head
	chapters []chapter
}

// chapter is a run of steps under one "# title"; the steps before the first title have none.
type chapter struct {
	title string
	line  int
	steps []step
}

// step is one thing that a vector does or expects.
type step interface {
	// place is the line of the step's section mark.
	fmt.Stringer
	place() int
	// run does the step. An error tells what differs; mismatches carry their own lines.
	run(p *play) error
}

// mark is what every step knows of its section.
type mark struct {
	at    int    // the line of "-- name --"
	title string // the name
}

func (m mark) place() int     { return m.at }
func (m mark) String() string { return m.title }

// section is one "-- name --" with what follows it.
type section struct {
	mark
	data string
	from int // the line that data starts on
}

// Exchange is one HTTP request of a vector with the status that it expects.
type Exchange struct {
	Method, Path string // Path as the vector writes it: with its query and its {captures}
	Status       int
	Body         string // as the vector writes it
	Place        string // file:line
}

// ReadVectors parses every *.txtar file of dir. No file at all is an error: a runner that finds nothing proves nothing.
// Failures name the files as dir/NAME.
func ReadVectors(files fs.FS, dir string) ([]*Vector, error) {
	names, err := fs.Glob(files, path.Join(dir, "*.txtar"))
	if err != nil {
		return nil, fmt.Errorf("testkit.ReadVectors: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("testkit.ReadVectors: no *.txtar file in %s", dir)
	}
	var vectors []*Vector
	var mistakes []error
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("testkit.ReadVectors: %w", err)
		}
		vector, err := ParseVector(name, data)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		vectors = append(vectors, vector)
	}
	return vectors, errors.Join(mistakes...)
}

// ParseVector parses one file. Mistakes are told as name:line: what is wrong.
func ParseVector(name string, data []byte) (*Vector, error) {
	archive := txtar.Parse(data)
	line := 1 + strings.Count(string(archive.Comment), "\n")
	title, _, _ := strings.Cut(strings.TrimSpace(string(archive.Comment)), "\n")
	parser := newParser(name)
	if title == "" {
		parser.fail(1, "the head is missing: the first line says what the file shows")
	}
	for _, file := range archive.Files {
		parser.section(section{mark{line, file.Name}, string(file.Data), line + 1})
		line += 1 + strings.Count(string(file.Data), "\n")
	}
	chapters, err := parser.finish()
	if err != nil {
		return nil, err
	}
	return &Vector{Name: name, Title: title, chapters: chapters}, nil
}

// Exchanges lists the HTTP requests of the vector in their order, a repeated one once.
func (v *Vector) Exchanges() []Exchange {
	var all []Exchange
	for _, chapter := range v.chapters {
		for _, step := range chapter.steps {
			if x, ok := step.(*exchange); ok {
				all = append(all, Exchange{
					Method: x.method, Path: x.path, Status: x.want.status, Body: x.body,
					Place: fmt.Sprintf("%s:%d", v.Name, x.at),
				})
			}
		}
	}
	return all
}
