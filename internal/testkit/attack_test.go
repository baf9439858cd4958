package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/contract"
)

// shopContract has what tiptop's has not: nested objects, lists, alternatives inside them, dates, booleans, lists of
// parameters, a limit of its own.
const shopContract = `
openapi: 3.0.3
info: {title: Shop, version: '1'}
servers: [{url: http://localhost}]
security: [{bearer: []}]
paths:
  /orders:
    post:
      operationId: addOrder
      x-roles: [BUYER]
      x-max-body: 20000
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
      responses:
        '201': {description: Added, content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}}}
        '400': {$ref: '#/components/responses/Error'}
        '401': {$ref: '#/components/responses/Error'}
        '403': {$ref: '#/components/responses/Error'}
        default: {$ref: '#/components/responses/Error'}
  /orders/{id}:
    delete:
      operationId: dropOrder
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer, minimum: 1, format: int32}}
        - {name: quiet, in: query, required: true, schema: {type: boolean}}
        - {name: since, in: query, schema: {type: string, format: date}}
        - {name: reasons, in: query, explode: false, schema: {type: array, items: {type: string, enum: [late, broken]}}}
      responses:
        '204': {description: Dropped}
        '400': {$ref: '#/components/responses/Error'}
        '401': {$ref: '#/components/responses/Error'}
        '404': {$ref: '#/components/responses/Error'}
        default: {$ref: '#/components/responses/Error'}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  responses:
    Error: {description: No, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
  schemas:
    Error:
      type: object
      additionalProperties: false
      required: [error]
      properties: {error: {type: string}, places: {type: array, items: {type: string}}}
    Order:
      type: object
      required: [buyer, lines, email, again]
      properties:
        buyer: {type: object, required: [name], properties: {name: {type: string, minLength: 2, maxLength: 20}, born: {type: string, format: date, nullable: true}}}
        lines: {type: array, minItems: 1, maxItems: 3, items: {$ref: '#/components/schemas/Line'}}
        email: {type: string, format: email}
        again: {type: string, x-equals: email}
        gift: {type: boolean}
        due: {type: string, format: date-time}
    Line:
      oneOf: [{$ref: '#/components/schemas/Thing'}, {$ref: '#/components/schemas/Voucher'}]
      discriminator: {propertyName: kind, mapping: {thing: '#/components/schemas/Thing', voucher: '#/components/schemas/Voucher'}}
    Thing:
      type: object
      required: [kind, sku, quantity]
      properties:
        kind: {type: string, enum: [thing]}
        sku: {type: string, pattern: '^[A-Z]{3}-[0-9]+$'}
        quantity: {type: integer, minimum: 1, maximum: 999}
    Voucher:
      type: object
      required: [kind, value]
      properties: {kind: {type: string, enum: [voucher]}, value: {type: number, minimum: 0.5, maximum: 500}}
`

// shop is a server that does what its contract says, but for one fault.
type shop struct {
	db    *TestDB
	fault func(shop *shop, next http.Handler, w http.ResponseWriter, r *http.Request)
	next  atomic.Int64

	mu     sync.Mutex
	orders map[string]bool
}

var shopDB = DB{Schemas: []string{"shop"}, Migrations: fstest.MapFS{
	"shop/0001_orders.sql": {Data: []byte("-- +goose Up\nCREATE TABLE orders (body text NOT NULL);\n")},
}}

// insert stores something.
func (s *shop) insert(ctx context.Context, body string) error {
	_, err := s.db.Pool.Exec(ctx, `INSERT INTO orders VALUES ($1)`, strings.ToValidUTF8(strings.ReplaceAll(body, "\x00", ""), ""))
	return err
}

// handler is the shop behind its contract's guard, and that behind the fault.
func (s *shop) handler(t *testing.T) http.Handler {
	t.Helper()
	document, err := contract.Load([]byte(shopContract), "shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	guard, err := document.Guard(contract.Config{Authenticate: func(ctx context.Context, _, token string) (context.Context, string, error) {
		role, ok := strings.CutPrefix(token, "good.token.of-a-")
		if !ok || role != "BUYER" && role != "SELLER" {
			return nil, "", &contract.Error{Status: http.StatusUnauthorized, Message: "who?"}
		}
		return ctx, role, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		var refused *contract.Error
		if !errors.As(document.EchoError(c, err), &refused) {
			refused = &contract.Error{Status: http.StatusInternalServerError, Message: err.Error()}
		}
		body := map[string]any{"error": refused.Message}
		places := []string{}
		for _, v := range refused.Violations {
			places = append(places, v.Field())
		}
		if len(places) > 0 {
			body["places"] = places
		}
		if err := c.JSON(refused.Status, body); err != nil {
			t.Error(err)
		}
	}
	e.POST("/orders", s.add, guard.Middlewares()["addOrder"]...)
	e.DELETE("/orders/:id", s.drop, guard.Middlewares()["dropOrder"]...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.fault != nil {
			s.fault(s, e, w, r)
			return
		}
		e.ServeHTTP(w, r)
	})
}

func (s *shop) add(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	if err := s.insert(c.Request().Context(), string(body)); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]any{"id": s.order()})
}

// order makes an order that can be dropped.
func (s *shop) order() int64 {
	id := s.next.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[fmt.Sprint(id)] = true
	return id
}

func (s *shop) drop(c echo.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.orders[c.Param("id")] {
		return &contract.Error{Status: http.StatusNotFound, Message: "no such order"}
	}
	delete(s.orders, c.Param("id"))
	return c.NoContent(http.StatusNoContent)
}

// attack runs the attack on a shop with a fault.
func attack(t *testing.T, fault func(*shop, http.Handler, http.ResponseWriter, *http.Request), absent ...string) (*matrix, error) {
	t.Helper()
	document, err := LoadSpec([]byte(shopContract))
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{db: Database(t, shopDB), fault: fault, orders: map[string]bool{}}
	server := NewServer(t)
	server.Serve(s.handler(t))
	return Attack{
		Spec: document, URL: server.URL, DB: s.db, Seed: 1, Absent: absent,
		Roles:   []string{"BUYER", "SELLER"},
		Token:   func(_ context.Context, role string) (string, error) { return "good.token.of-a-" + role, nil },
		Refused: map[string]string{"foreign token": "a.b.c", "expired token": "a.b.d", "revoked token": "a.b.e"},
		Prepare: func(_ context.Context, draft *Draft) error {
			if draft.Operation.ID == "dropOrder" {
				draft.Params["id"] = fmt.Sprint(s.order())
			}
			return nil
		},
		Settle: func(context.Context) error { return nil },
		Fields: func(body []byte) []string {
			var envelope struct {
				Places []string `json:"places"`
			}
			_ = json.Unmarshal(body, &envelope)
			return envelope.Places
		},
	}.run(t)
}

func TestAttack(t *testing.T) {
	t.Parallel()
	matrix, err := attack(t, nil, "tampered token")
	if err == nil || !strings.Contains(err.Error(), `requests of the kind "tampered token" were sent`) {
		t.Errorf("a kind that Absent names and that was sent: %v", err)
	}
	t.Logf("%s", matrix)
	for _, kind := range kinds {
		if matrix.total(kind.name) == 0 {
			t.Errorf("no request of the kind %q", kind.name)
		}
	}
	if table := matrix.String(); !strings.Contains(table, "addOrder") || !strings.Contains(table, "unequal") {
		t.Errorf("matrix:\n%s", table)
	}
}

// TestPrepareSetsAnything: what Prepare puts into a body is sent, whatever kind of value it is, and the rest as it was.
func TestPrepareSetsAnything(t *testing.T) {
	t.Parallel()
	tree, err := parseJSON(`{"kept": 1.50, "list": ["a"], "text": "b"}`, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := &Draft{tree: tree}
	before := d.plainBody()
	d.Body = d.plainBody()
	d.Body["list"], d.Body["text"], d.Body["new"] = []any{"x y", 2}, "\"", map[string]any{"deep": nil}
	if err := d.adopt(before); err != nil {
		t.Fatal(err)
	}
	const want = `{"kept": 1.50, "list": ["x y", 2], "text": "\"", "new": {"deep": null}}`
	if got := d.tree.raw(); got != want {
		t.Errorf("the body is %s, want %s", got, want)
	}
	d.Body["text"] = func() {}
	if err := d.adopt(before); err == nil {
		t.Error("a function was adopted")
	}
}

// TestAttackFinds: each fault is found, and told.
func TestAttackFinds(t *testing.T) {
	t.Parallel()
	// onRefusal lets a request through and then does something if it was refused.
	onRefusal := func(do func(s *shop, request string, answer *buffered)) func(*shop, http.Handler, http.ResponseWriter, *http.Request) {
		return func(s *shop, next http.Handler, w http.ResponseWriter, r *http.Request) {
			request, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(request))
			answer := &buffered{header: w.Header(), status: http.StatusOK}
			next.ServeHTTP(answer, r)
			if answer.status >= 400 {
				do(s, string(request), answer)
			}
			w.WriteHeader(answer.status)
			_, _ = w.Write(answer.body.Bytes())
		}
	}
	for name, test := range map[string]struct {
		fault func(*shop, http.Handler, http.ResponseWriter, *http.Request)
		want  []string
	}{
		"changes something": {onRefusal(func(s *shop, request string, _ *buffered) {
			if strings.Contains(request, `\u0000`) {
				_ = s.insert(context.Background(), "changed")
			}
		}), []string{"a broken request has changed something", `kind "NUL"`, "shop.orders"}},
		"server error": {onRefusal(func(_ *shop, request string, answer *buffered) {
			if strings.Contains(request, "[[[[[[[[[[[[") {
				answer.status = http.StatusInternalServerError
			}
		}), []string{`kind "deep nesting"`, "want the status 400"}},
		"no envelope": {onRefusal(func(_ *shop, _ string, answer *buffered) {
			answer.body = *bytes.NewBufferString(`{"message": "no"}`)
		}), []string{"the contract is broken: the response"}},
		"wrong status": {onRefusal(func(_ *shop, _ string, answer *buffered) {
			if answer.status == http.StatusForbidden {
				answer.status = http.StatusUnauthorized
			}
		}), []string{`kind "wrong role": role SELLER: want the status 403`}},
		"violation elsewhere": {onRefusal(func(_ *shop, _ string, answer *buffered) {
			answer.body = *bytes.NewBuffer(bytes.ReplaceAll(answer.body.Bytes(), []byte("lines."), []byte("line ")))
		}), []string{`is named`, `lines.0.`}},
		"no violation": {onRefusal(func(_ *shop, _ string, answer *buffered) {
			if answer.status == http.StatusBadRequest {
				answer.body = *bytes.NewBufferString(`{"error": "no"}`)
			}
		}), []string{"is named"}},
		"accepts everything": {func(s *shop, next http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/orders" {
				next.ServeHTTP(w, r)
				return
			}
			_ = s.insert(r.Context(), "anything")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id": 1}`)
		}, []string{`kind "no token": no Authorization: want the status 401`}},
		"refuses a valid request": {func(_ *shop, next http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete && r.URL.Query().Get("quiet") == "true" {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error": "no", "places": ["quiet"]}`)
				return
			}
			next.ServeHTTP(w, r)
		}, []string{"dropOrder", "valid request"}},
		"case-insensitive names": {func(_ *shop, next http.Handler, w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			body = bytes.ReplaceAll(body, []byte(`"EMAIL"`), []byte(`"email"`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			next.ServeHTTP(w, r)
		}, []string{`kind "wrong case"`}},
		"kinds that were not sent": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := attack(t, test.fault)
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("the fault was not found")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in:\n%.3000s", want, err)
				}
			}
		})
	}
}

// buffered is an answer that has not gone out yet.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header         { return b.header }
func (b *buffered) WriteHeader(status int)      { b.status = status }
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }
