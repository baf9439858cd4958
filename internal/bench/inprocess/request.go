package inprocess

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

// recorder is a ResponseWriter that is used again and again.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) reset() {
	clear(r.header)
	r.status, r.body = 0, r.body[:0]
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, p...)
	return len(p), nil
}

// replay is a request body that can be read again.
type replay struct{ strings.Reader }

func (r *replay) Close() error { return nil }

// sender sends one call to one contestant again and again, with the same request.
type sender struct {
	call    call
	handler http.Handler
	request *http.Request
	body    *replay
	answer  *recorder
}

func newSender(c call, h http.Handler) *sender {
	s := &sender{call: c, handler: h, answer: newRecorder(), body: &replay{}}
	s.request = httptest.NewRequest(c.method, c.target, nil)
	s.request.Header.Set("Authorization", "Bearer "+token)
	s.request.Header.Set("Accept", "application/json")
	if c.body != "" {
		s.request.Header.Set("Content-Type", "application/json")
		s.request.ContentLength = int64(len(c.body))
	}
	return s
}

// send makes n calls. Handlers may put something else in the place of the body, so that it is put back each time.
func (s *sender) send(n int) {
	for range n {
		if s.call.body != "" {
			s.body.Reset(s.call.body)
			s.request.Body = s.body
		}
		s.answer.reset()
		s.handler.ServeHTTP(s.answer, s.request)
	}
}

// check makes one call and verifies its answer.
func (s *sender) check() error {
	s.send(1)
	return s.call.verify(s.answer)
}
