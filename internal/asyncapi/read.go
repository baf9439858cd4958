package asyncapi

import (
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/guichet-api/guichet/internal/contract"
	"go.yaml.in/yaml/v3"
)

// reader turns a document into the model.
type reader struct {
	*sources
	doc      *Document
	root     contract.Place
	channels map[*yaml.Node]*Channel
	messages map[*yaml.Node]*Message
	types    *typeReader
	ahead    bool // operations that are x-planned are read like the others
	planned  int  // how many there are
}

// errorShape is an x-errors.
type errorShape struct{ reply, event *Message }

// Read reads the AsyncAPI document in file, a path in files, which also hold what it refers to. An error lists
// everything that is wrong or not supported, each with file and line. Operations that are x-planned are held to every rule, so
// that what is published can be served as it stands, and are no part of the answer.
func Read(files fs.FS, file string) (*Document, error) {
	r, err := read(files, file, true)
	if err == nil && r.planned > 0 {
		r, err = read(files, file, false)
	}
	if err != nil {
		return nil, err
	}
	return r.doc, nil
}

// read is Read with the planned operations, or without them.
func read(files fs.FS, file string, ahead bool) (*reader, error) {
	s := &sources{files: files, read: map[string]contract.Place{}}
	root, err := s.root(file)
	if err != nil {
		return nil, err
	}
	r := &reader{
		sources: s, root: root, ahead: ahead, doc: &Document{File: file, Lang: "en"},
		channels: map[*yaml.Node]*Channel{}, messages: map[*yaml.Node]*Message{},
	}
	r.types = newTypeReader(r)
	r.info()
	r.servers()
	r.doc.errors = r.errorShape(root, errorShape{})
	r.operations()
	if s.err() == nil {
		r.types.finish()
	}
	if s.err() == nil {
		r.checkExamples()
	}
	if err := s.err(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *reader) info() {
	if version := r.text(r.root, "asyncapi"); !strings.HasPrefix(version, "3.0.") {
		r.refuse(r.root, "this is no AsyncAPI 3.0 document (asyncapi: %q)", version)
	}
	r.known(r.root, "asyncapi", "id", "info", "servers", "channels", "operations", "components", "defaultContentType", "x-language", "x-errors")
	info, _ := r.root.Member("info")
	r.doc.Title, r.doc.Description = r.text(info, "title"), r.text(info, "description")
	if at, ok := r.root.Member("defaultContentType"); ok && at.Node.Value != "application/json" {
		r.refuse(at, "the content type is application/json")
	}
	if at, ok := r.root.Member("x-language"); ok {
		r.doc.Lang = at.Node.Value
		if r.doc.Lang != "fr" && r.doc.Lang != "en" {
			r.refuse(at, "the language is fr or en")
		}
	}
}

// known refuses members that have no meaning here: a misspelt x-durable must not be a silent no.
func (r *reader) known(at contract.Place, names ...string) {
	have, values := at.Members()
	for i, name := range have {
		if !slices.Contains(names, name) {
			r.refuse(values[i], "%q means nothing here", name)
		}
	}
}

func (r *reader) text(at contract.Place, name string) string {
	value, ok := at.Member(name)
	if !ok || value.Node.Kind != yaml.ScalarNode || value.Node.ShortTag() == "!!null" {
		return ""
	}
	return strings.TrimSpace(value.Node.Value)
}

// texts is a list of texts.
func (r *reader) texts(at contract.Place, name string) []string {
	list, ok := at.Member(name)
	if !ok {
		return nil
	}
	var texts []string
	for _, item := range list.Items() {
		texts = append(texts, item.Node.Value)
	}
	if len(texts) == 0 {
		r.refuse(list, "%s is a list of texts", name)
	}
	return texts
}

// doc is what a document says of a thing in words.
func (r *reader) words(at contract.Place) string {
	first := r.text(at, "title")
	if first == "" {
		first = r.text(at, "summary")
	}
	second := r.text(at, "description")
	if first == "" || second == "" {
		return first + second
	}
	return strings.TrimRight(first, ".") + ". " + second
}

func (r *reader) servers() {
	servers, ok := r.root.Member("servers")
	if !ok {
		r.refuse(r.root, "there are no servers, so that nothing says on which wire this is spoken")
		return
	}
	names, values := servers.Members()
	for i, name := range names {
		at, _ := r.follow(values[i])
		s := Server{Name: name, Path: r.text(at, "pathname"), Anonymous: r.text(at, "x-anonymous")}
		wire, _ := at.Member("x-wire")
		r.known(wire, "codec", "event", "payload", "id")
		s.Codec, s.Event, s.Payload, s.ID = r.text(wire, "codec"), r.text(wire, "event"), r.text(wire, "payload"), r.text(wire, "id")
		protocol := r.text(at, "protocol")
		if protocol == "socketio" && wire.Node == nil {
			s.Codec = protocol
		}
		if protocol == "wss" {
			protocol = "ws"
		}
		switch pair := protocol + " " + s.Codec; {
		case protocol == "socketio" && s.Codec == "socketio", pair == "tcp keyvalue":
		case pair == "ws envelope" && s.Event != "" && s.Payload != "", pair == "ws command" && s.Event != "":
		default:
			r.refuse(at, "protocol %q with codec %q is none of the wires", protocol, s.Codec)
		}
		r.doc.Servers = append(r.doc.Servers, s)
	}
}

func (r *reader) errorShape(at contract.Place, instead errorShape) errorShape {
	at, ok := at.Member("x-errors")
	if !ok {
		return instead
	}
	r.known(at, "reply", "event")
	var shape errorShape
	if reply, ok := at.Member("reply"); ok {
		shape.reply = r.message(reply)
	}
	if event, ok := at.Member("event"); ok {
		shape.event = r.message(event)
	}
	for _, m := range []*Message{shape.reply, shape.event} {
		if m != nil && m.Type == nil {
			r.refuse(m.at, "a message for errors has a payload")
		}
	}
	return shape
}

func (r *reader) channel(at contract.Place) *Channel {
	at, ok := r.follow(at)
	if !ok || at.Node.Kind != yaml.MappingNode {
		r.refuse(at, "a channel is expected here")
		return &Channel{}
	}
	if c := r.channels[at.Node]; c != nil {
		return c
	}
	c := &Channel{Key: last(at.Pointer), Address: r.text(at, "address"), Doc: r.words(at)}
	r.channels[at.Node] = c
	r.doc.Channels = append(r.doc.Channels, c)
	r.known(at, "address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "externalDocs", "x-stream")
	parameters, _ := at.Member("parameters")
	declared, _ := parameters.Members()
	for part := range strings.SplitSeq(c.Address, "{") {
		if name, _, ok := strings.Cut(part, "}"); ok {
			c.Parameters = append(c.Parameters, name)
			if !slices.Contains(declared, name) {
				r.refuse(at, "the address names {%s}, which is none of the parameters", name)
			}
		}
	}
	if len(declared) > len(c.Parameters) {
		r.refuse(parameters, "a parameter is not part of the address")
	}
	if stream, ok := at.Member("x-stream"); ok {
		r.stream(c, at, stream)
	}
	return c
}

func (r *reader) stream(c *Channel, at, stream contract.Place) {
	r.known(stream, "retention", "resync")
	retention, err := time.ParseDuration(r.text(stream, "retention"))
	if err != nil || retention <= 0 {
		r.refuse(stream, "retention is a duration like 24h")
	}
	c.Retention = retention
	if c.Address == "" {
		r.refuse(stream, "a channel without address has nothing to replay")
	}
	key := r.text(stream, "resync")
	target, err := r.resolve(at, "#/components/messages/"+key)
	if err != nil {
		r.refuse(stream, "resync is the key of a message: %v", err)
		return
	}
	c.Resync = r.message(target).Name
}

// message reads a message, each once.
func (r *reader) message(at contract.Place) *Message {
	at, ok := r.follow(at)
	if !ok || at.Node.Kind != yaml.MappingNode {
		r.refuse(at, "a message is expected here")
		return &Message{}
	}
	if m := r.messages[at.Node]; m != nil {
		return m
	}
	m := &Message{Key: last(at.Pointer), Name: r.text(at, "name"), Doc: r.words(at), Wires: r.wires(at), at: at}
	r.messages[at.Node] = m
	r.known(at, "name", "title", "summary", "description", "payload", "examples", "contentType", "tags", "externalDocs",
		"x-arguments", "x-wires", "x-status")
	if m.Name == "" {
		m.Name = m.Key
	}
	if status, ok := at.Member("x-status"); ok {
		m.Status = r.text(at, "x-status")
		if m.Status == "" {
			m.StatusOf = r.text(status, "property")
			r.known(status, "property")
		}
	}
	arguments := r.texts(at, "x-arguments")
	m.Arguments = arguments != nil
	payload, ok := at.Member("payload")
	if !ok {
		if m.Arguments {
			r.refuse(at, "x-arguments needs a payload")
		}
		return m
	}
	if _, multi := payload.Member("schemaFormat"); multi {
		r.refuse(payload, "schemaFormat is not supported: payloads are AsyncAPI's own schemas")
		return m
	}
	m.Type = r.types.payload(payload, m.Key, arguments)
	return m
}

var wireNames = []string{"socketio", "envelope", "command", "keyvalue"}

func (r *reader) wires(at contract.Place) []string {
	wires := r.texts(at, "x-wires")
	for _, wire := range wires {
		if !slices.Contains(wireNames, wire) {
			r.refuse(at, "x-wires: %q is none of %s", wire, strings.Join(wireNames, ", "))
		}
	}
	return wires
}

// last is the last name of a JSON pointer.
func last(pointer string) string {
	return strings.ReplaceAll(strings.ReplaceAll(pointer[strings.LastIndexByte(pointer, '/')+1:], "~1", "/"), "~0", "~")
}
