// Package asyncapi reads an AsyncAPI 3.0 document and generates from it a validated, typed server (Go), clients (Go and
// TypeScript) and the tables that wires and hub need. What it cannot generate faithfully it refuses, all at once, each
// with file and line. cmd/asyncapi-gen is its command.
//
// The conventions of Guichet's documents:
//
//   - The document is the server's. An operation with action `receive` is what clients may send, with `reply.messages`
//     as the answers it may get; `send` is what the server sends. Each operation has exactly one message.
//   - A channel is a room: its address is the room's key, with parameters in braces. A channel whose address is null is
//     the one connection that a message came from.
//   - A message's `name` is the event's name on the wire, its key in components names it in code. No payload: the event
//     has no argument. `x-arguments: [a, b]` beside a payload that is a tuple (`type: array`, a list of `items`): several
//     arguments, and what to call them. An argument that a client leaves out is null to the contract.
//   - Servers pick the wire: `protocol: socketio`; `ws` with `x-wire: {codec: envelope, event: type, payload: data, id: id}`
//     or `{codec: command, event: command}`; `tcp` with `x-wire: {codec: keyvalue}`. `x-anonymous: client` names the role
//     of a connection that brings no credential.
//   - `x-wires: [command]` on a message or on a property: it exists on these wires only. Such a property is never missed
//     where it does not exist.
//   - `x-roles: [seller]` on an operation: who may send it. Nobody else's message reaches the handler.
//   - `x-errors: {reply: {$ref}, event: {$ref}}` on the document, or on an operation instead: what a refusal looks like, as
//     the answer (to who waits for one) and as an event to the peer. The reply may also be listed in `reply.messages`;
//     handlers return errors, never that message.
//   - `x-durable: true` on a send operation: the event goes through the outbox, gets an id in commit order and can be
//     replayed. Its channel says for how long: `x-stream: {retention: 24h, resync: resync}`, where resync is the key of
//     the message for a peer that missed more. Not for channels without address. The id stands in the envelope's id
//     member; on Socket.IO it is one more argument behind the payload. A client asks for a replay with the query
//     parameter since, on Socket.IO with auth.since.
//   - `x-queue: close|latest|drop` on a send operation: what a peer's full queue does (default close).
//   - On the key-value wire: `x-key: [receiver-id, recipient-id]` on a property names the key that is written, then others
//     that are read; `x-length: message-length` says which key counts the bytes of a raw value; `x-status: 200/OK` on a
//     message is the answer's first line, and `x-status: {property: error}` takes it from the payload.
//   - `x-language: fr` on the document: the language of validation messages.
//
// Payload schemas are JSON Schema draft 7, as far as internal/contract knows it; a $ref may lead into another AsyncAPI
// document or into an OpenAPI 3.0 one, whose schemas keep their own rules.
package asyncapi
