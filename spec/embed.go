// Package spec embeds the contracts, so that the binary serves and enforces the very documents that generated it.
package spec

import "embed"

// Tiptop is the prize game's OpenAPI 3.0.3 document.
//
//go:embed tiptop/openapi.yaml
var Tiptop []byte

// Files holds every contract under <sys>/, for tools that look at all of them.
//
//go:embed */*.yaml
var Files embed.FS
