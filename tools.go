//go:build generate

// Package guichet pins the generators and holds every go:generate line.
// `go generate ./...` (make generate) sets the build tag; nothing else compiles this file.
package guichet

import (
	_ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
	_ "github.com/sqlc-dev/sqlc/cmd/sqlc"
)

//go:generate go run ./cmd/contract-check spec/tiptop/openapi.yaml spec/tickets/openapi.yaml spec/reunion/openapi.yaml spec/tchatator/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/tiptop/oapi-codegen.yaml spec/tiptop/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/tiptop/oapi-codegen.client.yaml spec/tiptop/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/tickets/oapi-codegen.yaml spec/tickets/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/tickets/oapi-codegen.client.yaml spec/tickets/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/reunion/oapi-codegen.yaml spec/reunion/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/reunion/oapi-codegen.client.yaml spec/reunion/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/tchatator/oapi-codegen.yaml spec/tchatator/openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config spec/tchatator/oapi-codegen.client.yaml spec/tchatator/openapi.yaml
//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc generate
//go:generate node spec/typescript.mjs
//go:generate go run ./cmd/asyncapi-gen -go gen/tickets/events -ts gen/typescript/tickets/events.ts spec/tickets/asyncapi.yaml
//go:generate go run ./cmd/asyncapi-gen -go gen/reunion/events -ts gen/typescript/reunion/events.ts spec/reunion/asyncapi.yaml
//go:generate go run ./cmd/asyncapi-gen -go gen/meeting/events -ts gen/typescript/meeting/events.ts spec/meeting/asyncapi.yaml
//go:generate go run ./cmd/asyncapi-gen -go gen/tchatator/events -ts gen/typescript/tchatator/events.ts spec/tchatator/asyncapi.yaml
