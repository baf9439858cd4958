package testkit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// Attack is the property test of a contract on a running system: requests that obey the contract are accepted, and whatever
// breaks it in one place is refused as it should be, in the system's envelope, and changes nothing.
//
// Every broken request is a prepared valid one with a single thing wrong, so that it would have succeeded had the system not
// looked; the same request unbroken is sent last, and must succeed.
type Attack struct {
	Spec *Spec
	URL  string
	DB   *TestDB

	// Except are tables that change on their own; see HashTables.
	Except []string

	// Roles are all that there are. Token makes a valid token of one of them, that of a new account each time: requests
	// that end sessions must not get in each other's way.
	Roles []string
	Token func(ctx context.Context, role string) (string, error)

	// Refused are tokens that must not be valid, by the kinds "foreign token", "expired token" and "revoked token".
	Refused map[string]string

	// Prepare makes the draft of a valid request one that succeeds: it puts in what only the system knows, such as the id
	// of something that exists, and whose token it is if that of any role will not do.
	Prepare func(ctx context.Context, draft *Draft) error

	// Settle returns when nothing that the system does in the background is left to do.
	Settle func(ctx context.Context) error

	// Fields reads the places of all violations out of an answer of status 400: "address.city", "page". None means that
	// the system refused, not the contract.
	Fields func(body []byte) []string

	// Absent are kinds that this contract has no place for. Any other kind that was never sent fails the test.
	Absent []string

	Seed uint64 // of all that is random; printed
}

// Draft is a valid request of an operation, in its parts.
type Draft struct {
	Operation *Operation
	Token     string            // "" : that of a role that may
	Params    map[string]string // path and query parameters, by name
	Body      map[string]any    // nil: the operation takes none. Prepare may set members, to anything that JSON can hold
	tree      *node
}

// valids is how many prepared valid requests each operation gets, and how many that nobody prepared.
const valids = 3

// Run sends everything and prints the matrix of operations and kinds.
func (a Attack) Run(t *testing.T) {
	t.Helper()
	matrix, err := a.run(t)
	if err != nil {
		t.Error(err)
	}
	t.Logf("seed %d; requests sent, by operation and kind:\n%s", a.Seed, matrix)
}

func (a Attack) run(t *testing.T) (*matrix, error) {
	r := &raid{
		Attack: a, t: t, client: NewClient(t, a.Spec, a.URL), matrix: newMatrix(), rand: rand.New(rand.NewPCG(a.Seed, a.Seed)),
	}
	var failures []error
	for i := range a.Spec.operations {
		op := &a.Spec.operations[i]
		if err := r.operation(op); err != nil {
			failures = append(failures, fmt.Errorf("%s (%s %s): %w", op.ID, op.Method, op.Path, err))
		}
	}
	for _, kind := range kinds {
		sent, absent := r.matrix.total(kind.name), slices.Contains(a.Absent, kind.name)
		if sent == 0 && !absent {
			failures = append(failures, fmt.Errorf("no request of the kind %q was sent; if the contract has no place for it, say so in Absent", kind.name))
		} else if sent > 0 && absent {
			failures = append(failures, fmt.Errorf("requests of the kind %q were sent, which Absent says the contract has no place for", kind.name))
		}
	}
	return r.matrix, errors.Join(failures...)
}

// raid is one run of an Attack.
type raid struct {
	Attack
	t      *testing.T
	client *Client
	matrix *matrix
	rand   *rand.Rand
	whole  bool // what is optional is there
	turn   int  // of the alternatives, in whole requests
}

// operation sends all kinds to one operation.
func (r *raid) operation(op *Operation) error {
	for range valids {
		for _, sort := range []sort{prepared, stranger} {
			draft, err := r.draft(op, sort)
			if err == nil {
				err = r.accepted(draft, sort)
			}
			if err != nil {
				return err
			}
		}
	}
	for range branchesOf(bodySchema(op)) {
		changed, err := r.allBroken(op)
		if changed {
			err = errors.Join(err, errors.New("a broken request has changed something"), r.culprits(op))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// allBroken sends a draft broken in every way, and then the draft itself. It tells whether the broken ones changed anything.
func (r *raid) allBroken(op *Operation) (changed bool, err error) {
	draft, err := r.draft(op, whole)
	if err != nil {
		return false, err
	}
	attempts := r.attempts(draft)
	before := r.tables()
	var failures []error
	for i, kind := range kinds {
		for _, attempt := range attempts[i] {
			if err := r.refused(draft, kind, attempt); err != nil && len(failures) < enough {
				failures = append(failures, fmt.Errorf("kind %q: %w", kind.name, err))
			}
		}
	}
	failures = append(failures, r.Settle(r.t.Context()))
	if changed = r.tables() != before; changed {
		return true, errors.Join(failures...)
	}
	if err := r.accepted(draft, whole); err != nil {
		failures = append(failures, fmt.Errorf("after all that was broken, the request itself: %w", err))
	}
	return false, errors.Join(failures...)
}

// attempts are the broken requests of a draft, by kind.
func (r *raid) attempts(draft *Draft) [][]attempt {
	all := make([][]attempt, len(kinds))
	for i, kind := range kinds {
		if kind.make != nil {
			all[i] = kind.make(r, draft)
		}
	}
	return all
}

// tables are the hashes of all tables.
func (r *raid) tables() string { return HashTables(r.t, r.DB, r.Except...) }

// enough is how many failures of an operation are told: whoever mends those looks again.
const enough = 5

// culprits sends everything once more and looks at the tables after each request: which one changes something?
func (r *raid) culprits(op *Operation) error {
	draft, err := r.draft(op, whole)
	if err != nil {
		return err
	}
	var found []error
	before := r.tables()
	for i, attempts := range r.attempts(draft) {
		for _, attempt := range attempts {
			_, err := r.client.Do(r.t.Context(), attempt.Request)
			if err = errors.Join(err, r.Settle(r.t.Context())); err != nil {
				return err
			}
			after := r.tables()
			if after != before {
				found = append(found, fmt.Errorf("kind %q, %s:\n%s\nbefore:\n%safter:\n%s", kinds[i].name, attempt.what, dump(attempt.Request), before, after))
			}
			if before = after; len(found) == enough {
				return errors.Join(found...)
			}
		}
	}
	return errors.Join(found...)
}

// sort is how a valid request is made.
type sort int

const (
	stranger sort = iota // as the contract has it: what it names may not exist
	prepared             // so that it succeeds
	whole                // so that it succeeds, with every optional part
)

// draft makes a valid request.
func (r *raid) draft(op *Operation, sort sort) (*Draft, error) {
	r.whole = sort == whole
	d := &Draft{Operation: op, Params: map[string]string{}}
	for _, p := range parametersOf(op) {
		if p.In != openapi3.ParameterInPath && p.In != openapi3.ParameterInQuery {
			return nil, fmt.Errorf("parameter %s: only path and query are spoken here, not %s", p.Name, p.In)
		}
		if p.Required || r.whole || r.rand.IntN(2) == 0 {
			value, err := r.value(itemOf(p), 0)
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
			}
			d.Params[p.Name] = value.text
		}
	}
	if schema := bodySchema(op); schema != nil {
		value, err := r.value(schema, 0)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		d.tree = value
		d.Body, _ = value.plain().(map[string]any)
	}
	if !isPublic(r.Spec, op) {
		token, err := r.Token(r.t.Context(), slices.Concat(rolesOf(op), r.Roles)[0])
		if err != nil {
			return nil, err
		}
		d.Token = token
	}
	if sort == stranger {
		return d, nil
	}
	before := d.plainBody()
	if err := r.Prepare(r.t.Context(), d); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if err := d.adopt(before); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	return d, r.Settle(r.t.Context())
}

// plainBody is the body as Prepare got it.
func (d *Draft) plainBody() map[string]any {
	if d.tree == nil {
		return nil
	}
	body, _ := d.tree.plain().(map[string]any)
	return body
}

// adopt takes what Prepare set in Body into the tree.
func (d *Draft) adopt(before map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(d.Body)) {
		value := d.Body[name]
		if old, ok := before[name]; ok && fmt.Sprint(old) == fmt.Sprint(value) {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
		n, err := parseJSON(string(text), 1)
		if err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
		d.tree.set(name, n)
	}
	return nil
}

// set sets a member of an object.
func (n *node) set(name string, value *node) {
	for i, other := range n.names {
		if other == name {
			n.values[i] = value
			return
		}
	}
	n.names, n.values = append(n.names, name), append(n.values, value)
}

// request is the draft as it is sent.
func (d *Draft) request() Request {
	request := Request{Method: d.Operation.Method, Path: d.path(), Header: http.Header{}}
	if d.Token != "" {
		request.Header.Set("Authorization", "Bearer "+d.Token)
	}
	if d.tree != nil {
		request.Body = []byte(d.tree.raw())
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}

// path fills the template and adds the query.
func (d *Draft) path() string {
	path, query := d.Operation.Path, url.Values{}
	for _, p := range parametersOf(d.Operation) {
		value, given := d.Params[p.Name]
		switch {
		case p.In == openapi3.ParameterInPath:
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case given:
			query.Set(p.Name, value)
		}
	}
	if len(query) > 0 {
		return path + "?" + query.Encode()
	}
	return path
}

// accepted sends a valid request. Prepared ones must succeed; of the others the contract must find nothing wrong.
func (r *raid) accepted(draft *Draft, sort sort) error {
	request := draft.request()
	kind := kindValid
	if sort == stranger {
		kind = kindStranger
	}
	if err := openapiAccepts(r.t.Context(), r.Spec, draft, request); err != nil {
		return fmt.Errorf("the generated request is not valid: %w\n%s", err, dump(request))
	}
	response, err := r.client.Do(r.t.Context(), request)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, dump(request))
	}
	r.matrix.add(draft.Operation.ID, kind, response.Status)
	switch status := response.Status; {
	case response.Breach != nil:
		err = fmt.Errorf("the contract is broken: %w", response.Breach)
	case status < 300:
	case sort != stranger:
		err = errors.New("a prepared valid request must succeed")
	case status == http.StatusBadRequest && len(r.Fields(response.Body)) > 0, slices.Contains(refusals, status),
		status == http.StatusUnauthorized && draft.Token != "":
		err = errors.New("the contract refuses a valid request")
	}
	if err != nil {
		return fmt.Errorf("%w\n%s\n%d %s", err, dump(request), response.Status, shown(response.Body))
	}
	return r.Settle(r.t.Context())
}

// refusals are statuses with which a contract, and not a rule of the system, refuses.
var refusals = []int{
	http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
	http.StatusServiceUnavailable,
}

// refused sends one broken request and holds the answer to what must come of it.
func (r *raid) refused(draft *Draft, kind kind, attempt attempt) error {
	response, err := r.client.Do(r.t.Context(), attempt.Request)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", attempt.what, err, dump(attempt.Request))
	}
	r.matrix.add(draft.Operation.ID, kind.name, response.Status)
	switch {
	case response.Status != kind.status:
		err = fmt.Errorf("want the status %d", kind.status)
	case response.Breach != nil:
		err = fmt.Errorf("the contract is broken: %w", response.Breach)
	case !attempt.names(r.Fields(response.Body)):
		err = fmt.Errorf("none of the fields %q is named", attempt.fields)
	case kind.status == http.StatusBadRequest && len(r.Fields(response.Body)) == 0:
		err = errors.New("no violation is named")
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s\n%d %s", attempt.what, err, dump(attempt.Request), response.Status, shown(response.Body))
	}
	return nil
}

// dump is a request for people.
func dump(request Request) string {
	body := string(request.Body)
	if len(body) > 400 {
		body = fmt.Sprintf("%s… (%d bytes)", body[:400], len(body))
	}
	return fmt.Sprintf("%s %s\n%v\n%q", request.Method, request.Path, request.Header, body)
}
