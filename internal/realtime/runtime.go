package realtime

import "embed"

// Runtime holds the sources that generated event code needs of this package. asyncapi-gen copies them into other modules;
// nothing here reads them, so that they are no part of other programs.
//
//go:embed client.go doc.go event.go peer.go surface.go
var Runtime embed.FS
