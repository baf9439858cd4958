package testkit

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// wanted is expected JSON, as the vector writes it.
type wanted struct {
	text string
	line int
}

// parseWanted checks expected JSON values before they are used.
func parseWanted(text string, line int) (*wanted, error) {
	w := &wanted{text, line}
	nodes, err := w.resolve(blank)
	if err != nil {
		return nil, err
	}
	return w, checkMatchers(nodes)
}

// resolve parses the values after fill has inserted what was captured.
func (w *wanted) resolve(fill func(string) (string, error)) ([]*node, error) {
	text, err := fill(w.text)
	if err != nil {
		return nil, err
	}
	return parseValues(text, w.line)
}

// checkMatchers looks at every matcher in the values.
func checkMatchers(nodes []*node) error {
	for _, n := range nodes {
		if n.kind == '"' && n.text != moreMark && n.text != anyOrderMark {
			if _, err := parsePattern(n.text); err != nil {
				return &lineError{n.line, err}
			}
		}
		if err := checkMatchers(n.values); err != nil {
			return err
		}
	}
	return nil
}

// answer is what a vector expects of an HTTP response.
type answer struct {
	mark
	status  int
	headers []wantedHeader
	json    *wanted      // the body is JSON,
	text    *textPattern // or text,
	empty   bool         // or there is none
}

// wantedHeader is an expected header; absent says that there must be none.
type wantedHeader struct {
	name    string
	line    int
	absent  bool
	pattern *textPattern
}

func parseAnswer(s section) (*answer, error) {
	status, err := strconv.Atoi(s.title)
	if err != nil {
		return nil, err
	}
	headers, body, line, err := splitHead(s)
	if err != nil {
		return nil, err
	}
	a := &answer{mark: s.mark, status: status}
	if a.headers, err = parseHeaders(headers); err != nil {
		return nil, err
	}
	switch {
	case strings.TrimSpace(body) == "":
		a.empty = true
	case looksLikeJSON(body):
		if a.json, err = parseWanted(body, line); err != nil {
			return nil, err
		}
		if nodes, err := a.json.resolve(blank); err != nil || len(nodes) != 1 {
			return nil, &lineError{line, fmt.Errorf("a body is one JSON value, not %d", len(nodes))}
		}
	default:
		a.text, err = compileText(strings.TrimSuffix(body, "\n"), line, false)
	}
	return a, err
}

func parseHeaders(headers []header) ([]wantedHeader, error) {
	var all []wantedHeader
	for _, h := range headers {
		pattern, err := compileText(h.value, h.line, false)
		if err != nil {
			return nil, err
		}
		all = append(all, wantedHeader{h.name, h.line, h.value == "<absent>", pattern})
	}
	return all, nil
}

// check compares a response. What it captures is kept even when something differs, so that later failures make sense.
func (a *answer) check(p *play, status int, headers http.Header, body []byte) []difference {
	var diffs []difference
	if status != a.status {
		diffs = append(diffs, difference{a.at, "status", strconv.Itoa(a.status), strconv.Itoa(status)})
	}
	for _, h := range a.headers {
		diffs = append(diffs, h.check(p, headers)...)
	}
	switch {
	case a.empty:
		if len(body) > 0 {
			diffs = append(diffs, difference{a.at, "body", "none", strconv.Itoa(len(body)) + " bytes"})
		}
	case a.text != nil:
		diffs = append(diffs, p.matchText(a.text, string(body))...)
	default:
		diffs = append(diffs, a.checkJSON(p, headers, body)...)
	}
	return diffs
}

func (a *answer) checkJSON(p *play, headers http.Header, body []byte) []difference {
	nodes, err := a.json.resolve(p.expectation)
	if err != nil {
		return []difference{{a.json.line, "body", "", err.Error()}}
	}
	got, err := parseJSON(string(body), 1)
	if err != nil {
		return []difference{{a.json.line, "body", "JSON", err.Error()}}
	}
	var diffs []difference
	if kind := headers.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		diffs = append(diffs, difference{a.at, "Content-Type", "application/json", fmt.Sprintf("%q", kind)})
	}
	return append(diffs, p.compare(nodes[0], got)...)
}

func (h wantedHeader) check(p *play, headers http.Header) []difference {
	values := headers.Values(h.name)
	switch {
	case h.absent && len(values) > 0:
		return []difference{{h.line, h.name, "no such header", fmt.Sprintf("%q", values)}}
	case h.absent:
		return nil
	case len(values) == 0:
		return []difference{{h.line, h.name, fmt.Sprintf("%q", h.pattern.text), "no such header"}}
	}
	got := strings.Join(values, ", ")
	if diffs := p.matchText(h.pattern, got); len(diffs) > 0 {
		return []difference{{h.line, h.name, fmt.Sprintf("%q", h.pattern.text), fmt.Sprintf("%q", got)}}
	}
	return nil
}

// headed is expected headers and text: what a mail is compared with.
type headed struct {
	headers []wantedHeader
	text    *textPattern
}

func parseHeaded(s section) (*headed, error) {
	headers, body, line, err := splitHead(s)
	if err != nil {
		return nil, err
	}
	if len(headers) == 0 && strings.TrimSpace(body) == "" {
		return nil, fmt.Errorf("-- %s -- expects nothing of the mail", s.title)
	}
	h := &headed{}
	if h.headers, err = parseHeaders(headers); err != nil {
		return nil, err
	}
	h.text, err = compileText(strings.TrimSuffix(body, "\n"), line, false)
	return h, err
}
