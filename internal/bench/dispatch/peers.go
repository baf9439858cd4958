package dispatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/guichet-api/guichet/spec"
)

// document reads one of the contracts as a tree.
func document(path string) (map[string]any, error) {
	source, err := spec.Files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(source, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Through JSON, so that numbers are what a JSON parser makes of them.
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	tree = nil
	return tree, json.Unmarshal(text, &tree)
}

// newSanthosh validates by the schema where it stands in the contract.
func newSanthosh(e event) (contestant, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	for _, name := range []string{"asyncapi.yaml", "openapi.yaml"} {
		tree, err := document(e.system + "/" + name)
		if err != nil {
			continue // not every system has both; a reference into one that is missing fails below
		}
		if err := c.AddResource("contract:///"+e.system+"/"+name, tree); err != nil {
			return contestant{}, err
		}
	}
	schema, err := c.Compile("contract:///" + e.system + "/asyncapi.yaml#/components/schemas/" + e.schema)
	if err != nil {
		return contestant{}, err
	}
	return contestant{"santhosh-tekuri/jsonschema", func(payload []byte) error {
		var tree any
		if err := jsonv2.Unmarshal(payload, &tree); err != nil {
			return err
		}
		if err := schema.Validate(tree); err != nil {
			return err
		}
		return jsonv2.Unmarshal(payload, e.target())
	}}, nil
}

// newKin validates by the same schemas, written as OpenAPI 3.0 has them.
func newKin(e event) (contestant, error) {
	schemas := map[string]any{}
	for _, name := range []string{"openapi.yaml", "asyncapi.yaml"} {
		tree, err := document(e.system + "/" + name)
		if err != nil {
			continue // as above
		}
		components, _ := tree["components"].(map[string]any)
		own, _ := components["schemas"].(map[string]any)
		maps.Copy(schemas, own)
	}
	text, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": e.system, "version": "1"}, "paths": map[string]any{},
		"components": map[string]any{"schemas": asOpenAPI(schemas)},
	})
	if err != nil {
		return contestant{}, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return contestant{}, err
	}
	schema := doc.Components.Schemas[e.schema].Value
	return contestant{"kin-openapi", func(payload []byte) error {
		var tree any
		if err := jsonv2.Unmarshal(payload, &tree); err != nil {
			return err
		}
		if err := schema.VisitJSON(tree); err != nil {
			return err
		}
		return jsonv2.Unmarshal(payload, e.target())
	}}, nil
}

// asOpenAPI rewrites what JSON Schema says in other words: references into one document, "null" as nullable, const as enum.
func asOpenAPI(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = asOpenAPI(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = asOpenAPI(value[name])
		}
		if ref, ok := value["$ref"].(string); ok {
			value["$ref"] = "#" + ref[strings.Index(ref, "#")+1:]
		}
		if types, ok := value["type"].([]any); ok {
			types = slices.DeleteFunc(types, func(t any) bool { return t == "null" })
			value["type"], value["nullable"] = types[0], true
		}
		if constant, ok := value["const"]; ok {
			delete(value, "const")
			value["enum"] = []any{constant}
		}
		if branches, ok := value["oneOf"].([]any); ok {
			rest := slices.DeleteFunc(branches, func(b any) bool { return b.(map[string]any)["type"] == "null" })
			if len(rest) == 1 && len(rest) < len(branches) {
				delete(value, "oneOf")
				value["allOf"], value["nullable"] = rest, true
			}
		}
	}
	return value
}
