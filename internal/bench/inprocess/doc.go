// Package inprocess measures what a request costs in a handler that needs no database: routing, authentication, validation,
// decoding, the call, encoding.
//
// Every contestant serves the same three operations of the same contract (spec/tiptop/openapi.yaml) with the same data,
// which it holds in the types that its generator made. It is called through ServeHTTP with the same requests; CPU is what
// the process used (user and system, garbage collection included), divided by the number of calls.
package inprocess
