package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/go-json-experiment/json/jsontext"
)

// Spec is an OpenAPI contract as the tests read it: with kin-openapi, independently of package contract.
type Spec struct {
	Doc *openapi3.T

	envelope   *openapi3.SchemaRef // what answers to no operation look like: the default response of the first one
	operations []Operation
}

// Operation is one operation of a contract.
type Operation struct {
	ID, Method, Path string // Path as the contract writes it: "/api/game/my-tickets/{id}"
	Item             *openapi3.PathItem
	Spec             *openapi3.Operation
}

// LoadSpec reads and checks a contract.
func LoadSpec(document []byte) (*Spec, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("testkit.LoadSpec: %w", err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		return nil, fmt.Errorf("testkit.LoadSpec: %w", err)
	}
	doc.SetStringFormatValidators(formats())
	s := &Spec{Doc: doc}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Extensions["x-planned"] != nil {
				continue
			}
			s.operations = append(s.operations, Operation{op.OperationID, method, path, item, op})
		}
	}
	slices.SortFunc(s.operations, func(a, b Operation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	for _, op := range s.operations {
		if response := op.Spec.Responses.Default(); response != nil {
			if media := response.Value.Content.Get("application/json"); media != nil {
				s.envelope = media.Schema
				break
			}
		}
	}
	if s.envelope == nil {
		return nil, errors.New("testkit.LoadSpec: no operation has a default response: what do errors look like?")
	}
	return s, nil
}

// formats are what kin does not check unless it is told how.
var formats = sync.OnceValue(func() map[string]openapi3.StringFormatValidator {
	return map[string]openapi3.StringFormatValidator{
		"uuid": openapi3.NewRegexpFormatValidator(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`),
		"email": openapi3.NewCallbackValidator(func(value string) error {
			address, err := mail.ParseAddress(value)
			if err == nil && address.Address != value {
				err = errors.New("more than an address")
			}
			return err
		}),
		"date-time": openapi3.NewRegexpFormatValidator(`^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-][0-2][0-9]:[0-5][0-9])$`),
	}
})

// Operations are all operations that are served (not x-planned), by path and method.
func (s *Spec) Operations() []Operation { return s.operations }

// Find is the operation of a request, with its path parameters; nil when none is served. A segment without parameters
// goes before one with. Path may have a query.
func (s *Spec) Find(method, path string) (*Operation, map[string]string) {
	path, _, _ = strings.Cut(path, "?")
	var best *Operation
	var params map[string]string
	for i := range s.operations {
		op := &s.operations[i]
		if op.Method != method {
			continue
		}
		found, ok := matchPath(op.Path, path)
		if ok && (best == nil || len(found) < len(params)) {
			best, params = op, found
		}
	}
	return best, params
}

// matchPath compares a path with a template, segment by segment.
func matchPath(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range want {
		if strings.HasPrefix(segment, "{") && got[i] != "" {
			value, err := url.PathUnescape(got[i])
			if err != nil {
				value = got[i]
			}
			params[strings.Trim(segment, "{}")] = value
		} else if segment != got[i] {
			return nil, false
		}
	}
	return params, true
}

// undocumented are the statuses that any operation may answer without listing them: the default response says so.
var undocumented = []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable}

// Check holds an exchange to the contract: the response must be one that the operation documents, headers and body included,
// and a request that succeeded must be a valid one. What belongs to no operation must be answered with the error envelope.
func (s *Spec) Check(ctx context.Context, request Request, response *Response) error {
	if err := strictJSON(response); err != nil {
		return err
	}
	op, params := s.Find(request.Method, request.Path)
	if op == nil {
		return s.checkForeign(response)
	}
	listed := op.Spec.Responses.Value(strconv.Itoa(response.Status)) != nil
	if !listed && !slices.Contains(undocumented, response.Status) {
		return fmt.Errorf("%s does not list the status %d", op.ID, response.Status)
	}
	input, err := s.input(ctx, op, params, request)
	if err != nil {
		return err
	}
	if response.Status < 300 {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return fmt.Errorf("the server accepted a request that the contract forbids: %w", err)
		}
	}
	err = openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 response.Status,
		Header:                 response.Header,
		Body:                   io.NopCloser(bytes.NewReader(response.Body)),
		Options:                input.Options,
	})
	if err != nil {
		return fmt.Errorf("the response: %w", err)
	}
	return nil
}

// strictJSON refuses what lenient readers let pass: duplicate names, invalid UTF-8, something behind the value.
func strictJSON(response *Response) error {
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && !jsontext.Value(response.Body).IsValid() {
		return errors.New("the response's body is not valid JSON")
	}
	return nil
}

// checkForeign holds an answer to a request that is no operation's to the error envelope.
func (s *Spec) checkForeign(response *Response) error {
	if response.Status < 400 {
		return fmt.Errorf("the contract has no such operation, yet the answer is %d", response.Status)
	}
	body, err := parseJSON(string(response.Body), 1)
	if err != nil {
		return fmt.Errorf("the body is not the error envelope: %w", err)
	}
	if err := s.envelope.Value.VisitJSON(body.plain(), openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("the body is not the error envelope: %w", err)
	}
	return nil
}

// input is the exchange as openapi3filter wants it.
func (s *Spec) input(ctx context.Context, op *Operation, params map[string]string, request Request) (*openapi3filter.RequestValidationInput, error) {
	r, err := http.NewRequestWithContext(ctx, request.Method, "http://localhost", bytes.NewReader(request.Body))
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(request.Path, "?")
	r.URL.Path, r.URL.RawQuery, r.Header = path, query, request.Header.Clone()
	return &openapi3filter.RequestValidationInput{
		Request:     r,
		PathParams:  params,
		QueryParams: saturated(op, r.URL.Query()),
		Route:       &routers.Route{Spec: s.Doc, Path: op.Path, PathItem: op.Item, Method: op.Method, Operation: op.Spec},
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true,
			MultiError:            true,
			SkipSettingDefaults:   true,
		},
	}, nil
}

// plain is the value as encoding/json would decode it.
func (n *node) plain() any {
	switch n.kind {
	case '{':
		object := map[string]any{}
		for i, name := range n.names {
			object[name] = n.values[i].plain()
		}
		return object
	case '[':
		array := []any{}
		for _, value := range n.values {
			array = append(array, value.plain())
		}
		return array
	case '"':
		return n.text
	case '0':
		number, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return n.text
		}
		return number
	case 'n':
		return nil
	}
	return n.kind == 't'
}

// saturated writes the numbers that x-saturate lets be too large for an int64 as what they mean; openapi3filter knows no
// extensions.
func saturated(op *Operation, query url.Values) url.Values {
	for _, p := range parametersOf(op) {
		if saturates(p, query.Get(p.Name)) {
			query.Set(p.Name, strconv.FormatInt(math.MaxInt64, 10))
		}
	}
	return query
}

// saturates tells that text is such a number.
func saturates(p *openapi3.Parameter, text string) bool {
	_, err := strconv.ParseUint(text, 10, 63)
	return p.Extensions["x-saturate"] == true && errors.Is(err, strconv.ErrRange)
}
