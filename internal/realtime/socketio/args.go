package socketio

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Args are the arguments of an event or an acknowledgement. Binary ones stand beside the JSON, which holds placeholders.
// The zero value is no arguments.
type Args struct {
	items       [][]byte
	attachments [][]byte
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.items) }

// Decode decodes one argument after the other; those that are missing leave their target as it is, superfluous ones are
// ignored. Binary data goes into a []byte at any depth, and is shared. A []byte also takes base64.
func (a Args) Decode(into ...any) error {
	for i, target := range into[:min(len(into), len(a.items))] {
		if err := json.Unmarshal(a.items[i], target, a.options()); err != nil {
			return fmt.Errorf("socketio: argument %d: %w", i, err)
		}
	}
	return nil
}

// options let []byte take an attachment.
func (a Args) options() json.Options {
	return json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, into *[]byte) error {
		if dec.PeekKind() != '{' {
			return errors.ErrUnsupported
		}
		var place placeholder
		if err := json.UnmarshalDecode(dec, &place); err != nil {
			return err
		}
		if !place.Placeholder || place.Num < 0 || place.Num >= len(a.attachments) {
			return errors.New("no attachment")
		}
		*into = a.attachments[place.Num]
		return nil
	}))
}

// placeholder stands in the JSON for an attachment.
type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// encodeArgs appends arguments to a payload, each behind a comma, and returns the attachments they need: every []byte, at
// any depth, is one. Args stand for themselves and must then be all there is.
func encodeArgs(text []byte, args []any) ([]byte, [][]byte, error) {
	if len(args) == 1 {
		if whole, ok := args[0].(Args); ok {
			for _, item := range whole.items {
				text = append(append(text, ','), item...)
			}
			return text, whole.attachments, nil
		}
	}
	var attachments [][]byte
	options := json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, data []byte) error {
		attachments = append(attachments, data)
		return json.MarshalEncode(enc, placeholder{true, len(attachments) - 1})
	}))
	for i, arg := range args {
		if _, ok := arg.(Args); ok {
			return nil, nil, errors.New("socketio: Args beside other arguments")
		}
		item, err := json.Marshal(arg, options)
		if err != nil {
			return nil, nil, fmt.Errorf("socketio: argument %d: %w", i, err)
		}
		text = append(append(text, ','), item...)
	}
	return text, attachments, nil
}

// checkPlaceholders holds the placeholders of a packet to its attachments: each is used once. Otherwise a short packet could
// be made to mean a huge one.
func checkPlaceholders(args [][]byte, attachments int) error {
	used := make([]bool, attachments)
	for _, arg := range args {
		if !bytes.Contains(arg, []byte("_placeholder")) {
			continue
		}
		if err := findPlaceholders(arg, used); err != nil {
			return err
		}
	}
	for num, is := range used {
		if !is {
			return malformed("attachment %d has no place", num)
		}
	}
	return nil
}

// findPlaceholders marks the attachments that one argument uses.
func findPlaceholders(arg []byte, used []bool) error {
	dec := jsontext.NewDecoder(bytes.NewReader(arg), jsontext.AllowDuplicateNames(true))
	var open []placeholder // of the values around, innermost last; Num is -1 until it is known
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return nil // the end: what is no JSON was refused before
		}
		switch token.Kind() {
		case '{', '[':
			open = append(open, placeholder{Num: -1})
			continue
		case '}', ']':
			if place := open[len(open)-1]; place.Placeholder {
				if place.Num < 0 || place.Num >= len(used) || used[place.Num] {
					return malformed("placeholder of attachment %d", place.Num)
				}
				used[place.Num] = true
			}
			open = open[:len(open)-1]
			continue
		}
		container, index := dec.StackIndex(dec.StackDepth())
		if container != '{' || index%2 == 0 { // no member
			continue
		}
		// A member's name was read.
		place, name := &open[len(open)-1], token.String()
		switch next := dec.PeekKind(); {
		case name == "_placeholder" && next == 't':
			place.Placeholder = true
		case name == "num" && next == '0':
			number, err := dec.ReadToken()
			if err != nil {
				return malformed("%v", err)
			}
			place.Num = -1 // of two, the last counts
			if f, err := number.Float(); err == nil && f >= 0 && f < float64(len(used)) && f == float64(int(f)) {
				place.Num = int(f)
			}
		}
	}
}
