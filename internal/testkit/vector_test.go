package testkit

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadVectorsOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := ReadVectors(fstest.MapFS{"v/readme.md": {}}, "v"); err == nil || !strings.Contains(err.Error(), "no *.txtar file in v") {
		t.Errorf("a directory without vectors: %v", err)
	}
}

// TestParseVectorMistakes: each mistake is told with the line it is on.
func TestParseVectorMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"no head":              {"-- GET / --\n-- 200 --\n", "v:1: the head is missing"},
		"no steps":             {"Nothing.\n", "v:1: there are no steps"},
		"empty chapter":        {"Head.\n-- # one --\n-- # two --\n-- clock +1h --\n", `v:2: the chapter "one" has no steps`},
		"text in a title":      {"Head.\n-- # one --\ntext\n-- clock +1h --\n", "v:3: a chapter's title"},
		"unknown step":         {"Head.\n-- jump --\n", "v:2: no such step: -- jump --"},
		"no answer":            {"Head.\n-- GET / --\n-- GET /b --\n-- 200 --\n", "v:2: GET /: no answer is expected"},
		"answer to nothing":    {"Head.\n-- 200 --\n", "v:2: an answer must follow"},
		"second answer":        {"Head.\n-- GET / --\n-- 200 --\n-- 200 --\n", "v:4: an answer must follow"},
		"answer over a title":  {"Head.\n-- GET / --\n-- # x --\n-- 200 --\n", "v:4: an answer must follow"},
		"unknown capture":      {"Head.\n-- POST / --\n{\"a\":1,\n\"b\": \"{b}\"}\n-- 200 --\n", "v:4: {b} was not captured"},
		"capture too late":     {"Head.\n-- GET /{b} --\n-- 200 --\n{\"a\": \"<any as b>\"}\n", "v:2: {b} was not captured"},
		"unknown matcher":      {"Head.\n-- GET / --\n-- 200 --\n{\n\"a\": \"<uid>\"}\n", "v:5: <uid> is no matcher"},
		"bad regexp":           {"Head.\n-- GET / --\n-- 200 --\n{\"a\": \"<string ~ (>\"}\n", "v:4: <string ~ (>: error parsing regexp"},
		"regexp of a number":   {"Head.\n-- GET / --\n-- 200 --\n{\"a\": \"<number ~ 1>\"}\n", "v:4: <number ~ 1>: only a string"},
		"open matcher":         {"Head.\n-- GET / --\n-- 200 --\n{\"a\": \"<uuid\"}\n", "v:4: a matcher is not closed"},
		"broken JSON":          {"Head.\n-- GET / --\n-- 200 --\n{\"a\": 1,\n}\n", "v:4: not JSON"},
		"duplicate member":     {"Head.\n-- GET / --\n-- 200 --\n{\"a\": 1,\n\"a\": 2}\n", "v:5: not JSON"},
		"two bodies":           {"Head.\n-- GET / --\n-- 200 --\n{}\n{}\n", "v:4: a body is one JSON value"},
		"no blank line":        {"Head.\n-- GET / --\nA: b\n{}\n-- 200 --\n", "v:4: a blank line must part"},
		"nobody":               {"Head.\n-- GET / as bob --\n-- 200 --\n", `v:2: nobody logged in as "bob"`},
		"login without name":   {"Head.\n-- login client --\n", "v:2: a login is"},
		"clock":                {"Head.\n-- clock tomorrow --\n", "v:2: a clock step is"},
		"mail of nothing":      {"Head.\n-- mail a@b.c --\n", "v:2: -- mail a@b.c -- expects nothing"},
		"text under a login":   {"Head.\n-- login client as bob --\nx\n", "v:3: -- login client as bob -- takes no text"},
		"bad escape":           {"Head.\n-- POST / escaped --\n\\q\n-- 200 --\n", "v:3: \"\\\\q\" is no escape"},
		"not connected":        {"Head.\n-- ben: send --\nx\n", "v:2: ben was not connected"},
		"no transport":         {"Head.\n-- ben: connect udp --\n", "v:2: a connection starts with"},
		"ws without path":      {"Head.\n-- ben: connect ws --\n", "v:2: connect ws needs a path"},
		"tcp with path":        {"Head.\n-- ben: connect tcp /x --\n", "v:2: connect tcp takes neither"},
		"event on ws":          {"Head.\n-- ben: connect ws / --\n-- ben: send hello --\n", "v:3: ws sends one text frame"},
		"no event":             {"Head.\n-- ben: connect socketio --\n-- ben: send --\n", "v:3: socketio sends events"},
		"no event expected":    {"Head.\n-- ben: connect socketio --\n-- ben: expect --\n{}\n", "v:4: without an EVENT"},
		"ack of nothing":       {"Head.\n-- ben: connect socketio --\n-- ben: ack --\n1\n", "v:3: an ack must follow"},
		"expect nothing":       {"Head.\n-- ben: connect ws / --\n-- ben: expect --\n", "v:3: expect what?"},
		"order of bytes":       {"Head.\n-- ben: connect tcp --\n-- ben: expect in any order --\nx\n", "v:3: bytes come in one order"},
		"close code on tcp":    {"Head.\n-- ben: connect tcp --\n-- ben: expect close 1000 --\n", "v:3: expect close takes a code on ws only"},
		"answer to a tcp dial": {"Head.\n-- ben: connect tcp --\n-- 200 --\n", "v:3: an answer must follow"},
		"auth payload on ws":   {"Head.\n-- ben: connect ws / --\n\n{}\n", "v:4: only socketio sends something"},
		"several at once":      {"Head.\n-- a --\n-- b --\n", "v:2: no such step: -- a --\nv:3: no such step: -- b --"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseVector("v", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want %q, got: %v", test.want, err)
			}
		})
	}
}

func TestExchanges(t *testing.T) {
	t.Parallel()
	v, err := ParseVector("v", []byte("Head.\nmore\n\n-- 3 times GET /a?b=c --\n-- 200 --\n-- # x --\n-- POST /b --\n{\"n\": {n}}\n-- 404 --\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := v.Exchanges()
	want := []Exchange{{"GET", "/a?b=c", 200, "", "v:4"}, {"POST", "/b", 404, `{"n": {n}}`, "v:7"}}
	if v.Title != "Head." || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("title %q, exchanges %v", v.Title, got)
	}
}

// TestCompare: what is the same, what differs, and what is captured.
func TestCompare(t *testing.T) {
	t.Parallel()
	const id = `"018f2c3a-7b10-7cc2-9a51-0123456789ab"`
	for name, test := range map[string]struct {
		want, got string
		diff      string // part of the first difference; empty: none
		captured  string // of the name x
	}{
		"same":                    {`{"a": [1, "x", null, true]}`, `{"a":[1.0,"x",null,true]}`, "", ""},
		"order of members":        {`{"a": 1, "b": 2}`, `{"b":2,"a":1}`, "", ""},
		"missing member":          {`{"a": 1}`, `{}`, "a: want 1, got nothing", ""},
		"further member":          {`{}`, `{"a":{"b":1}}`, `a: not in the vector`, ""},
		"further member allowed":  {`{"<more>": "<any>"}`, `{"a":{"b":1}}`, "", ""},
		"null is not missing":     {`{"a": null}`, `{}`, "a: want null", ""},
		"other number":            {`0.15`, `0.150000001`, "want 0.15", ""},
		"large numbers":           {`9007199254740993`, `9007199254740992`, "want 9007199254740993", ""},
		"text is not a number":    {`"1"`, `1`, `want "1", got 1`, ""},
		"fewer elements":          {`[1, 2]`, `[1]`, "2 elements", ""},
		"more elements":           {`[1]`, `[1,2]`, "1 elements", ""},
		"more elements allowed":   {`[1, "<more>"]`, `[1,2,3]`, "", ""},
		"fewer than more":         {`[1, "<more>"]`, `[]`, "1 elements", ""},
		"order of elements":       {`[1, 2]`, `[2,1]`, "0: want 1", ""},
		"any order":               {`["<in any order>", 1, 2]`, `[2,1]`, "", ""},
		"any order needs a try":   {`["<in any order>", "<number as x>", 1]`, `[1,2]`, "", "2"},
		"any order, one is wrong": {`["<in any order>", 1, 2]`, `[1,3]`, "somewhere", ""},
		"any":                     {`"<any as x>"`, `{"a": 1}`, "", `{"a": 1}`},
		"uuid":                    {`"<uuid as x>"`, id, "", strings.Trim(id, `"`)},
		"no uuid":                 {`"<uuid>"`, `"018f2c3a"`, "want <uuid>", ""},
		"time":                    {`"<time>"`, `"2025-11-08T14:08:57.237Z"`, "", ""},
		"time without millis":     {`"<time>"`, `"2025-11-08T14:08:57Z"`, "want <time>", ""},
		"time elsewhere":          {`"<time>"`, `"2025-11-08T14:08:57.237+01:00"`, "want <time>", ""},
		"now":                     {`"<now>"`, `"2025-11-08T14:08:57.237Z"`, "", ""},
		"not now":                 {`"<now>"`, `"2025-11-08T14:08:57.238Z"`, "want <now>", ""},
		"number":                  {`"<number as x>"`, `-1.5e3`, "", "-1.5e3"},
		"no number":               {`"<number>"`, `"1"`, "want <number>", ""},
		"integer":                 {`"<integer>"`, `1.5`, "want <integer>", ""},
		"bool":                    {`"<bool>"`, `false`, "", ""},
		"string":                  {`"<string>"`, `null`, "want <string>", ""},
		"regexp":                  {`"<string ~ [A-Z]{3}-\\d+ as x>"`, `"ABC-12"`, "", "ABC-12"},
		"regexp is whole":         {`"<string ~ [A-Z]{3}>"`, `"ABCD"`, "want <string", ""},
		"regexp with a bracket":   {`"<string ~ (?P<n\\>a)>"`, `"a"`, "", ""},
		"part":                    {`"id-<integer as x>!"`, `"id-42!"`, "", "42"},
		"part differs":            {`"id-<integer>"`, `"id-x"`, `want "id-<integer>"`, ""},
		"literal bracket":         {`"a <<b> < 3"`, `"a <b> < 3"`, "", ""},
		"object for array":        {`{}`, `[]`, "an object", ""},
		"array for object":        {`[]`, `{}`, "an array", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := parseJSON(test.want, 1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseJSON(test.got, 1)
			if err != nil {
				t.Fatal(err)
			}
			c := &comparison{known: names{}, now: "2025-11-08T14:08:57.237Z"}
			c.value("", want, got)
			switch {
			case test.diff == "" && len(c.diffs) > 0:
				t.Errorf("differs: %v", c.diffs)
			case test.diff != "" && (len(c.diffs) == 0 || !strings.Contains(c.diffs[0].String(), test.diff)):
				t.Errorf("want a difference %q, got %v", test.diff, c.diffs)
			case c.known["x"] != test.captured:
				t.Errorf("captured %q, want %q", c.known["x"], test.captured)
			}
		})
	}
}

func TestTextPattern(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pattern, text string
		line          int // of the first difference; 0: none
	}{
		"same":                 {"a\nb", "a\nb\n", 0},
		"carriage returns":     {"a\nb", "a\r\nb\r\n", 0},
		"other line":           {"a\nb\nc", "a\nx\nc", 11},
		"fewer lines":          {"a\nb", "a", 11},
		"more lines":           {"a", "a\nb", 10},
		"any lines":            {"a\n...\nz", "a\nb\nc\nz", 0},
		"any lines are none":   {"a\n...\nz", "a\nz", 0},
		"any lines at the end": {"a\n...", "a\nb\nc", 0},
		"any lines at first":   {"...\nz", "a\nz", 0},
		"matcher":              {`total{le="<number>"} <integer as x>`, `total{le="0.5"} 42`, 0},
		"matchers in a line":   {"<string>b", "a\nb", 10},
		"captured":             {"{y} <<", "was < <", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pattern, err := compileText(test.pattern, 10, false)
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := pattern.compile(names{"y": "was <"}, "")
			if err != nil {
				t.Fatal(err)
			}
			known := names{}
			diffs := compiled.match(test.text, known)
			switch {
			case test.line == 0 && len(diffs) > 0:
				t.Errorf("differs: %v", diffs)
			case test.line != 0 && (len(diffs) == 0 || diffs[0].line != test.line):
				t.Errorf("want a difference in line %d, got %v", test.line, diffs)
			case strings.Contains(test.pattern, " as x>") && known["x"] != "42":
				t.Errorf("captured %v", known)
			}
		})
	}
}

// TestDocumentedExamples: the examples of the package comment are vectors.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"\tA code is played once.\n", "\t-- ben: connect tcp --\n"} {
		_, after, found := strings.Cut(string(source), first)
		if !found {
			t.Fatalf("the package comment has no example that starts with %q", first)
		}
		example := strings.TrimPrefix(first, "\t")
		for line := range strings.Lines(after) {
			text, indented := strings.CutPrefix(line, "\t")
			if !indented && line != "\n" {
				break
			}
			example += text
		}
		if first[1] == '-' {
			example = "A head.\n" + example
		}
		if vector, err := ParseVector("doc.go", []byte(example)); err != nil {
			t.Error(err)
		} else if len(vector.chapters) == 0 {
			t.Errorf("no steps in:\n%s", example)
		}
	}
}
