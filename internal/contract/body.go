package contract

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// DefaultMaxBody is the limit of a request body in bytes where neither Config nor x-max-body says otherwise.
const DefaultMaxBody = 1 << 20

// requestBody is an operation's compiled request body.
type requestBody struct {
	required bool
	media    []mediaType
}

// mediaType is one media type that a body may have.
type mediaType struct {
	name    string // "application/json"
	kind    bodyKind
	program *Program // of a JSON or text body; nil for streams
}

type bodyKind uint8

const (
	jsonBody      bodyKind = iota // read once, validated, decoded by Binder from the same bytes
	textBody                      // read once, validated as one string
	streamBody                    // passed through under the limit
	multipartBody                 // passed through under the limit; needs a boundary
)

// match finds the media type that the header names, or nil.
func (b *requestBody) match(header http.Header) *mediaType {
	if encoding := header["Content-Encoding"]; len(encoding) > 1 || len(encoding) == 1 && !strings.EqualFold(encoding[0], "identity") {
		return nil
	}
	values := header[echo.HeaderContentType]
	if len(values) != 1 {
		return nil
	}
	name, _, hasParams := strings.Cut(values[0], ";")
	name = strings.Trim(name, " \t")
	for i := range b.media {
		media := &b.media[i]
		if !strings.EqualFold(name, media.name) {
			continue
		}
		if (hasParams || media.kind == multipartBody) && !media.accepts(values[0]) {
			return nil
		}
		if len(b.media) > 1 && !strings.HasPrefix(values[0], media.name) {
			// The stub tells several media types apart by their prefix, letter by letter.
			header[echo.HeaderContentType] = []string{media.name + strings.TrimLeft(values[0], " \t")[len(name):]}
		}
		return media
	}
	return nil
}

// accepts looks at the media type's parameters: text is UTF-8, multipart has a boundary.
func (m *mediaType) accepts(contentType string) bool {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	charset, given := params["charset"]
	if given && m.kind != streamBody && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	return m.kind != multipartBody || params["boundary"] != ""
}

// receive takes the body as far as it can be refused without looking into it: media type (415), then size (413). What it
// returns is the request's new Body: nil when there is none, *received for JSON and text, *stream for the rest.
func (g *guarded) receive(r *http.Request) (*received, error) {
	rule := g.op.body
	if rule == nil || r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		r.Body = http.NoBody
		return nil, nil
	}
	body := &stream{source: r.Body, left: g.maxBody, guard: g}
	if r.ContentLength < 0 && body.empty() {
		r.Body = http.NoBody
		return nil, body.failure
	}
	media := rule.match(r.Header)
	if media == nil {
		return nil, g.refusal(http.StatusUnsupportedMediaType)
	}
	if r.ContentLength > g.maxBody {
		return nil, g.refusal(http.StatusRequestEntityTooLarge)
	}
	if media.kind == streamBody || media.kind == multipartBody {
		r.Body = body
		return nil, nil
	}
	whole := acquireReceived()
	whole.media, whole.lang = media, g.lang
	if err := whole.fill(body, r.ContentLength); err != nil {
		whole.release()
		return nil, err
	}
	r.Body = whole
	return whole, nil
}

// stream is a request body that is passed through. Past the limit, reading fails with an *Error of status 413.
type stream struct {
	source  io.ReadCloser
	guard   *guarded
	left    int64
	peeked  bool // first holds a byte that was read already
	first   [1]byte
	failure error
}

// empty reads the first byte, to tell a body of unknown length from none. A body that cannot be read is empty and has a
// failure.
func (s *stream) empty() bool {
	for {
		n, err := s.source.Read(s.first[:])
		if n == 1 {
			s.peeked = true
			return false
		}
		if err != nil {
			if err != io.EOF {
				s.failure = s.guard.unreadable(err)
			}
			return true
		}
	}
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (n int, err error) {
	switch {
	case s.failure != nil:
		return 0, s.failure
	case len(p) == 0:
		return 0, nil
	case s.peeked:
		s.peeked = false
		p[0], n = s.first[0], 1
	default:
		// One byte past the limit tells a body that ends there from one that goes on.
		n, err = s.source.Read(p[:min(int64(len(p)), s.left+1)])
	}
	if s.left -= int64(n); s.left < 0 {
		s.failure = s.guard.refusal(http.StatusRequestEntityTooLarge)
		return n + int(s.left), s.failure
	}
	if err != nil && err != io.EOF {
		s.failure = s.guard.unreadable(err)
		err = s.failure
	}
	return n, err
}

// Close implements io.Closer.
func (s *stream) Close() error { return s.source.Close() }

// unreadable is the refusal of a body that broke off.
func (g *guarded) unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return g.refusal(http.StatusRequestEntityTooLarge)
	}
	refusal := g.refusal(http.StatusBadRequest, g.violation(&parameter{in: InBody}, "incomplete"))
	refusal.Cause = err
	return refusal
}

// received is a body that was read as a whole. It belongs to one request and goes back to the pool after its handler has
// returned: nobody may keep it or its bytes.
type received struct {
	media *mediaType
	lang  string // of refusals
	data  []byte // what the handler gets: the buffer, or a copy with defaults filled in
	buf   []byte
	read  int
}

const (
	firstBuffer = 4 << 10  // what a body gets before it has proven to be larger
	keptBuffer  = 64 << 10 // larger buffers are left to the garbage collector
)

func acquireReceived() *received { return receivedPool.Get().(*received) }

// receivedPool is the memory of request bodies; it holds nothing but free buffers.
var receivedPool = sync.Pool{New: func() any { return &received{buf: make([]byte, 0, firstBuffer)} }}

func (b *received) release() {
	if cap(b.buf) > keptBuffer {
		return
	}
	*b = received{buf: b.buf[:0]}
	receivedPool.Put(b)
}

// fill reads the whole stream. length is what the request announces, -1 if it does not; it is not trusted with memory.
func (b *received) fill(s *stream, length int64) error {
	if want := min(length+1, keptBuffer); want > int64(cap(b.buf)) {
		b.buf = make([]byte, 0, want)
	}
	for {
		if len(b.buf) == cap(b.buf) {
			b.buf = append(b.buf, 0)[:len(b.buf)]
		}
		n, err := s.Read(b.buf[len(b.buf):cap(b.buf)])
		b.buf = b.buf[:len(b.buf)+n]
		if err == io.EOF {
			b.data = b.buf
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Read implements io.Reader.
func (b *received) Read(p []byte) (int, error) {
	if b.read == len(b.data) {
		return 0, io.EOF
	}
	n := copy(p, b.data[b.read:])
	b.read += n
	return n, nil
}

// Close implements io.Closer; there is nothing to close.
func (b *received) Close() error { return nil }

// checkBody validates the body and fills in defaults. body is nil when the request has none, or one that passes through.
func (g *guarded) checkBody(r *http.Request, body *received, report *Report, found []Violation) []Violation {
	if body == nil {
		if g.op.body != nil && g.op.body.required && r.Body == http.NoBody {
			found = append(found, g.violation(&parameter{in: InBody}, "required"))
		}
		return found
	}
	report.At(InBody, "")
	if body.media.kind == textBody {
		body.media.program.ValidateText(string(body.data), report)
	} else if body.media.program.Validate(body.data, report) {
		body.data = report.WithDefaults(body.data)
	}
	return found
}
