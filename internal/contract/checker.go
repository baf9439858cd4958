package contract

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"
)

// What the checker keeps.
const (
	checkedBody = 1 << 20 // bytes of an answer; of a longer one status and headers are checked
	recentMax   = 100     // violations that Recent remembers
)

// Checker holds live answers to the contract, with kin-openapi's eyes and not the compiler's: status, headers and body. An
// answer goes out first and is judged afterwards; nothing is changed or held back.
type Checker struct {
	report func(op *Operation, status int, err error)
	now    func() time.Time

	mu     sync.Mutex
	recent []Discrepancy // a ring; next is the oldest once it is full
	next   int
}

// Discrepancy is an answer that the contract does not allow.
type Discrepancy struct {
	Time      time.Time
	Operation *Operation
	Status    int
	Err       error
}

// NewChecker returns a checker that calls report for every answer that the contract does not allow, from the goroutine of the
// request and possibly from several at once. report may be nil. now tells the time of discrepancies.
func NewChecker(report func(op *Operation, status int, err error), now func() time.Time) *Checker {
	return &Checker{report: report, now: now}
}

// Recent are the latest discrepancies, at most 100, the newest first.
func (k *Checker) Recent() []Discrepancy {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make([]Discrepancy, 0, len(k.recent))
	for i := range k.recent {
		list = append(list, k.recent[(k.next+len(k.recent)-1-i)%len(k.recent)])
	}
	return list
}

func (k *Checker) note(op *Operation, status int, err error) {
	d := Discrepancy{Time: k.now(), Operation: op, Status: status, Err: err}
	k.mu.Lock()
	if len(k.recent) < recentMax {
		k.recent = append(k.recent, d)
	} else {
		k.recent[k.next] = d
		k.next = (k.next + 1) % recentMax
	}
	k.mu.Unlock()
	if k.report != nil {
		k.report(op, status, err)
	}
}

// middleware checks the answers of one operation. It answers errors itself, so that error envelopes are checked too.
func (k *Checker) middleware(op *Operation) echo.MiddlewareFunc {
	doc := op.contract.Doc
	route := &routers.Route{Spec: doc, Path: op.Path, PathItem: doc.Paths.Value(op.Path), Method: op.Method, Operation: op.doc}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			response := c.Response()
			copied := &copier{ResponseWriter: response.Writer}
			response.Writer = copied
			err := next(c)
			if err != nil && !response.Committed {
				c.Error(err)
			}
			response.Writer = copied.ResponseWriter
			if wrong := k.judge(c.Request(), route, response, copied); wrong != nil {
				k.note(op, response.Status, wrong)
			}
			return err
		}
	}
}

// judge is nil when the contract allows the answer.
func (k *Checker) judge(r *http.Request, route *routers.Route, response *echo.Response, copied *copier) error {
	if copied.hijacked {
		return nil
	}
	if !response.Committed {
		return errors.New("the handler answered nothing")
	}
	media, _, _ := strings.Cut(response.Header().Get(echo.HeaderContentType), ";")
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 response.Status,
		Header:                 response.Header(),
		Options: &openapi3filter.Options{
			IncludeResponseStatus:   true,
			MultiError:              true,
			ExcludeResponseBody:     copied.partial || r.Method == http.MethodHead,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(kinFormats())},
		},
	}
	input.SetBodyBytes(copied.body.Bytes())
	if openapi3filter.RegisteredBodyDecoder(strings.ToLower(strings.TrimSpace(media))) == nil {
		// Files, pages and the like: their type is checked here, what is in them only their readers know.
		input.Options.ExcludeResponseBody = true
		if err := declared(route.Operation, response.Status, response.Header().Get(echo.HeaderContentType)); err != nil && copied.wrote {
			return err
		}
	}
	if err := openapi3filter.ValidateResponse(r.Context(), input); err != nil {
		return err
	}
	return undeclaredBody(route.Operation, response.Status, copied.wrote)
}

// answer is what the operation documents for a status, or nil.
func answer(op *openapi3.Operation, status int) *openapi3.Response {
	ref := op.Responses.Status(status)
	if ref == nil {
		ref = op.Responses.Default()
	}
	if ref == nil {
		return nil
	}
	return ref.Value
}

// declared checks the media type of an answer that kin-openapi cannot decode.
func declared(op *openapi3.Operation, status int, contentType string) error {
	if doc := answer(op, status); doc != nil && len(doc.Content) > 0 && doc.Content.Get(contentType) == nil {
		return errors.New("content type " + contentType + " is not in the contract")
	}
	return nil
}

// undeclaredBody checks that an answer without content in the contract has none.
func undeclaredBody(op *openapi3.Operation, status int, wrote bool) error {
	if doc := answer(op, status); doc != nil && len(doc.Content) == 0 && wrote {
		return errors.New("the contract knows no body for this answer")
	}
	return nil
}

// copier passes an answer on and keeps a copy of its body.
type copier struct {
	http.ResponseWriter
	body     bytes.Buffer
	wrote    bool // there is a body
	partial  bool // body is not all of it: too long, or a stream
	hijacked bool
}

// Write implements http.ResponseWriter.
func (w *copier) Write(p []byte) (int, error) {
	w.wrote = w.wrote || len(p) > 0
	if !w.partial {
		if w.body.Len()+len(p) > checkedBody {
			w.partial = true
			w.body = bytes.Buffer{}
		} else {
			w.body.Write(p)
		}
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom implements io.ReaderFrom: files keep their fast way and are not copied.
func (w *copier) ReadFrom(src io.Reader) (int64, error) {
	w.partial = true
	n, err := io.Copy(w.ResponseWriter, src)
	w.wrote = w.wrote || n > 0
	return n, err
}

// Flush implements http.Flusher: what is flushed in between is a stream.
func (w *copier) Flush() {
	w.partial = true
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker: what is said on the connection is no answer of the contract's.
func (w *copier) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets http.ResponseController find the server's own writer.
func (w *copier) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// kinFormats are our formats for kin-openapi, which checks few of them by itself.
func kinFormats() map[string]openapi3.StringFormatValidator {
	formats := map[string]openapi3.StringFormatValidator{}
	for _, name := range []string{formatByte, formatDate, formatDateTime, formatTime, formatUUID, formatEmail, formatURI,
		formatURIReference, formatHostname, formatIPv4, formatIPv6} {
		format, _ := textFormatNamed(name)
		formats[name] = openapi3.NewCallbackValidator(func(text string) error {
			if !format.valid([]byte(text)) {
				return errors.New("not a valid " + name)
			}
			return nil
		})
	}
	return formats
}
