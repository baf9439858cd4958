package contract

// ValidateText checks a parameter's text, read as the type that the schema gives it: integer, number or boolean as JSON
// writes them, anything else as a string. A schema that allows a string too prefers the other types if they are valid.
func (p *Program) ValidateText(text string, r *Report) bool {
	r.json = r.appendText(r.json[:0], p.root, text)
	return p.Validate(r.json, r)
}

// ValidateTexts checks the texts of an array parameter, each read as the type that the schema's items have.
func (p *Program) ValidateTexts(texts []string, r *Report) bool {
	json := append(r.json[:0], '[')
	for i, text := range texts {
		if i > 0 {
			json = append(json, ',')
		}
		item := p.root.array.items
		if item == nil {
			item = anyNode
		}
		json = r.appendText(json, item, text)
	}
	r.json = append(json, ']')
	return p.Validate(r.json, r)
}

// appendText appends the JSON value that a parameter's text stands for.
func (r *Report) appendText(dst []byte, n *node, text string) []byte {
	if !n.readsAsLiteral(text) {
		return appendQuoted(dst, text)
	}
	kinds := n.textKinds()
	if kinds&String != 0 {
		r.start([]byte(text))
		if r.trying++; r.value(n, 0) < 0 {
			return appendQuoted(dst, text)
		}
	}
	return append(dst, text...)
}

// readsAsLiteral reports whether text is a JSON literal of a type that the node allows.
func (n *node) readsAsLiteral(text string) bool {
	kinds := n.textKinds()
	if text == "" || text[0] != '-' && !isDigit(text[0]) {
		return kinds&Boolean != 0 && (text == "true" || text == "false")
	}
	if kinds&(Integer|Number) == 0 {
		return false
	}
	end, _ := numberEnd([]byte(text), 0)
	return end == len(text)
}

// textKinds are the types that the node and its alternatives allow.
func (n *node) textKinds() Kinds {
	kinds := n.kinds
	for _, a := range n.alts {
		var any Kinds
		for _, b := range a.branches {
			any |= b.textKinds()
		}
		kinds &= any
	}
	return kinds
}
