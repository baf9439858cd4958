package portal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/guichet-api/guichet/internal/platform/web"
)

// eventDocument is an AsyncAPI contract whose servers are wherever it is served, as YAML with holes.
type eventDocument struct{ text []byte }

// What stands for the parts of a server's address while the document waits to be asked for: see hole.
const (
	holeHost   = "\uE000guichet-host\uE000"   // of what speaks HTTP
	holeMount  = "\uE000guichet-mount\uE000"  // before its path
	holeSocket = "\uE000guichet-socket\uE000" // ws or wss
	holeText   = "\uE000guichet-text\uE000"   // host of what does not: it has no mount
)

// newEventDocument parses an AsyncAPI contract and makes its servers' addresses holes.
func newEventDocument(spec []byte) (*eventDocument, error) {
	text, err := rewrite(spec, func(contract *yaml.Node) error {
		dropPlannedEvents(contract)
		return openServers(contract)
	})
	if err != nil {
		return nil, fmt.Errorf("portal.newEventDocument: %w", err)
	}
	return &eventDocument{text: text}, nil
}

// openServers makes holes of what depends on where the contract's servers are reached.
func openServers(contract *yaml.Node) error {
	servers := member(contract, "servers")
	if servers == nil {
		return errors.New("the contract has no servers")
	}
	for i := 0; i+1 < len(servers.Content); i += 2 {
		if err := openServer(servers.Content[i+1]); err != nil {
			return fmt.Errorf("server %s: %w", servers.Content[i].Value, err)
		}
	}
	return nil
}

// dropPlannedEvents takes the operations out that are published ahead of their server, and the channels that were theirs alone.
func dropPlannedEvents(contract *yaml.Node) {
	operations := member(contract, "operations")
	if operations == nil {
		return
	}
	dropped, kept := map[string]bool{}, map[string]bool{}
	filter(operations, func(_ string, operation *yaml.Node) bool {
		planned := member(operation, "x-planned") != nil
		if channel := member(operation, "channel"); channel != nil {
			if ref := member(channel, "$ref"); ref != nil {
				dropped[ref.Value], kept[ref.Value] = dropped[ref.Value] || planned, kept[ref.Value] || !planned
			}
		}
		return !planned
	})
	if channels := member(contract, "channels"); channels != nil {
		filter(channels, func(name string, _ *yaml.Node) bool {
			ref := "#/channels/" + name
			return !dropped[ref] || kept[ref]
		})
	}
}

// openServer makes holes of what depends on where a server entry is reached.
func openServer(server *yaml.Node) error {
	host, protocol, path := member(server, "host"), member(server, "protocol"), member(server, "pathname")
	if host == nil || protocol == nil {
		return errors.New("host or protocol is missing")
	}
	quoted := func(node *yaml.Node, value string) {
		*node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
	}
	if protocol.Value == "tcp" {
		quoted(host, holeText)
		return nil
	}
	if path == nil {
		path = &yaml.Node{Value: "/"}
		server.Content = append(server.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "pathname"}, path)
	}
	quoted(path, holeMount+path.Value)
	quoted(host, holeHost)
	if protocol.Value == "ws" {
		quoted(protocol, holeSocket)
	}
	return nil
}

// serve answers the document with the servers that the client of r reaches: below public, where it found the system, and at
// text what has no mount.
func (d *eventDocument) serve(w http.ResponseWriter, public *url.URL, text string) {
	socket := "ws"
	if public.Scheme == "https" {
		socket = "wss"
	}
	document := string(d.text)
	for hole, value := range map[string]string{holeHost: public.Host, holeMount: public.Path, holeSocket: socket, holeText: text} {
		document = strings.ReplaceAll(document, hole, inside(value))
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write([]byte(document)) //nolint:errcheck // the client has gone
}

// inside is a text as it stands between the quotes of a YAML scalar.
func inside(value string) string {
	text, err := json.Marshal(value) // a JSON string is a YAML scalar
	if err != nil {
		panic("portal.inside: " + err.Error()) // strings always encode
	}
	return string(text[1 : len(text)-1])
}

// handler answers /asyncapi.yaml beside a system, on its own port and below its mount.
func (d *eventDocument) handler() http.Handler {
	return web.Bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // a contract is public
		public := web.PublicURL(r)
		d.serve(w, public, public.Host)
	}))
}
