package contract

import "embed"

// Runtime holds the sources that generated event code needs of this package: schemas, compiler and programs, without the
// front ends and without HTTP. asyncapi-gen copies them into other modules; nothing here reads them, so that they are no
// part of other programs.
//
//go:embed build.go build_object.go canonical.go compile.go decimal.go event.go format.go messages.go messages_en.go
//go:embed messages_fr.go names.go pattern.go program.go report.go scan.go schema.go text.go texts.go violation.go
//go:embed walk.go walk_branches.go walk_object.go doc.go
//go:embed stdjson/decode.go stdjson/decode_value.go stdjson/encode.go stdjson/json.go stdjson/optional.go stdjson/options.go stdjson/struct.go
var Runtime embed.FS
