package testkit

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parser turns sections into steps, and knows at every line which names have been captured.
type parser struct {
	name     string
	chapters []chapter
	known    map[string]bool   // captured names
	wires    map[string]string // connection name → transport
	mistakes []error
}

func newParser(name string) *parser {
	return &parser{name: name, known: map[string]bool{"base": true, "n": true}, wires: map[string]string{}}
}

func (p *parser) fail(line int, format string, args ...any) {
	p.mistakes = append(p.mistakes, fmt.Errorf("%s:%d: %s", p.name, line, fmt.Sprintf(format, args...)))
}

// finish checks what only the whole file shows.
func (p *parser) finish() ([]chapter, error) {
	steps := 0
	for _, chapter := range p.chapters {
		steps += len(chapter.steps)
		if len(chapter.steps) == 0 {
			p.fail(chapter.line, "the chapter %q has no steps", chapter.title)
		}
		for _, step := range chapter.steps {
			if x, ok := step.(*exchange); ok && x.want == nil {
				p.fail(x.at, "%s: no answer is expected: follow it with a section such as -- 200 --", x.title)
			}
		}
	}
	if steps == 0 {
		p.fail(1, "there are no steps")
	}
	return p.chapters, errors.Join(p.mistakes...)
}

// section reads one section: a title, or a step, or the second half of the step before it.
func (p *parser) section(s section) {
	if title, ok := strings.CutPrefix(s.title, "# "); ok {
		if strings.TrimSpace(s.data) != "" {
			p.fail(s.from, "a chapter's title has no text of its own")
		}
		p.chapters = append(p.chapters, chapter{title: title, line: s.at})
		return
	}
	p.uses(s.title, s.at)
	p.uses(s.data, s.from)
	step, err := p.step(s)
	if err != nil {
		var at *lineError
		if errors.As(err, &at) {
			p.fail(at.line, "%v", at.err)
		} else {
			p.fail(s.at, "%v", err)
		}
		return
	}
	p.captures(s.data)
	if step == nil {
		return
	}
	if len(p.chapters) == 0 {
		p.chapters = append(p.chapters, chapter{line: s.at})
	}
	last := &p.chapters[len(p.chapters)-1]
	last.steps = append(last.steps, step)
}

// last is the step before this section, if the chapter has one.
func (p *parser) last() step {
	if len(p.chapters) == 0 {
		return nil
	}
	steps := p.chapters[len(p.chapters)-1].steps
	if len(steps) == 0 {
		return nil
	}
	return steps[len(steps)-1]
}

// lineError is a mistake on a line of its own.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }

var (
	statusMark = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
	httpMark   = regexp.MustCompile(`^(?:([1-9][0-9]*) times )?([A-Z]+) (/(?:\{repeat [0-9]+ [^{} ]+\}|\S)*)(?: as ([a-z][A-Za-z0-9]*))?( escaped)?$`)
	wireMark   = regexp.MustCompile(`^([a-z][A-Za-z0-9]*): (\S+)(?: (.*))?$`)
	loginMark  = regexp.MustCompile(`^login (\S+)(?: (\S+))? as ([a-z][A-Za-z0-9]*)$`)
)

// step parses one section. A nil step is the second half of the one before.
func (p *parser) step(s section) (step, error) {
	verb, rest, _ := strings.Cut(s.title, " ")
	switch {
	case statusMark.MatchString(s.title):
		return nil, p.answer(s)
	case httpMark.MatchString(s.title):
		return p.request(s)
	case wireMark.MatchString(s.title):
		return p.wire(s)
	case verb == "login":
		return p.login(s)
	case verb == "clock":
		return parseClock(s, rest)
	case verb == "mail" && rest != "":
		pattern, err := parseHeaded(s)
		return &mailStep{mark: s.mark, address: rest, want: pattern}, err
	case strings.HasPrefix(s.title, "no mail "):
		return &noMailStep{mark: s.mark, address: strings.TrimPrefix(s.title, "no mail ")}, empty(s)
	case verb == "do" && rest != "":
		return &doStep{mark: s.mark, words: strings.Fields(rest)}, empty(s)
	}
	return nil, fmt.Errorf("no such step: -- %s --", s.title)
}

// empty refuses text under a section that takes none.
func empty(s section) error {
	if strings.TrimSpace(s.data) != "" {
		return &lineError{s.from, fmt.Errorf("-- %s -- takes no text", s.title)}
	}
	return nil
}

func (p *parser) login(s section) (step, error) {
	m := loginMark.FindStringSubmatch(s.title)
	if m == nil {
		return nil, errors.New("a login is -- login ACCOUNT as NAME -- or -- login IDENTITY PASSWORD as NAME --")
	}
	p.known[m[3]] = true
	return &loginStep{mark: s.mark, account: m[1], password: m[2], as: m[3]}, empty(s)
}

func parseClock(s section, rest string) (step, error) {
	if err := empty(s); err != nil {
		return nil, err
	}
	if d, err := time.ParseDuration(rest); err == nil && (rest[0] == '+' || rest[0] == '-') {
		return &clockStep{mark: s.mark, move: d}, nil
	}
	to, err := time.Parse(time.RFC3339, rest)
	if err != nil {
		return nil, errors.New("a clock step is -- clock +25h -- or -- clock 2025-12-31T23:00:00Z --")
	}
	return &clockStep{mark: s.mark, to: to}, nil
}

func (p *parser) request(s section) (step, error) {
	m := httpMark.FindStringSubmatch(s.title)
	x := &exchange{mark: s.mark, times: 1, method: m[2], path: m[3], as: m[4]}
	if m[1] != "" {
		times, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		x.times = times
	}
	if x.as != "" && !p.known[x.as] {
		return nil, fmt.Errorf("nobody logged in as %q before this line, and no such token was captured", x.as)
	}
	headers, body, _, err := splitHead(s)
	if err != nil {
		return nil, err
	}
	x.headers, x.body, x.escaped = headers, strings.TrimSuffix(body, "\n"), m[5] != ""
	if x.escaped {
		if _, err := unescape(x.body); err != nil {
			return nil, &lineError{s.from, err}
		}
	}
	return x, nil
}

// answer completes the request, or the connection, that came right before.
func (p *parser) answer(s section) error {
	want, err := parseAnswer(s)
	if err != nil {
		return err
	}
	switch last := p.last().(type) {
	case *exchange:
		if last.want == nil {
			last.want = want
			return nil
		}
	case *connectStep:
		if last.want == nil && last.transport != "tcp" {
			last.want = want
			return nil
		}
	}
	return errors.New("an answer must follow the request that it answers")
}

// uses checks that every {name} in the text was captured before.
func (p *parser) uses(text string, line int) {
	for _, at := range useMark.FindAllStringSubmatchIndex(text, -1) {
		if name := text[at[2]:at[3]]; !p.known[name] && !escapedUse(text, at[0], at[1]) {
			p.fail(line+strings.Count(text[:at[0]], "\n"), "{%s} was not captured before this line; {{%s}} is the text itself", name, name)
		}
	}
}

// captures notes the names that the text captures.
func (p *parser) captures(text string) {
	for _, m := range captureMark.FindAllStringSubmatch(text, -1) {
		p.known[m[1]] = true
	}
}

var captureMark = regexp.MustCompile(` as ([a-z][A-Za-z0-9]*)>`)

// header is one header line of a section.
type header struct {
	name, value string
	line        int
}

var headerLine = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*):(?: (.*))?$`)

// splitHead cuts a section's text into header lines and, after a blank line, the body. A text whose first line is no header
// is all body; one that starts with a blank line has no headers.
func splitHead(s section) (headers []header, body string, bodyLine int, err error) {
	rest, line := s.data, s.from
	for rest != "" {
		first, after, _ := strings.Cut(rest, "\n")
		if first == "" {
			return headers, after, line + 1, nil
		}
		m := headerLine.FindStringSubmatch(first)
		if m == nil {
			break
		}
		headers = append(headers, header{m[1], m[2], line})
		rest, line = after, line+1
	}
	if rest != "" && len(headers) > 0 {
		return nil, "", 0, &lineError{line, errors.New("a blank line must part the headers from the body")}
	}
	return headers, rest, line, nil
}

// words cuts the options of a connection's step.
func words(s string) []string {
	return slices.DeleteFunc(strings.Split(s, " "), func(w string) bool { return w == "" })
}
