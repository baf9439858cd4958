// Package migrations embeds the schema of every system: goose migrations, one directory per PostgreSQL schema. The
// directory platform belongs to no system: it holds what all of them share.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed */*.sql
var files embed.FS

// FS holds one directory per schema, named like it.
func FS() fs.FS { return files }

// Of returns the migrations of one schema, NNNN_name.sql at its top level. It panics if there is no such schema: which
// ones exist is known when the program is built.
func Of(schema string) fs.FS {
	if _, err := fs.Stat(files, schema); err != nil {
		panic(err)
	}
	sub, err := fs.Sub(files, schema)
	if err != nil {
		panic(err)
	}
	return sub
}
