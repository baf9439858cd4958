package testkit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/mail"
)

// deskContract is a small contract for the server below.
const deskContract = `
openapi: 3.0.3
info: {title: Desk, version: '1'}
paths:
  /login:
    post:
      operationId: login
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [email, password], properties: {email: {type: string}, password: {type: string}}}
            example: {email: a@b.c, password: secret}
      responses:
        '200':
          description: In
          content: {application/json: {schema: {type: object, required: [token], properties: {token: {type: string}}}}}
        default: {$ref: '#/components/responses/Error'}
  /notes:
    post:
      operationId: addNote
      security: [{bearer: []}]
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [text], properties: {text: {type: string, maxLength: 5}}}
      responses:
        '201':
          description: Added
          content: {application/json: {schema: {$ref: '#/components/schemas/Note'}}}
        '401': {$ref: '#/components/responses/Error'}
        default: {$ref: '#/components/responses/Error'}
  /notes/{id}:
    get:
      operationId: getNote
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        '200':
          description: The note
          content:
            application/json: {schema: {$ref: '#/components/schemas/Note'}}
            text/plain: {schema: {type: string}}
        '204': {description: Blank}
        '404': {$ref: '#/components/responses/Error'}
        default: {$ref: '#/components/responses/Error'}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  responses:
    Error: {description: No, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
  schemas:
    Error: {type: object, additionalProperties: false, required: [error], properties: {error: {type: string}}}
    Note:
      type: object
      additionalProperties: false
      required: [id, text, at]
      properties: {id: {type: integer}, text: {type: string}, at: {type: string, format: date-time}}
`

// desk is a server with a fault for every way to break its contract.
func desk(t *testing.T) *Target {
	target := &Target{
		Clock: clock.NewFake(time.Date(2025, 11, 8, 14, 8, 57, 237e6, time.UTC)),
		Login: Login{Path: "/login", Accounts: map[string]Credentials{"client": {"a@b.c", "secret"}, "stranger": {"x", "y"}}},
	}
	target.Mail = NewMailbox(t, target.Clock, strings.NewReader(strings.Repeat("random bytes ", 1000)))
	target.Settle = func(context.Context) error { return nil }
	target.Do = map[string]func(context.Context, ...string) error{
		"post": func(ctx context.Context, args ...string) error {
			return target.Mail.Send(ctx, mail.Message{To: args[0], Subject: "Été " + args[1], Text: "Bonjour,\n\nhttp://x/verify/t0ken\n", HTML: "<p>Bonjour</p>"})
		},
	}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	mux.HandleFunc("POST /at/login", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email, Password string }
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.Email != "a@b.c" {
			answer(w, http.StatusServiceUnavailable, map[string]any{"error": "no"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"token": "t-" + in.Password})
	})
	mux.HandleFunc("POST /at/notes", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t-secret" {
			answer(w, http.StatusUnauthorized, map[string]any{"error": "who?"})
			return
		}
		body, _ := io.ReadAll(r.Body)
		var in struct{ Text string }
		if err := json.Unmarshal(body, &in); err != nil {
			answer(w, http.StatusTeapot, map[string]any{"error": fmt.Sprintf("%q %s", body, r.Header.Get("Content-Type"))})
			return
		}
		w.Header().Set("Location", "/notes/7")
		answer(w, http.StatusCreated, map[string]any{"id": 7, "text": in.Text, "at": target.now()})
	})
	mux.HandleFunc("GET /at/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("id") {
		case "7":
			answer(w, http.StatusOK, map[string]any{"id": 7, "text": "hello", "at": target.now()})
		case "8":
			answer(w, http.StatusOK, map[string]any{"id": 8, "text": "hello", "at": "yesterday"})
		case "9":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "one\ntwo\nthree\n")
		case "10":
			w.WriteHeader(http.StatusNoContent)
		case "11":
			answer(w, http.StatusGone, map[string]any{"error": "gone"})
		default:
			answer(w, http.StatusNotFound, map[string]any{"error": r.URL.RequestURI()})
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/at/nowhere" {
			answer(w, http.StatusNotFound, map[string]any{"error": "nowhere"})
			return
		}
		http.NotFound(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	target.URL = server.URL + "/at"
	return target
}

func (target *Target) now() string { return target.Clock.Now().Format("2006-01-02T15:04:05.000Z") }

// replay plays a vector's text and answers its failures.
func replay(t *testing.T, suite Suite, target *Target, text string) string {
	t.Helper()
	vector, err := ParseVector("v", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p := newPlay(t, suite, vector, target)
	var failures []string
	for _, chapter := range vector.chapters {
		if err := p.chapter(chapter); err != nil {
			failures = append(failures, err.Error())
		}
	}
	return strings.Join(failures, "\n")
}

func deskSpec(t *testing.T) *Spec {
	t.Helper()
	spec, err := LoadSpec([]byte(deskContract))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestRunVectors(t *testing.T) {
	t.Parallel()
	RunVectors(t, Suite{Dir: "testdata/vectors", Files: os.DirFS("."), Spec: deskSpec(t), Mounts: []string{"", "/at"},
		Start: func(t *testing.T, mount string) *Target {
			if mount != "" && mount != "/at" {
				t.Errorf("started at %q", mount)
			}
			return desk(t)
		}})
}

// TestMismatches: what an answer does wrong is told, with the line that expected otherwise.
func TestMismatches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string // parts of the failure
	}{
		"status":          {"-- GET /notes/12 --\n-- 200 --\n{\"error\": \"<any>\"}\n", []string{"v:2: -- GET /notes/12 --", "line 3    status: want 200, got 404", `"error": "/at/notes/12"`}},
		"body":            {"-- GET /notes/7 --\n-- 200 --\n{\n\"id\": 7,\n\"text\": \"bye\", \"at\": \"<now>\"}\n", []string{"v:2:", `line 6    text: want "bye", got "hello"`}},
		"no body":         {"-- GET /notes/7 --\n-- 200 --\n", []string{"line 3    body: want none"}},
		"some body":       {"-- GET /notes/10 --\n-- 204 --\n{}\n", []string{"line 4    body: want JSON"}},
		"text":            {"-- GET /notes/9 --\n-- 200 --\none\ntoo\nthree\n", []string{"line 5    text: want this line"}},
		"text for JSON":   {"-- GET /notes/9 --\n-- 200 --\n\"one\"\n", []string{"line 4    body: want JSON"}},
		"header":          {"-- GET /notes/7 --\n-- 200 --\nContent-Type: text/html\n\n{\"<more>\": \"<any>\"}\n", []string{`line 4    Content-Type: want "text/html", got "application/json"`}},
		"header missing":  {"-- GET /notes/7 --\n-- 200 --\nRetry-After: <any>\n\n{\"<more>\": \"<any>\"}\n", []string{`Retry-After: want "<any>", got no such header`}},
		"header present":  {"-- GET /notes/7 --\n-- 200 --\nContent-Type: <absent>\n\n{\"<more>\": \"<any>\"}\n", []string{`Content-Type: want no such header`}},
		"shape":           {"-- GET /notes/8 --\n-- 200 --\n{\"<more>\": \"<any>\"}\n", []string{"the contract is broken: the response"}},
		"unlisted status": {"-- GET /notes/11 --\n-- 410 --\n{\"error\": \"gone\"}\n", []string{"getNote does not list the status 410"}},
		"accepted":        {"-- login client as bob --\n-- POST /notes as bob --\n{\"text\": \"too long\"}\n-- 201 --\n{\"<more>\": \"<any>\"}\n", []string{"accepted a request that the contract forbids"}},
		"no envelope":     {"-- GET /elsewhere --\n-- 404 --\n404 page not found\n", []string{"not the error envelope"}},
		"third time":      {"-- 3 times GET /notes/{n}1 --\n-- 404 --\n{\"error\": \"<string ~ .*/[^3]1>\"}\n", []string{"time 1 of 3", "does not list the status 410"}},
		"login":           {"-- login stranger as bob --\n", []string{"v:2: -- login stranger as bob --", "503 without a token"}},
		"no such account": {"-- login admin as bob --\n", []string{`no account "admin"`}},
		"mail":            {"-- do post a@b.c x --\n-- mail a@b.c --\nSubject: Hiver x\n\n...\nhttp://x/<string as t>\n", []string{"v:3:", `line 4    Subject: want "Hiver x", got "Été x"`}},
		"a mail":          {"-- do post a@b.c x --\n-- no mail a@b.c --\n", []string{"v:3:", "a mail has come"}},
		"no such deed":    {"-- do nothing --\n", []string{`cannot do "nothing"`}},
		"cascade":         {"-- # a --\n-- GET /notes/12 --\n-- 200 --\n{\"id\": \"<any as id>\"}\n-- # b --\n-- GET /notes/{id} --\n-- 200 --\n{}\n", []string{"v:3:", "v:7:", "{id} has not been captured: the step that does so failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := replay(t, Suite{Spec: deskSpec(t)}, desk(t), "Head.\n"+test.text)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("want %q in:\n%s", want, got)
				}
			}
		})
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	parse := func(text string) []*Vector {
		v, err := ParseVector("v", []byte("Head.\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		return []*Vector{v}
	}
	all := `-- POST /login --
{"email": "a@b.c", "password": "secret"}
-- 200 --
{"token": "<any as bob>"}
-- POST /notes as bob --
{"text": "{bob}"}
-- 201 --
{"id": "<any as id>"}
-- POST /notes --
{repeat 9 x}
-- 413 --
{}
-- POST /notes --
-- 415 --
{}
-- POST /notes --
-- 401 --
{}
-- GET /notes/{id} --
-- 200 --
-- GET /notes/{id} --
-- 204 --
-- GET /notes/{id} --
-- 404 --
-- GET /nowhere --
-- 404 --
-- PUT /notes --
-- 405 --
`
	spec := deskSpec(t)
	if gaps := spec.Coverage(parse(all)).Gaps(); len(gaps) > 0 {
		t.Errorf("gaps in a complete set: %q", gaps)
	}
	for name, change := range map[string]struct{ old, new, want string }{
		"status":  {"-- 204 --", "-- 200 --", "getNote (GET /notes/{id}): no vector shows the answer 204"},
		"example": {"secret", "other", "login (POST /login): no vector sends the contract's own example"},
		"413":     {"-- 413 --", "-- 401 --", "no vector shows the answer 413"},
		"415":     {"-- 415 --", "-- 401 --", "no vector shows the answer 415"},
		"405":     {"-- 405 --", "-- 404 --", "no vector shows the answer 405"},
		"404":     {"-- GET /nowhere --", "-- GET /notes/1 --", "no vector shows the answer 404"},
	} {
		gaps := spec.Coverage(parse(strings.Replace(all, change.old, change.new, 1))).Gaps()
		if len(gaps) != 1 || !strings.HasPrefix(gaps[0], change.want) {
			t.Errorf("%s: want %q, got %q", name, change.want, gaps)
		}
	}
	if table := spec.Coverage(parse(all)).String(); !strings.Contains(table, "200×1 204×1 404×1") {
		t.Errorf("table:\n%s", table)
	}
}
