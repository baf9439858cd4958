// Package contract compiles an API contract into validators.
//
// A contract document is loaded once, at start. Every schema in it becomes a Program: a flat list of checks that reads a
// JSON value as a token stream, allocates nothing when the value is valid and reports every violation with its place when
// it is not. Every operation becomes one Echo middleware on Echo's own matched route, which holds a request to all that
// the contract says of it (security and roles, media type, body limit, parameters, body) before the generated stub decodes the
// very same bytes. What the package does not support it refuses when the contract is loaded, with file and line.
//
// The front end for OpenAPI 3.0.3 reads kin-openapi's document; the intermediate form (Schema) belongs to neither contract
// language, so that other front ends compile into the same programs.
package contract
