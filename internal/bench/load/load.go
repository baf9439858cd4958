// Package load sends requests over kept-alive connections in a closed loop: each worker sends its next request when it has
// read the answer to the last one.
package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Timeout bounds one request. No request of a healthy server comes near it.
const Timeout = 15 * time.Second

// NewClient makes a client that keeps one connection to a server for each worker.
func NewClient(workers int) *http.Client {
	return &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: Timeout}).DialContext,
			MaxIdleConnsPerHost: workers,
			MaxIdleConns:        2 * workers,
			DisableCompression:  true,
		},
	}
}

// Answer is what came back for one request.
type Answer struct {
	Worker, N int // which worker; the n-th request of all
	Status    int
	Body      []byte // valid until the next request of the same worker
	Took      time.Duration
	Err       error // no answer
}

// Plan is a load.
type Plan struct {
	Client   *http.Client
	Workers  int
	Requests int // of all workers together; 0: until the context ends
	Request  func(ctx context.Context, worker, n int) (*http.Request, error)
	Seen     func(Answer) error // is called by all workers at once; an error ends the load
}

// Run drives the load and answers with how long it took.
func Run(ctx context.Context, p Plan) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sent atomic.Int64
	var workers sync.WaitGroup
	start := time.Now()
	for worker := range p.Workers {
		workers.Go(func() {
			var body bytes.Buffer
			for {
				n := int(sent.Add(1)) - 1
				if ctx.Err() != nil || p.Requests > 0 && n >= p.Requests {
					return
				}
				if err := p.one(ctx, worker, n, &body); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	workers.Wait()
	took := time.Since(start)
	if cause := context.Cause(ctx); cause != nil && (p.Requests > 0 || cause != ctx.Err()) {
		return took, fmt.Errorf("load: %w", cause)
	}
	return took, nil
}

// one sends a request and hands its answer on.
func (p Plan) one(ctx context.Context, worker, n int, body *bytes.Buffer) error {
	r, err := p.Request(ctx, worker, n)
	if err != nil {
		return err
	}
	a := Answer{Worker: worker, N: n}
	start := time.Now()
	a.Status, a.Err = Do(p.Client, r, body)
	a.Took, a.Body = time.Since(start), body.Bytes()
	if a.Err != nil && ctx.Err() != nil {
		return nil // the load ended under the request
	}
	return p.Seen(a)
}

// Do sends a request and reads the whole answer into body.
func Do(client *http.Client, r *http.Request, body *bytes.Buffer) (status int, err error) {
	body.Reset()
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(body, response.Body)
	return response.StatusCode, err
}

// Percentile is the smallest of the sorted values that p percent of all do not exceed; 0 of none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(float64(len(sorted)) * p / 100)
	if float64(rank)*100 < float64(len(sorted))*p {
		rank++
	}
	return sorted[min(max(rank, 1), len(sorted))-1]
}
