package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/guichet-api/guichet/internal/bench/contest"
	"github.com/guichet-api/guichet/internal/bench/load"
)

// call is one of the measured operations.
type call struct {
	name     string
	requests int // in a turn, of all workers together
	request  func(ctx context.Context, url string, p *contest.Player, n int, code string) (*http.Request, error)
	playing  bool // every request needs a fresh code
}

func calls() []call {
	return []call{
		{name: "GET by id", requests: 1500, request: getTicket},
		{name: "GET list of 20", requests: 800, request: listTickets},
		{name: "POST play", requests: 500, request: play, playing: true},
	}
}

func getTicket(ctx context.Context, url string, p *contest.Player, n int, _ string) (*http.Request, error) {
	return authorised(ctx, http.MethodGet, url+"/api/game/my-tickets/"+p.Tickets[n%len(p.Tickets)], p, "")
}

func listTickets(ctx context.Context, url string, p *contest.Player, _ int, _ string) (*http.Request, error) {
	return authorised(ctx, http.MethodGet, url+"/api/game/my-tickets?page=1&limit=20", p, "")
}

func play(ctx context.Context, url string, p *contest.Player, _ int, code string) (*http.Request, error) {
	return authorised(ctx, http.MethodPost, url+"/api/game/play", p, `{"ticketCode":"`+code+`"}`)
}

func authorised(ctx context.Context, method, url string, p *contest.Player, body string) (*http.Request, error) {
	var r *http.Request
	var err error
	if body == "" {
		r, err = http.NewRequestWithContext(ctx, method, url, http.NoBody)
	} else {
		r, err = http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	}
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// accept reports what is wrong with an answer of a measured round. What every answer says in full is compared once, before,
// in sameAnswers.
func (c call) accept(a load.Answer) error {
	if a.Err != nil {
		return fmt.Errorf("%s: %w", c.name, a.Err)
	}
	if a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte(`"success":true`)) {
		return fmt.Errorf("%s: status %d: %s", c.name, a.Status, a.Body)
	}
	return nil
}

// sameAnswers sends a call to both servers and compares what they say.
func (s *stage) sameAnswers(ctx context.Context, c call) error {
	client := load.NewClient(1)
	defer client.CloseIdleConnections()
	for n := range 3 {
		var answers []any
		for _, one := range s.servers {
			code := ""
			if c.playing {
				codes, err := s.contest.AddCodes(ctx, 1)
				if err != nil {
					return err
				}
				code = codes[0]
			}
			r, err := c.request(ctx, one.url, &s.contest.Players[n], n, code)
			if err != nil {
				return err
			}
			var body bytes.Buffer
			status, err := load.Do(client, r, &body)
			if err := c.accept(load.Answer{Status: status, Body: body.Bytes(), Err: err}); err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			var answer any
			if err := json.Unmarshal(body.Bytes(), &answer); err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			if c.playing {
				answer = shape(answer)
			}
			answers = append(answers, answer)
		}
		if !reflect.DeepEqual(answers[0], answers[1]) {
			return fmt.Errorf("%s: %s answers %v\n%s answers %v", c.name, s.servers[0].name, answers[0], s.servers[1].name, answers[1])
		}
	}
	return nil
}

// shape replaces what differs between two plays by its kind: who plays wins something else each time.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = shape(member)
		}
		return v
	case string:
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", v); err == nil {
			return "time"
		}
		return "string"
	default:
		return v
	}
}
