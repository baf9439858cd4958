//go:build generate

// This file pins the generators of the peers and holds their go:generate lines. `go generate ./...` in this folder rewrites
// gen/ from the contract that the product is generated from; nothing else compiles this file.
package main

import (
	_ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
	_ "github.com/ogen-go/ogen/cmd/ogen"
)

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config gen/stock.yaml ../../spec/tiptop/openapi.yaml
//go:generate go run github.com/ogen-go/ogen/cmd/ogen --clean --config gen/ogen.yaml --target gen/ogen --package ogen ../../spec/tiptop/openapi.yaml
