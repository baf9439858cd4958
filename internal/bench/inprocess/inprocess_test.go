package inprocess

import (
	"net/http"
	"strings"
	"testing"
)

// TestContestants holds every contestant to the same answers, and to refusing what it must: whoever validates refuses an
// invalid body, and everybody a wrong token.
func TestContestants(t *testing.T) {
	t.Parallel()
	all, err := contestants()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range calls() {
				s := newSender(c, one.handler)
				for range 3 { // the request is used again and again
					if err := s.check(); err != nil {
						t.Fatal(err)
					}
				}
				s.request.Header.Set("Authorization", "Bearer stranger")
				if s.send(1); s.answer.status != http.StatusUnauthorized {
					t.Errorf("%s with a wrong token: status %d", c.name, s.answer.status)
				}
				if c.body == "" {
					continue
				}
				c.body = strings.Replace(c.body, `"stock":200`, `"stock":-1`, 1)
				want := http.StatusBadRequest
				if one.name == nameStubs {
					want = http.StatusCreated
				}
				broken := newSender(c, one.handler)
				if broken.send(1); broken.answer.status != want {
					t.Errorf("%s with an invalid body: status %d, want %d: %s", c.name, broken.answer.status, want, broken.answer.body)
				}
			}
		})
	}
}
