package contract

import (
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Operation is one operation of a contract, compiled. It is immutable.
type Operation struct {
	ID      string   // operationId
	Method  string   // "GET"
	Path    string   // OpenAPI's template: "/tickets/{id}"
	Route   string   // the same for Echo: "/tickets/:id"
	Summary string   // for people; may be empty
	Tags    []string // in the document's order
	Roles   []string // x-roles: who may call it; empty: everybody whom security lets in
	MaxBody int64    // x-max-body in bytes; 0: the guard's limit

	contract *Contract
	doc      *openapi3.Operation
	security []credential // alternatives; empty: no credentials are read
	optional bool         // security lists {}: no credentials are fine too

	path, query, header, cookie []*parameter
	body                        *requestBody // nil: the operation takes none
}

// operation compiles the operation at pointer into op and adds it to the contract.
func (l *loading) operation(pointer string, op *Operation, item *openapi3.PathItem, doc *openapi3.Operation) {
	op.contract, op.doc = l.contract, doc
	op.ID, op.Summary, op.Tags = doc.OperationID, doc.Summary, slices.Clone(doc.Tags)
	if op.ID == "" {
		l.refusef(pointer, "%s %s has no operationId", op.Method, op.Path)
	} else if other := l.contract.byID[op.ID]; other != nil {
		l.refusef(pointer+"/operationId", "operationId %s is also that of %s %s", op.ID, other.Method, other.Path)
	}
	if !slices.Contains(methods(), op.Method) {
		l.refusef(pointer, "method %s is not supported", op.Method)
	}
	if len(doc.Callbacks) > 0 {
		l.refusef(pointer+"/callbacks", "callbacks are not supported")
	}
	if doc.Servers != nil {
		l.refusef(pointer+"/servers", "servers of an operation are not supported")
	}
	l.extensions(pointer, doc.Extensions, "x-roles", "x-max-body", extPlanned)
	l.requirements(pointer, op)
	l.roles(pointer, op)
	l.maxBody(pointer, op)
	l.parameters(pointer, op, item)
	l.requestBody(pointer+"/requestBody", op)
	l.responses(pointer+"/responses", doc)

	l.contract.byID[op.ID] = op
	if l.planned(pointer, doc) {
		l.contract.Planned = append(l.contract.Planned, op)
		return
	}
	l.contract.Operations = append(l.contract.Operations, op)
	if l.contract.byRoute[op.Route] == nil {
		l.contract.byRoute[op.Route] = map[string]*Operation{}
	}
	l.contract.byRoute[op.Route][op.Method] = op
}

// extPlanned marks an operation that is published ahead of its server.
const extPlanned = "x-planned"

// planned reads x-planned. The operation is held to every rule, so that what is published can be served as it stands.
func (l *loading) planned(pointer string, doc *openapi3.Operation) bool {
	value, given := doc.Extensions[extPlanned]
	if given && value != true {
		l.refusef(child(pointer, extPlanned), "x-planned must be true: leave it out once the operation is served")
	}
	return given
}

func methods() []string {
	return []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
}

// roles reads x-roles.
func (l *loading) roles(pointer string, op *Operation) {
	value, given := op.doc.Extensions["x-roles"]
	if !given {
		return
	}
	pointer += "/x-roles"
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		l.refusef(pointer, "x-roles must be a list of roles")
		return
	}
	for _, item := range list {
		role, ok := item.(string)
		switch {
		case !ok || role == "":
			l.refusef(pointer, "x-roles must be a list of roles")
		case slices.Contains(op.Roles, role):
			l.refusef(pointer, "role %s is listed twice", role)
		default:
			op.Roles = append(op.Roles, role)
		}
	}
	if len(op.security) == 0 {
		l.refusef(pointer, "x-roles without security: nobody has a role")
	} else if op.optional {
		l.refusef(pointer, "x-roles with optional security: who comes without credentials has no role")
	}
}

// maxBody reads x-max-body.
func (l *loading) maxBody(pointer string, op *Operation) {
	value, given := op.doc.Extensions["x-max-body"]
	if !given {
		return
	}
	pointer += "/x-max-body"
	var n int64
	switch value := value.(type) {
	case float64:
		n = int64(value)
		if float64(n) != value {
			n = 0
		}
	case int:
		n = int64(value)
	case int64:
		n = value
	case uint64:
		n = int64(value)
	}
	if n <= 0 {
		l.refusef(pointer, "x-max-body must be a positive number of bytes")
		return
	}
	if op.doc.RequestBody == nil {
		l.refusef(pointer, "x-max-body without a requestBody")
	}
	op.MaxBody = n
}

// parameters compiles the operation's own parameters and those of its path that it does not replace.
func (l *loading) parameters(pointer string, op *Operation, item *openapi3.PathItem) {
	seen := map[[2]string]bool{}
	add := func(ref *openapi3.ParameterRef, where string) {
		key := [2]string{ref.Value.In, ref.Value.Name}
		if ref.Value.In == InHeader {
			key[1] = strings.ToLower(key[1])
		}
		if seen[key] {
			return
		}
		seen[key] = true
		l.parameter(l.resolve(where), op, ref.Value)
	}
	for i, ref := range op.doc.Parameters {
		add(ref, pointer+"/parameters/"+strconv.Itoa(i))
	}
	parent := pointer[:strings.LastIndexByte(pointer, '/')]
	for i, ref := range item.Parameters {
		add(ref, parent+"/parameters/"+strconv.Itoa(i))
	}
}
