// Package dispatch measures what an event costs from the bytes of its payload to the handler: validation by the contract and
// decoding into the generated type.
//
// All contestants get the same payloads, hold them to the same schemas of spec/<sys>/asyncapi.yaml, and end with the same Go
// value. Guichet is measured as it runs, Dispatch with role, handler and reply included. The peers are
// santhosh-tekuri/jsonschema and kin-openapi, which validate trees of any: they read one, validate it, and then have json v2
// decode the bytes, because neither decodes into types. Formats and patterns are checked by all.
package dispatch
