package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"go.yaml.in/yaml/v3"
)

// document is a contract as it is published: without the operations that are x-planned, and with wherever it is served as its
// only server. It is the YAML before and after that server's URL.
type document struct{ before, after []byte }

// hole stands for the URL while the document is encoded. Its private-use characters stand in no contract.
const hole = "\uE000guichet-server\uE000"

// newDocument parses a contract, leaves out what is not served yet and replaces its servers, or adds them where it has none.
func newDocument(spec []byte) (document, error) {
	text, err := rewrite(spec, func(contract *yaml.Node) error {
		dropPlanned(contract)
		setServer(contract)
		return nil
	})
	if err != nil {
		return document{}, fmt.Errorf("portal.newDocument: %w", err)
	}
	before, after, found := bytes.Cut(text, []byte(`"`+hole+`"`))
	if !found {
		return document{}, errors.New("portal.newDocument: the server was lost while encoding")
	}
	return document{before: before, after: after}, nil
}

// rewrite changes the mapping that a contract is, and keeps its order and comments.
func rewrite(spec []byte, change func(contract *yaml.Node) error) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(spec, &root); err != nil {
		return nil, err
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the contract is not a mapping")
	}
	if err := change(root.Content[0]); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := errors.Join(encoder.Encode(&root), encoder.Close())
	return out.Bytes(), err
}

// dropPlanned takes the operations out that are published ahead of their server, and the paths and tags that were theirs alone:
// who tries a document out finds only what answers.
func dropPlanned(contract *yaml.Node) {
	paths := member(contract, "paths")
	if paths == nil {
		return
	}
	dropped, kept := map[string]bool{}, map[string]bool{}
	filter(paths, func(_ string, item *yaml.Node) bool {
		served := false
		filter(item, func(method string, operation *yaml.Node) bool {
			if !slices.Contains(methods, method) {
				return true
			}
			planned := member(operation, "x-planned") != nil
			served = served || !planned
			if tags := member(operation, "tags"); tags != nil {
				for _, tag := range tags.Content {
					dropped[tag.Value], kept[tag.Value] = dropped[tag.Value] || planned, kept[tag.Value] || !planned
				}
			}
			return !planned
		})
		return served
	})
	if tags := member(contract, "tags"); tags != nil {
		tags.Content = slices.DeleteFunc(tags.Content, func(tag *yaml.Node) bool {
			name := member(tag, "name")
			return name != nil && dropped[name.Value] && !kept[name.Value]
		})
	}
}

// methods are the operations that a path item may have.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// member is a mapping's value by its name, or nil.
func member(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// filter keeps the members of a mapping that keep says yes to.
func filter(mapping *yaml.Node, keep func(name string, value *yaml.Node) bool) {
	var content []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if keep(mapping.Content[i].Value, mapping.Content[i+1]) {
			content = append(content, mapping.Content[i], mapping.Content[i+1])
		}
	}
	mapping.Content = content
}

// setServer gives the document's mapping one server, the hole, and keeps everything else.
func setServer(contract *yaml.Node) {
	scalar := func(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value} }
	url := scalar(hole)
	url.Style = yaml.DoubleQuotedStyle
	server := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("url"), url}}
	servers := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{server}}
	if old := member(contract, "servers"); old != nil {
		*old = *servers
		return
	}
	contract.Content = append(contract.Content, scalar("servers"), servers)
}

// at is the document with its server at a mount: "/tiptop", or "" for the root of an origin.
func (d document) at(mount string) []byte {
	if mount == "" {
		mount = "/"
	}
	url, err := json.Marshal(mount) // a JSON string is a YAML scalar
	if err != nil {
		panic("portal.document.at: " + err.Error()) // strings always encode
	}
	return bytes.Join([][]byte{d.before, url, d.after}, nil)
}

// serve answers the document for a mount.
func (d document) serve(w http.ResponseWriter, mount string) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(d.at(mount)) //nolint:errcheck // the client has gone
}
