package asyncapi

import (
	"fmt"
	"slices"
	"strings"
)

// types writes the message types.
func (w *goWriter) types() {
	for _, t := range w.doc.Types {
		switch t.Kind {
		case Enum:
			w.enum(t)
		case Struct:
			w.structure(t)
		case Tuple:
			w.tuple(t)
		case Union:
			w.union(t)
		}
	}
	w.codec()
}

func (w *goWriter) enum(t *Type) {
	w.about(t.Name, "is one of the values that the contract lists", t.Doc)
	w.p("type %s string\n", t.Name)
	w.p("// The values of %s.\nconst (", t.Name)
	for _, value := range t.Values {
		w.p("%s%s %s = %q", t.Name, valueName(value), t.Name, value)
	}
	w.p(")\n")
	w.p("// Valid reports whether the contract knows the value.\nfunc (v %s) Valid() bool {\nswitch v {", t.Name)
	var names []string
	for _, value := range t.Values {
		names = append(names, t.Name+valueName(value))
	}
	w.p("case %s:\nreturn true\n}\nreturn false\n}\n", strings.Join(names, ", "))
	w.p("// UnmarshalText refuses values that the contract does not know.\nfunc (v *%s) UnmarshalText(text []byte) error {", t.Name)
	w.p("if !%s(text).Valid() {\nreturn %s.Errorf(\"%s: unknown value %%q\", text)\n}\n*v = %s(text)\nreturn nil\n}\n", t.Name, w.use("fmt"), t.Name, t.Name)
}

// valueName is a value as the end of a constant's name, where a digit may stand first.
func valueName(value string) string {
	name := goName(value)
	if len(name) > 1 && name[0] == 'N' && name[1] >= '0' && name[1] <= '9' {
		return name[1:]
	}
	return name
}

func (w *goWriter) structure(t *Type) {
	w.about(t.Name, w.purpose(t), t.Doc)
	if fixed := fixedText(t); fixed != "" {
		w.p("// On the wire it also has %s.", fixed)
		if alwaysSame(t) {
			w.p("type %s struct{}\n", t.Name)
			w.p("// MarshalJSON writes the members that are always the same.\nfunc (%s) MarshalJSON() ([]byte, error) {\nreturn []byte(%s), nil\n}\n", t.Name, raw(fixedObject(t)))
			return
		}
	}
	w.p("type %s struct {", t.Name)
	for _, f := range t.Fields {
		if f.fixed() {
			continue
		}
		typ, options := w.member(f)
		note := f.Doc
		if f.Wires != nil {
			note = strings.TrimSpace(sentence(note) + " Only on the wire " + strings.Join(f.Wires, ", "))
		}
		if note != "" {
			w.text.WriteString(comment("\t", sentence(note)))
		}
		w.p("%s %s `json:\"%s%s\"`", goName(f.Name), typ, tagName(f.Name), options)
	}
	if t.Elem != nil {
		w.p("Others map[string]%s `json:\",embed\"`", w.element(t.Elem))
	}
	w.p("}\n")
	if fixedText(t) != "" {
		w.fixedMembers(t)
	}
}

// purpose says which message or type a type belongs to.
func (w *goWriter) purpose(t *Type) string {
	for _, op := range slices.Concat(w.doc.Receives, w.doc.Sends) {
		if op.Message.Type == t {
			return fmt.Sprintf("is the payload of %q", op.Message.Name)
		}
		for _, m := range op.Replies {
			if m.Type == t {
				return fmt.Sprintf("is an answer to %q", op.Message.Name)
			}
		}
		if op.ErrorReply != nil && op.ErrorReply.Type == t {
			return "is the answer to a message that is refused"
		}
	}
	for _, other := range w.doc.Types {
		for _, f := range other.Fields {
			if holds(f.Type, t) {
				return "is part of " + other.Name
			}
		}
		for _, b := range other.Branches {
			if b.Type == t {
				return "is a branch of " + other.Name
			}
		}
	}
	return "is an item of a list"
}

// holds reports whether a field of type f shows t.
func holds(f, t *Type) bool {
	for f != nil {
		if f == t || f.Name != "" && f.Name == t.Name {
			return true
		}
		f = f.Elem
	}
	return false
}

// alwaysSame reports whether a type has members and all of them are always the same.
func alwaysSame(t *Type) bool {
	return t.Kind == Struct && len(t.Fields) > 0 && t.Elem == nil && !t.Nullable && !slices.ContainsFunc(t.Fields, func(f *Field) bool { return !f.fixed() })
}

// fixedText lists the members that no Go value holds.
func fixedText(t *Type) string {
	var list []string
	for _, f := range t.Fields {
		if f.fixed() {
			list = append(list, fmt.Sprintf("%s: %s", f.Name, f.Type.Value))
		}
	}
	return strings.Join(list, ", ")
}

// fixedObject is the JSON of a type all of whose members are always the same.
func fixedObject(t *Type) []byte {
	object := []byte{'{'}
	for i, f := range t.Fields {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(fmt.Appendf(object, "%q:", f.Name), f.Type.Value...)
	}
	return append(object, '}')
}

// fixedMembers writes the method that adds them.
func (w *goWriter) fixedMembers(t *Type) {
	w.p("// MarshalJSON adds the members that are always the same.\nfunc (v %s) MarshalJSON() ([]byte, error) {", t.Name)
	w.p("type plain %s\nreturn %s.Marshal(struct {", t.Name, w.use("stdjson"))
	var values []string
	for _, f := range t.Fields {
		if f.fixed() {
			w.p("%s %s `json:\"%s\"`", goName(f.Name), constType(f.Type), tagName(f.Name))
			values = append(values, string(f.Type.Value))
		}
	}
	w.p("plain\n}{%s, plain(v)})\n}\n", strings.Join(values, ", "))
}

func (w *goWriter) tuple(t *Type) {
	w.about(t.Name, w.purpose(t)+", of several arguments", t.Doc)
	w.p("type %s struct {", t.Name)
	var values []string
	for _, f := range t.Fields {
		if f.fixed() {
			values = append(values, string(f.Type.Value))
			continue
		}
		values = append(values, "v."+goName(f.Name))
		w.p("%s %s", goName(f.Name), w.element(f.Type))
	}
	w.p("}\n")
	w.p("// MarshalJSON writes the arguments in their order.\nfunc (v %s) MarshalJSON() ([]byte, error) {", t.Name)
	w.p("return %s.Marshal([]any{%s})\n}\n", w.use("stdjson"), strings.Join(values, ", "))
	w.p("// UnmarshalJSONFrom reads the arguments in their order.\nfunc (v *%s) UnmarshalJSONFrom(dec *%s.Decoder) error {", t.Name, w.use("jsontext"))
	w.p("var args [%d]jsontext.Value\nif err := %s.UnmarshalDecode(dec, &args); err != nil {\nreturn err\n}", len(t.Fields), w.use("json"))
	var reads []string
	for i, f := range t.Fields {
		if !f.fixed() {
			reads = append(reads, fmt.Sprintf("json.Unmarshal(args[%d], &v.%s, dec.Options())", i, goName(f.Name)))
		}
	}
	for i, read := range reads {
		if i < len(reads)-1 {
			w.p("if err := %s; err != nil {\nreturn err\n}", read)
		} else {
			w.p("return %s\n}\n", read)
		}
	}
	if len(reads) == 0 {
		w.p("return nil\n}\n")
	}
}

func (w *goWriter) union(t *Type) {
	var names []string
	for _, b := range t.Branches {
		names = append(names, b.Name)
	}
	list := strings.Join(names, ", ")
	if i := strings.LastIndex(list, ", "); i >= 0 {
		list = list[:i] + " or " + list[i+2:]
	}
	if t.Nullable {
		list += "; nil is null"
	}
	about := t.Name + " is one of " + list + "."
	if t.Doc != "" {
		about += " " + sentence(t.Doc)
	}
	w.text.WriteString(comment("", about))
	w.p("type %s interface{ is%s() }\n", t.Name, t.Name)
	for _, b := range t.Branches {
		if b.Type.Kind != Struct && b.Type.Kind != Tuple && b.Type.Kind != Enum && w.first(t, b) {
			w.p("// %s is a branch of %s.\ntype %s %s\n", b.Name, t.Name, b.Name, w.goType(b.Type))
		}
	}
	for _, b := range t.Branches {
		w.p("func (%s) is%s() {}", b.Name, t.Name)
	}
	w.p("")
	w.p("// read%s reads whichever branch the value is.\nfunc read%s(dec *%s.Decoder, v *%s) error {", t.Name, t.Name, w.use("jsontext"), t.Name)
	if t.Property != "" {
		w.discriminated(t)
	} else {
		w.byKind(t)
	}
}

// first reports whether no union in front of this one has declared the branch's type.
func (w *goWriter) first(t *Type, b Branch) bool {
	for _, other := range w.doc.Types {
		if other == t {
			return true
		}
		if slices.ContainsFunc(other.Branches, func(o Branch) bool { return o.Name == b.Name }) {
			return false
		}
	}
	return true
}

func (w *goWriter) discriminated(t *Type) {
	w.p("value, err := dec.ReadValue()\nif err != nil {\nreturn err\n}")
	if t.Nullable {
		w.p("if value.Kind() == 'n' {\n*v = nil\nreturn nil\n}")
	}
	w.p("var probe struct {\n%s string `json:\"%s\"`\n}", goName(t.Property), tagName(t.Property))
	w.p("if err := %s.Unmarshal(value, &probe); err != nil {\nreturn err\n}", w.use("json"))
	w.p("switch probe.%s {", goName(t.Property))
	for _, b := range t.Branches {
		var values []string
		for _, value := range b.Values {
			values = append(values, fmt.Sprintf("%q", value))
		}
		w.p("case %s:\nvar branch %s\nerr = json.Unmarshal(value, &branch, dec.Options())\n*v = branch", strings.Join(values, ", "), b.Name)
	}
	w.p("default:\nerr = %s.Errorf(\"%s: unknown %s %%q\", probe.%s)\n}\nreturn err\n}\n", w.use("fmt"), t.Name, t.Property, goName(t.Property))
}

func (w *goWriter) byKind(t *Type) {
	w.p("switch kind := dec.PeekKind(); kind {")
	if t.Nullable {
		w.p("case 'n':\n*v = nil\nreturn dec.SkipValue()")
	}
	for _, b := range t.Branches {
		kinds := map[string]string{"boolean": "'t', 'f'", "number": "'0'", "string": "'\"'", "array": "'['", "object": "'{'"}[jsonKind(b.Type.Kind)]
		w.p("case %s:\nvar branch %s\nif err := %s.UnmarshalDecode(dec, &branch); err != nil {\nreturn err\n}\n*v = branch\nreturn nil", kinds, b.Name, w.use("json"))
	}
	w.p("default:\nreturn %s.Errorf(\"%s: a JSON %%v is none of its branches\", kind)\n}\n}\n", w.use("fmt"), t.Name)
}

// codec writes how payloads become values and values messages.
func (w *goWriter) codec() {
	var unions []string
	for _, t := range w.doc.Types {
		if t.Kind == Union {
			unions = append(unions, "json.UnmarshalFromFunc(read"+t.Name+"),")
		}
	}
	w.p("// accept validates a payload and decodes it; members that the contract does not have are skipped.")
	w.p("func accept(program *%s.Program, payload []byte, v any) error {", w.use("contract"))
	w.p("if err := program.Check(payload, %q); err != nil {\nreturn err\n}", w.doc.Lang)
	if len(unions) > 0 {
		w.p("return %s.UnmarshalUnions(payload, v, unions)\n}\n", w.use("stdjson"))
		w.p("// unions reads the interfaces of this package.\nvar unions = %s.JoinUnmarshalers(\n%s\n)\n", w.use("json"), strings.Join(unions, "\n"))
	} else {
		w.p("return %s.Unmarshal(payload, v)\n}\n", w.use("stdjson"))
	}
	w.p("// encode completes a message with its payload.\nfunc encode(m *%s.Message, payload any) (*realtime.Message, error) {", w.use("realtime"))
	w.p("var err error\nif m.Payload, err = %s.Marshal(payload); err != nil {\nreturn nil, %s.Errorf(\"encode %%s: %%w\", m.Event, err)\n}\nreturn m, nil\n}\n", w.use("stdjson"), w.use("fmt"))
}

// tagName is a member's name inside a struct tag.
func tagName(name string) string {
	if strings.ContainsAny(name, ",'\"\\`") || name == "-" {
		return strings.ReplaceAll(fmt.Sprintf("'%s'", strings.ReplaceAll(name, "'", `\\'`)), `"`, `\"`)
	}
	return name
}
