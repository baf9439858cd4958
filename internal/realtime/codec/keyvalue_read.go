package codec

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/guichet-api/guichet/internal/realtime"
)

// ErrTooLong is a line, or a command, that is longer than the reader's limit. Nothing can follow it.
var ErrTooLong = errors.New("codec: a line is too long")

// Need says what a Reader without a complete command waits for.
type Need uint8

// What may be missing.
const (
	Nothing Need = iota // no command has begun
	Silence             // the command can end here: it does unless something follows soon
	More                // the command has begun and is not complete
)

// Reader cuts one peer's bytes into commands, wherever packets begin and end:
//
//   - Keys come in any order, once each; unknown ones are ignored. CRLF ends a line like LF, and blank lines do not count.
//   - A raw value stands last and may hold anything. Its counting key says N: it is N bytes long when a line end follows them,
//     else N characters when one follows those. Without a count it ends with its line.
//   - A command ends when no further key of it can come, and at a line that is no key. One that has all that it requires
//     also ends when Silence is called.
//   - What cannot be read (an unknown name, a line that is no key, a key given twice, a key that is missing, a count that is wrong)
//     becomes one Incoming without a name, which every dispatcher refuses as unknown; reading goes on at the next line that
//     is the name of a command.
//
// A Reader belongs to one goroutine.
type Reader struct {
	codec *KeyValue
	limit int

	data []byte
	pos  int // where the line begins that was not read yet
	seen int // there is no line end before it

	command  *keyed // the command that has begun; nil: none has
	found    uint64 // its fields that were found
	values   []string
	length   int // what the counting key says; -1: nothing
	raw      int // where the raw value begins that the counting key measures; 0: not there yet
	skipping bool
}

// smallBuffer is what a reader between commands keeps.
const smallBuffer = 512

// NewReader returns a reader for a new connection. limit bounds a command, and therefore a line, in bytes.
func (k *KeyValue) NewReader(limit int) *Reader {
	return &Reader{codec: k, limit: max(limit, smallBuffer), length: -1}
}

// Space is where the next bytes go; Fill says how many they are.
func (r *Reader) Space() []byte {
	if r.data == nil {
		r.data = make([]byte, 0, smallBuffer)
	}
	if len(r.data) == cap(r.data) {
		r.data = append(make([]byte, 0, min(2*cap(r.data), r.limit+1)), r.data...)
	}
	return r.data[len(r.data):cap(r.data)]
}

// Fill takes the first n bytes of Space.
func (r *Reader) Fill(n int) { r.data = r.data[:len(r.data)+n] }

// Next is the next complete command, or what is missing for it. After ErrTooLong the reader is of no more use.
func (r *Reader) Next() (*realtime.Incoming, Need, error) {
	for {
		if r.raw > 0 {
			return r.nextRaw()
		}
		line, next, ok := r.line()
		if !ok {
			if r.beginsRaw(r.data[r.pos:]) {
				continue
			}
			return nil, r.need(), r.tooLong()
		}
		if r.command != nil && r.beginsRaw(line) {
			continue
		}
		if in := r.take(line, next); in != nil {
			return in, Nothing, nil
		}
	}
}

// Silence ends a command that has all that it requires; nil if there is none.
func (r *Reader) Silence() *realtime.Incoming {
	_, need, err := r.Next()
	if need != Silence || err != nil {
		return nil
	}
	if r.raw > 0 {
		return r.endRaw(len(r.data), len(r.data))
	}
	return r.end()
}

// Expire gives up a command that has begun; nil if none has.
func (r *Reader) Expire() *realtime.Incoming {
	if r.need() == Nothing {
		return nil
	}
	return r.malformed(r.pos)
}

// line is the next whole line, without its end, and where the one after it begins.
func (r *Reader) line() (line []byte, next int, ok bool) {
	from := max(r.seen, r.pos)
	i := bytes.IndexByte(r.data[from:], '\n')
	if i < 0 {
		r.seen = len(r.data)
		return nil, 0, false
	}
	end := from + i
	return bytes.TrimSuffix(r.data[r.pos:end], []byte{'\r'}), end + 1, true
}

// take reads a line that is no raw value. It returns a command that ended with it or before it.
func (r *Reader) take(line []byte, next int) *realtime.Incoming {
	switch {
	case len(line) == 0 && r.command != nil:
		r.pos = next
		return nil
	case len(line) == 0:
		r.advance(next)
		return nil
	case r.command == nil:
		return r.begin(line, next)
	}
	key, value, isKey := bytes.Cut(line, []byte{':'})
	if !isKey {
		if r.found&r.command.required == r.command.required {
			return r.end() // and the line is looked at again, as the next command's name
		}
		return r.malformed(r.pos)
	}
	at, known := r.command.keys[string(key)]
	switch {
	case !known:
	case at == lengthKey:
		n, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil || r.length >= 0 || int(n) > r.limit {
			return r.malformed(next)
		}
		r.length = int(n)
	case r.found&(1<<at) != 0:
		return r.malformed(next)
	default:
		r.set(at, value)
	}
	r.pos = next
	if r.found == r.command.all || known && at >= 0 && r.command.fields[at].Length != "" {
		return r.end()
	}
	return nil
}

// begin reads a line where a command's name must be.
func (r *Reader) begin(name []byte, next int) *realtime.Incoming {
	command, known := r.codec.commands[string(name)]
	switch {
	case !known && r.skipping:
		r.advance(next)
		return nil
	case !known:
		return r.malformed(next)
	}
	r.skipping = false
	r.command, r.pos = command, next
	r.values = append(r.values[:0], make([]string, len(command.fields))...)
	if command.all == 0 {
		return r.end()
	}
	return nil
}

func (r *Reader) set(at int, value []byte) {
	r.found |= 1 << at
	r.values[at] = string(value)
}

// beginsRaw reports whether a line that may not have ended yet holds a raw value that was counted, and notes where.
func (r *Reader) beginsRaw(line []byte) bool {
	if r.command == nil || r.length < 0 {
		return false
	}
	raw := r.command.fields[len(r.command.fields)-1]
	if raw.Length == "" {
		return false
	}
	for _, key := range raw.Keys {
		if len(line) > len(key) && string(line[:len(key)]) == key && line[len(key)] == ':' {
			r.raw = r.pos + len(key) + 1
			return true
		}
	}
	return false
}

// nextRaw reads a raw value that was counted.
func (r *Reader) nextRaw() (*realtime.Incoming, Need, error) {
	end, next, need := rawEnd(r.data[r.raw:], r.length)
	switch {
	case need == Nothing && next > 0:
		return r.endRaw(r.raw+end, r.raw+next), Nothing, nil
	case need == Nothing:
		return r.malformed(r.raw), Nothing, nil // what the raw value holds may be commands that came behind
	}
	return nil, need, r.tooLong()
}

// rawEnd finds the end of a raw value of n bytes or characters and where the next line begins. With Nothing needed and no next
// line, the count fits neither.
func rawEnd(text []byte, n int) (end, next int, need Need) {
	if len(text) < n {
		return 0, 0, More
	}
	if next, _ = lineEnd(text, n); next > 0 {
		return n, next, Nothing
	}
	characters := 0
	for ; end < len(text) && characters < n; characters++ {
		if !utf8.FullRune(text[end:]) {
			return 0, 0, More
		}
		_, size := utf8.DecodeRune(text[end:])
		end += size
	}
	if characters < n {
		return 0, 0, More
	}
	next, need = lineEnd(text, end)
	return end, next, need
}

// lineEnd is where the line behind a line end at i begins; 0 if there is none. Silence: nothing has come there yet; More: one
// byte is missing.
func lineEnd(text []byte, i int) (next int, need Need) {
	switch {
	case i == len(text):
		return 0, Silence
	case text[i] == '\n':
		return i + 1, Nothing
	case text[i] == '\r' && i+1 == len(text):
		return 0, More
	case text[i] == '\r' && text[i+1] == '\n':
		return i + 2, Nothing
	}
	return 0, Nothing
}

// endRaw ends the command with a raw value.
func (r *Reader) endRaw(end, next int) *realtime.Incoming {
	at := len(r.command.fields) - 1
	if r.found&(1<<at) != 0 {
		return r.malformed(next)
	}
	r.set(at, r.data[r.raw:end])
	r.pos = next
	return r.end()
}

// end is the command that has begun. It ends before pos.
func (r *Reader) end() *realtime.Incoming {
	if r.found&r.command.required != r.command.required {
		return r.malformed(r.pos)
	}
	in := r.command.incoming(r.found, r.values)
	r.advance(r.pos)
	return in
}

// malformed gives up the command; what follows next is skipped up to the next command's name.
func (r *Reader) malformed(next int) *realtime.Incoming {
	r.advance(next)
	r.skipping = true
	return &realtime.Incoming{WantsReply: true}
}

// advance forgets what stands before next and the command that has begun.
func (r *Reader) advance(next int) {
	left := copy(r.data, r.data[next:])
	r.data = r.data[:left]
	if left == 0 && cap(r.data) > smallBuffer {
		r.data = nil
	}
	clear(r.values)
	r.command, r.found, r.length, r.raw, r.pos, r.seen = nil, 0, -1, 0, 0, 0
}

// need is what a reader lacks whose data ends within a line or behind one.
func (r *Reader) need() Need {
	switch {
	case r.raw > 0:
		return More
	case r.command != nil && r.pos == len(r.data) && r.found&r.command.required == r.command.required:
		return Silence
	case r.command != nil || !r.skipping && r.pos < len(r.data):
		return More
	}
	return Nothing
}

// tooLong is ErrTooLong when what is waited for cannot come within the limit.
func (r *Reader) tooLong() error {
	if len(r.data) > r.limit {
		return ErrTooLong
	}
	return nil
}
