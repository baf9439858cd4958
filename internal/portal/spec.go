package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v3"
)

// document is a contract whose only server is wherever it is served: the YAML before and after that server's URL.
type document struct{ before, after []byte }

// hole stands for the URL while the document is encoded. Its private-use characters stand in no contract.
const hole = "\uE000guichet-server\uE000"

// newDocument parses a contract and replaces its servers, or adds them where it has none.
func newDocument(spec []byte) (document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(spec, &root); err != nil {
		return document{}, fmt.Errorf("portal.newDocument: %w", err)
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return document{}, errors.New("portal.newDocument: the contract is not a mapping")
	}
	setServer(root.Content[0])
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&root), encoder.Close()); err != nil {
		return document{}, fmt.Errorf("portal.newDocument: %w", err)
	}
	before, after, found := bytes.Cut(out.Bytes(), []byte(`"`+hole+`"`))
	if !found {
		return document{}, errors.New("portal.newDocument: the server was lost while encoding")
	}
	return document{before: before, after: after}, nil
}

// setServer gives the document's mapping one server, the hole, and keeps everything else.
func setServer(contract *yaml.Node) {
	scalar := func(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value} }
	url := scalar(hole)
	url.Style = yaml.DoubleQuotedStyle
	server := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("url"), url}}
	servers := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{server}}
	for i := 0; i+1 < len(contract.Content); i += 2 {
		if contract.Content[i].Value == "servers" {
			contract.Content[i+1] = servers
			return
		}
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
