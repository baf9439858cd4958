package contract

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is a small valid document with a place to break things at each %s: top level, path item, operation, components.
func document(top, item, operation, components string) string {
	indent := func(text, by string) string {
		if text == "" {
			return ""
		}
		return by + strings.ReplaceAll(text, "\n", "\n"+by) + "\n"
	}
	return "openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\n" + indent(top, "") + "paths:\n  /things/{id}:\n" + indent(item, "    ") +
		"    post:\n      operationId: doThing\n" + indent(operation, "      ") + "      responses: {'204': {description: Fine}}\n" +
		"components:\n  securitySchemes:\n    token: {type: http, scheme: bearer}\n" + indent(components, "  ")
}

const idParameter = "parameters:\n  - {name: id, in: path, required: true, schema: {type: string}}"

// withQuery is an operation with one more parameter.
func withQuery(parameter string) string { return idParameter + "\n  - {" + parameter + "}" }

// withBody is an operation with a request body.
func withBody(content string) string {
	return idParameter + "\nrequestBody:\n  content:\n    " + strings.ReplaceAll(content, "\n", "\n    ")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c := loadTest(t)
	if c.Lang != "fr" || c.File != "testdata/guard/openapi.yaml" || len(c.Operations) != 15 {
		t.Fatalf("%s %s, %d operations", c.Lang, c.File, len(c.Operations))
	}
	if first, last := c.Operations[0], c.Operations[14]; first.ID != "getStyles" || last.ID != "sendEither" {
		t.Errorf("not in document order: %s … %s", first.ID, last.ID)
	}
	op := c.Operation("deleteFile")
	if op.Method != "DELETE" || op.Path != "/files/{name}" || op.Route != "/files/:name" || !slices.Equal(op.Roles, []string{"ADMIN"}) {
		t.Errorf("%+v", op)
	}
	if op := c.Operation("createItem"); op.MaxBody != 512 {
		t.Errorf("x-max-body %d", op.MaxBody)
	}
	if c.Operation("nothing") != nil {
		t.Error("an operation that is not there")
	}
	english, err := Load([]byte(document("", "", idParameter, "")), "f")
	if err != nil || english.Lang != "en" {
		t.Errorf("without x-language: %v, %v", english, err)
	}
}

// TestLoadSystems loads the contracts of all systems.
func TestLoadSystems(t *testing.T) {
	t.Parallel()
	systems, err := os.ReadDir("../../spec")
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for _, system := range systems {
		if !system.IsDir() {
			continue
		}
		file := "spec/" + system.Name() + "/openapi.yaml"
		spec, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(spec, file); err != nil {
			t.Error(err)
		}
		loaded++
	}
	if loaded == 0 {
		t.Error("no contract found")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const op = 7 // the line of the operation's first own line, with nothing at the top and in the item
	for name, step := range map[string]struct {
		spec string
		line int
		want string
	}{
		"no YAML":                 {"openapi: [", 1, ""},
		"a scalar":                {"hello", 1, "mapping"},
		"empty":                   {"", 1, "mapping"},
		"a name twice":            {document("info: {}", "", idParameter, ""), 3, `"info" is given twice, first in line 2`},
		"an alias":                {document("x-a: &a 1\nx-b: *a", "", idParameter, ""), 4, "aliases"},
		"Swagger":                 {"swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths: {}\n", 1, "not supported"},
		"OpenAPI 3.1":             {strings.Replace(document("", "", idParameter, ""), "3.0.3", "3.1.0", 1), 1, "3.1.0 is not supported"},
		"a reference to air":      {document("", "", withBody("application/json: {schema: {$ref: '#/components/schemas/Air'}}"), ""), 1, "Air"},
		"another file":            {document("", "", withBody("application/json: {schema: {$ref: 'other.yaml#/X'}}"), ""), 1, "other.yaml"},
		"no path parameter":       {document("", "", "", ""), 4, "path parameters"},
		"a wrong example":         {document("", "", withQuery("name: q, in: query, schema: {type: integer, example: x}"), ""), op + 2, "example"},
		"a wrong default":         {document("", "", withQuery("name: q, in: query, schema: {type: integer, default: x}"), ""), op + 2, "default"},
		"an example's format":     {document("", "", withQuery("name: q, in: query, schema: {type: string, format: uuid}, example: x"), ""), op + 2, "uuid"},
		"language":                {document("x-language: de", "", idParameter, ""), 3, "x-language must be fr or en"},
		"unknown extension":       {document("x-languages: fr", "", idParameter, ""), 3, "unknown extension x-languages"},
		"misspelt roles":          {document("", "", idParameter+"\nx-role: [A]", ""), op + 2, "unknown extension x-role"},
		"servers of a path":       {document("", "servers: [{url: /v1}]", idParameter, ""), 5, "servers of a path"},
		"servers":                 {document("", "", idParameter+"\nservers: [{url: /v1}]", ""), op + 2, "servers of an operation"},
		"callbacks":               {document("", "", idParameter+"\ncallbacks: {}\nx-roles: []", ""), op + 3, "x-roles must be a list"},
		"callback":                {document("", "", idParameter+"\ncallbacks: {c: {'{$request.body#/u}': {post: {responses: {'204': {description: F}}}}}}", ""), op + 2, "callbacks are not supported"},
		"roles, no security":      {document("", "", idParameter+"\nx-roles: [A]", ""), op + 2, "without security"},
		"roles, optional":         {document("", "", idParameter+"\nx-roles: [A]\nsecurity: [{token: []}, {}]", ""), op + 2, "optional security"},
		"role twice":              {document("", "", idParameter+"\nx-roles: [A, A]\nsecurity: [{token: []}]", ""), op + 2, "listed twice"},
		"role of another type":    {document("", "", idParameter+"\nx-roles: [1]\nsecurity: [{token: []}]", ""), op + 2, "list of roles"},
		"body limit":              {document("", "", withBody("application/json: {schema: {type: string}}")+"\nx-max-body: 1.5", ""), op + 5, "x-max-body"},
		"negative body limit":     {document("", "", withBody("application/json: {schema: {type: string}}")+"\nx-max-body: -1", ""), op + 5, "x-max-body"},
		"limit of no body":        {document("", "", idParameter+"\nx-max-body: 5", ""), op + 2, "without a requestBody"},
		"two schemes at once":     {document("", "", idParameter+"\nsecurity: [{token: [], key: []}]", "  key: {type: apiKey, in: header, name: k}"), op + 2, "key and token"},
		"scopes":                  {document("", "", idParameter+"\nsecurity:\n  - token: [read]", ""), op + 3, "scopes of token"},
		"scopes for all":          {document("security:\n  - token: [read]", "", idParameter, ""), 4, "scopes of token"},
		"no such scheme":          {document("", "", idParameter+"\nsecurity: [{tokens: []}]", ""), 5, "tokens"},
		"basic":                   {document("", "", idParameter, "  b: {type: http, scheme: basic}"), 13, "http basic is not supported"},
		"oauth":                   {document("", "", idParameter, "  o: {type: openIdConnect, openIdConnectUrl: 'https://example.com'}"), 13, "openIdConnect is not supported"},
		"a cookie's name":         {document("", "", idParameter, "  c: {type: apiKey, in: cookie, name: 'a b'}"), 13, "cannot be the name of a cookie"},
		"query object":            {document("", "", withQuery("name: q, in: query, schema: {type: object}"), ""), op + 2, "type object is not supported"},
		"deepObject":              {document("", "", withQuery("name: q, in: query, style: deepObject, schema: {type: object}"), ""), op + 2, "deepObject"},
		"untyped":                 {document("", "", withQuery("name: q, in: query, schema: {}"), ""), op + 2, "must have a type"},
		"nullable":                {document("", "", withQuery("name: q, in: query, schema: {type: string, nullable: true}"), ""), op + 2, "never null"},
		"array of arrays":         {document("", "", withQuery("name: q, in: query, schema: {type: array, items: {type: array, items: {type: string}}}"), ""), op + 2, "items must be"},
		"saturated text":          {document("", "", withQuery("name: q, in: query, x-saturate: true, schema: {type: string}"), ""), op + 2, "x-saturate is for int64"},
		"saturated or not":        {document("", "", withQuery("name: q, in: query, x-saturate: 1, schema: {type: integer}"), ""), op + 2, "x-saturate must be true"},
		"content":                 {document("", "", withQuery("name: q, in: query, content: {application/json: {schema: {type: string}}}"), ""), op + 2, "content is not supported"},
		"an empty value":          {document("", "", withQuery("name: q, in: query, allowEmptyValue: true, schema: {type: string}"), ""), op + 2, "accepts as a value"},
		"an empty header":         {document("", "", withQuery("name: q, in: header, allowEmptyValue: true, schema: {type: integer}"), ""), op + 2, "allowEmptyValue is for"},
		"required and empty":      {document("", "", withQuery("name: q, in: query, required: true, allowEmptyValue: true, schema: {type: integer}"), ""), op + 2, "allowEmptyValue is for"},
		"allowReserved":           {document("", "", withQuery("name: q, in: query, allowReserved: true, schema: {type: string}"), ""), op + 2, "allowReserved"},
		"exploded pipes":          {document("", "", withQuery("name: q, in: query, style: pipeDelimited, explode: true, schema: {type: array, items: {type: string}}"), ""), op + 2, "style pipeDelimited with explode true"},
		"matrix":                  {document("", "", "parameters:\n  - {name: id, in: path, required: true, style: matrix, schema: {type: string}}", ""), op + 1, "style matrix"},
		"exploded cookie":         {document("", "", withQuery("name: q, in: cookie, schema: {type: array, items: {type: string}}"), ""), op + 2, "explode: false"},
		"cookie parameter":        {document("", "", withQuery("name: 'a=b', in: cookie, schema: {type: string}"), ""), op + 2, "name of a cookie"},
		"cookie default":          {document("", "", withQuery("name: c, in: cookie, schema: {type: string, default: 'a;b'}"), ""), op + 2, "value of a cookie"},
		"Accept":                  {document("", "", withQuery("name: accept, in: header, schema: {type: string}"), ""), op + 2, "is not a parameter"},
		"a useless default":       {document("", "", withQuery("name: q, in: query, required: true, schema: {type: string, default: a}"), ""), op + 2, "never be used"},
		"a default with commas":   {document("", "", withQuery("name: q, in: query, explode: false, schema: {type: array, items: {type: string}, default: ['a,b']}"), ""), op + 2, "cannot be written"},
		"a parameter's extension": {document("", "", withQuery("name: q, in: query, x-message: m, schema: {type: string}"), ""), op + 2, "unknown extension x-message"},
		"an unknown keyword":      {document("", "", withQuery("name: q, in: query, schema: {type: string, format: dragon}"), ""), op + 2, "dragon"},
		"a form":                  {document("", "", withBody("application/x-www-form-urlencoded: {schema: {type: object}}"), ""), op + 4, "x-www-form-urlencoded is not supported"},
		"a body without schema":   {document("", "", withBody("application/json: {}"), ""), op + 4, "no schema"},
		"a number as text":        {document("", "", withBody("text/plain: {schema: {type: integer}}"), ""), op + 4, "must be a string"},
		"constrained octets":      {document("", "", withBody("application/octet-stream: {schema: {type: string, format: binary, maxLength: 3}}"), ""), op + 4, "passes through unread"},
		"a form of text":          {document("", "", withBody("multipart/form-data: {schema: {type: string}}"), ""), op + 4, "must be an object"},
		"encoding":                {document("", "", withBody("application/json: {schema: {type: object}, encoding: {a: {contentType: text/plain}}}"), ""), op + 4, "encoding"},
		"TRACE":                   {strings.Replace(document("", "", idParameter, ""), "post:", "trace:", 1), 5, "TRACE is not supported"},
		"a body of GET":           {strings.Replace(document("", "", withBody("application/json: {schema: {type: string}}"), ""), "post:", "get:", 1), op + 2, "GET has no request body"},
		"no operationId":          {strings.Replace(document("", "", idParameter, ""), "operationId: doThing", "summary: s", 1), 5, "no operationId"},
		"a suffix":                {strings.Replace(strings.Replace(document("", "", idParameter, ""), "/things/{id}", "/things/{id}.csv", 1), "", "", 1), 4, "a segment must be"},
		"a colon":                 {strings.Replace(document("", "", idParameter, ""), "/things/{id}", "/things:all/{id}", 1), 4, "a segment must be"},
		"an empty segment":        {strings.Replace(document("", "", idParameter, ""), "/things/{id}", "/things//{id}", 1), 4, "a segment must be"},
		"a dot segment":           {strings.Replace(document("", "", idParameter, ""), "/things/{id}", "/things/../{id}", 1), 4, "a segment must be"},
		"an operationId twice":    {strings.Replace(document("", "", idParameter, ""), "components:", "  /other:\n    get:\n      operationId: doThing\n      responses: {'204': {description: F}}\ncomponents:", 1), 0, "doThing"},
	} {
		_, err := Load([]byte(step.spec), "spec/x/openapi.yaml")
		if err == nil {
			t.Errorf("%s: accepted\n%s", name, step.spec)
			continue
		}
		where := fmt.Sprintf("spec/x/openapi.yaml:%d: ", step.line)
		if step.line == 0 {
			where = "spec/x/openapi.yaml:"
		}
		if !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool {
			return strings.HasPrefix(line, where) && strings.Contains(line, step.want)
		}) {
			t.Errorf("%s: %v\nwant %s… %s", name, err, where, step.want)
		}
	}
}

// TestLoadRefusesAll has several things wrong and expects all of them, each with its place.
func TestLoadRefusesAll(t *testing.T) {
	t.Parallel()
	_, err := Load([]byte(document("x-language: de", "servers: [{url: /v1}]",
		withQuery("name: q, in: query, allowReserved: true, style: deepObject, schema: {type: object}")+"\nx-role: [A]",
		"  b: {type: http, scheme: basic}")), "f.yaml")
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	place := regexp.MustCompile(`^f\.yaml:[1-9][0-9]*: .`)
	for _, line := range lines {
		if !place.MatchString(line) {
			t.Errorf("without a place: %s", line)
		}
	}
	if len(lines) != 7 {
		t.Errorf("%d refusals, want 7:\n%v", len(lines), err)
	}
	_, err = Load([]byte(document("", "", withQuery("name: q, in: query, schema: {type: integer, default: x, example: y}")+
		"\n  - {name: r, in: query, schema: {type: string, minLength: 3, default: a}}", "")), "f.yaml")
	if err == nil || strings.Count(err.Error(), "f.yaml:") < 2 {
		t.Errorf("what kin-openapi finds: %v", err)
	}
}

// TestLoadBroken takes lines out of a document, or writes something else there, one at a time: it is refused with a place or
// still makes sense, and Load does not panic on what is missing.
func TestLoadBroken(t *testing.T) {
	t.Parallel()
	spec, err := os.ReadFile("testdata/guard/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	place := regexp.MustCompile(`^f\.yaml:[1-9][0-9]*: .`)
	lines, refused := strings.Split(strings.TrimSpace(string(spec)), "\n"), 0
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		instead := []string{"", indent + "null", indent + "- x", indent + "x: 1"}[i%4]
		broken := slices.Concat(lines[:i], []string{instead}, lines[i+1:])
		_, err := Load([]byte(strings.Join(broken, "\n")), "f.yaml")
		if err == nil {
			continue
		}
		refused++
		for message := range strings.SplitSeq(err.Error(), "\n") {
			if !place.MatchString(message) {
				t.Errorf("line %d as %q: without a place: %s", i+1, instead, message)
			}
		}
	}
	if refused < len(lines)/2 {
		t.Errorf("only %d of %d broken documents were refused", refused, len(lines))
	}
}
