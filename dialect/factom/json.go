package factom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxNesting = 16 // values within values of a share; real ones have four

var errJSON = errors.New("bad json")

// jsonReader takes JSON (RFC 8259) off the front of b and builds nothing. The
// first error sticks and empties b.
type jsonReader struct {
	b   []byte
	err error
}

func (j *jsonReader) fail(err error) {
	if j.err == nil {
		j.err = err
	}
	j.b = nil
}

func (j *jsonReader) bad(where string) {
	if len(j.b) == 0 {
		j.fail(fmt.Errorf("%w: ends early", errJSON))
		return
	}
	j.fail(fmt.Errorf("%w: %q %s", errJSON, j.b[0], where))
}

// skipSpace returns the next byte that is not white space, without taking it,
// or 0 at the end.
func (j *jsonReader) skipSpace() byte {
	for len(j.b) > 0 {
		switch c := j.b[0]; c {
		case ' ', '\t', '\r', '\n':
			j.b = j.b[1:]
		default:
			return c
		}
	}
	return 0
}

// list takes an array or an object, calling each at every element.
func (j *jsonReader) list(open, end byte, each func()) {
	if j.skipSpace() != open {
		j.bad("instead of " + string(open))
		return
	}
	j.b = j.b[1:]
	if j.skipSpace() == end {
		j.b = j.b[1:]
		return
	}
	for {
		j.skipSpace()
		each()
		switch c := j.skipSpace(); {
		case j.err != nil:
			return
		case c == end:
			j.b = j.b[1:]
			return
		case c != ',':
			j.bad("between elements")
			return
		}
		j.b = j.b[1:]
	}
}

// skip takes any value at a depth.
func (j *jsonReader) skip(depth int) {
	if depth > maxNesting {
		j.fail(fmt.Errorf("%w: more than %d levels", errJSON, maxNesting))
		return
	}
	switch c := j.skipSpace(); c {
	case '{':
		j.list('{', '}', func() {
			j.text(0)
			if j.skipSpace() != ':' {
				j.bad("after a key")
				return
			}
			j.b = j.b[1:]
			j.skip(depth + 1)
		})
	case '[':
		j.list('[', ']', func() { j.skip(depth + 1) })
	case '"':
		j.text(0)
	case 't':
		j.literal("true")
	case 'f':
		j.literal("false")
	case 'n':
		j.literal("null")
	default:
		j.number()
	}
}

func (j *jsonReader) literal(s string) {
	if len(j.b) < len(s) || string(j.b[:len(s)]) != s {
		j.bad("instead of " + s)
		return
	}
	j.b = j.b[len(s):]
}

// number takes a number. Its value is of no interest.
func (j *jsonReader) number() {
	if len(j.b) > 0 && j.b[0] == '-' {
		j.b = j.b[1:]
	}
	if len(j.b) > 0 && j.b[0] == '0' {
		j.b = j.b[1:]
	} else {
		j.digits()
	}
	if len(j.b) > 0 && j.b[0] == '.' {
		j.b = j.b[1:]
		j.digits()
	}
	if len(j.b) > 0 && j.b[0]|0x20 == 'e' {
		j.b = j.b[1:]
		if len(j.b) > 0 && (j.b[0] == '+' || j.b[0] == '-') {
			j.b = j.b[1:]
		}
		j.digits()
	}
}

func (j *jsonReader) digits() {
	n := 0
	for n < len(j.b) && j.b[n] >= '0' && j.b[n] <= '9' {
		n++
	}
	if n == 0 {
		j.bad("instead of a value")
		return
	}
	j.b = j.b[n:]
}

// text takes a string and returns it, or its first bytes if it has more than
// max: enough to see that it is too long. It aliases the input if it can.
func (j *jsonReader) text(max int) []byte {
	if len(j.b) == 0 || j.b[0] != '"' {
		j.bad("instead of a string")
		return nil
	}
	for i, c := range j.b[1:] {
		switch {
		case c == '"':
			s := j.b[1 : 1+i]
			j.b = j.b[2+i:]
			return s[:min(len(s), max+1)]
		case c == '\\' || c < ' ':
			return j.unescape(i+1, max)
		}
	}
	j.b = nil
	j.bad("in a string")
	return nil
}

// unescape takes a string whose first plain bytes, with the quote, need no
// decoding.
func (j *jsonReader) unescape(plain, max int) []byte {
	out := put(nil, max, j.b[1:plain]...)
	for j.b = j.b[plain:]; len(j.b) > 0; {
		switch c := j.b[0]; {
		case c == '"':
			j.b = j.b[1:]
			return out[:min(len(out), max+1)]
		case c == '\\':
			out = j.escape(out, max)
		case c < ' ':
			j.bad("in a string")
			return nil
		default:
			out = put(out, max, c)
			j.b = j.b[1:]
		}
	}
	j.bad("in a string")
	return nil
}

// escape takes one escape sequence, or two that are one character.
func (j *jsonReader) escape(out []byte, max int) []byte {
	if len(j.b) < 2 {
		j.b = nil
		j.bad("in a string")
		return nil
	}
	c := j.b[1]
	if c == 'u' {
		r := j.hex()
		if 0xd800 <= r && r < 0xdc00 && len(j.b) > 1 && j.b[0] == '\\' && j.b[1] == 'u' {
			before := *j
			if low := j.hex(); 0xdc00 <= low && low < 0xe000 {
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			} else if j.err == nil {
				*j = before
			}
		}
		return put(out, max, utf8.AppendRune(nil, r)...)
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		j.bad("escape")
		return nil
	}
	j.b = j.b[2:]
	return put(out, max, "\"\\/\b\f\n\r\t"[i])
}

// hex takes \uXXXX.
func (j *jsonReader) hex() rune {
	if len(j.b) >= 6 {
		if v, err := strconv.ParseUint(string(j.b[2:6]), 16, 16); err == nil {
			j.b = j.b[6:]
			return rune(v)
		}
	}
	j.bad("escape")
	return utf8.RuneError
}

// put appends bytes as long as there are no more than max.
func put(out []byte, max int, b ...byte) []byte {
	if len(out) > max {
		return out
	}
	return append(out, b...)
}
