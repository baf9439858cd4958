package realtime

import "embed"

// Runtime holds the sources that generated event code needs of this package, and the dialer of generated clients.
// asyncapi-gen copies them into other modules; nothing here reads them, so that they are no part of other programs.
//
//go:embed client.go doc.go event.go peer.go surface.go dial/dial.go dial/socketio.go
var Runtime embed.FS
