package asyncapi

import (
	"bytes"
	"embed"
	"io/fs"
	"path"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Module is the module that the generator belongs to.
const Module = "github.com/guichet-api/guichet"

// Runtime is the source of what generated Go needs, for a package with the given import path in another module: file
// name below the package → content. It needs go-json-experiment and google/uuid, and realtime/dial, which only clients
// import, coder/websocket.
func Runtime(importPath string) map[string][]byte {
	files := map[string][]byte{}
	for _, part := range []struct {
		name   string
		source embed.FS
	}{{"contract", contract.Runtime}, {"realtime", realtime.Runtime}} {
		_ = fs.WalkDir(part.source, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				content, _ := part.source.ReadFile(name) // an embedded file can be read
				files[path.Join(part.name, name)] = bytes.ReplaceAll(content, []byte(Module+"/internal/"), []byte(importPath+"/"))
			}
			return err
		})
	}
	return files
}
