// Package spec embeds the contracts, so that the binary serves and enforces the very documents that generated it.
package spec

import "embed"

// Tiptop is the prize game's OpenAPI 3.0.3 document.
//
//go:embed tiptop/openapi.yaml
var Tiptop []byte

// Tickets is the ticket desk's OpenAPI 3.0.3 document.
//
//go:embed tickets/openapi.yaml
var Tickets []byte

// TicketsEvents is the ticket desk's AsyncAPI 3.0 document.
//
//go:embed tickets/asyncapi.yaml
var TicketsEvents []byte

// Reunion is the live sales meetings' OpenAPI 3.0.3 document.
//
//go:embed reunion/openapi.yaml
var Reunion []byte

// ReunionEvents is the live sales meetings' AsyncAPI 3.0 document.
//
//go:embed reunion/asyncapi.yaml
var ReunionEvents []byte

// Tchatator is the OpenAPI 3.0.3 document of the chat's history.
//
//go:embed tchatator/openapi.yaml
var Tchatator []byte

// TchatatorEvents is the chat's AsyncAPI 3.0 document.
//
//go:embed tchatator/asyncapi.yaml
var TchatatorEvents []byte

// Files holds every contract under <sys>/, for tools that look at all of them.
//
//go:embed */*.yaml
var Files embed.FS
