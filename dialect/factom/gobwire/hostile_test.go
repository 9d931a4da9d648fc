package gobwire

import (
	"bytes"
	"encoding/gob"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// custom appends the definition of a struct with any fields, without its length.
func custom(id int, fields ...any) []byte {
	b := appendInt(nil, -id)
	b = append(b, byte(isStruct)+1, 1, 0, 1)
	b = appendUint(b, uint64(len(fields)/2))
	for i := 0; i < len(fields); i += 2 {
		b = appendText(b, 1, fields[i].(string))
		b = append(appendInt(append(b, 1), fields[i+1].(int)), 0)
	}
	return append(b, 0, 0)
}

// list appends the definition of a slice.
func list(id, elem int) []byte {
	b := appendInt(nil, -id)
	b = append(b, byte(isSlice)+1, 1, 0, 1)
	return append(appendInt(b, elem), 0, 0)
}

func many(n int) []any {
	var fs []any
	for range n {
		fs = append(fs, "F", int(tUint))
	}
	return fs
}

func value(id int, body ...byte) []byte { return append(appendInt(nil, id), body...) }

var payloadField = []any{"Payload", int(tBytes)}

// badDefinitions are streams whose last definition is refused.
func badDefinitions() map[string][][]byte {
	payload := payloadField
	full := [][]byte{}
	for i := range MaxTypes + 1 {
		full = append(full, custom(64+i, payload...))
	}
	return map[string][][]byte{
		"nothing":              {{}},
		"half a number":        {{0xfe, 1}},
		"number of nine bytes": {{0xf7, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"defines a builtin":    {custom(int(tUint), payload...)},
		"defined twice":        {custom(64, payload...), custom(64, payload...)},
		"too many types":       full,
		"too many fields":      {custom(64, many(MaxFields+1)...)},
		"a thousand fields":    {custom(64, many(1000)...)},
		"long name":            {custom(64, strings.Repeat("x", MaxName+1), int(tUint))},
		"huge count of fields": {append(appendInt(nil, -64), 3, 2, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)},
		"two names alike":      {custom(64, append(payload, payload...)...)},
		"no kind":              {append(appendInt(nil, -64), 0)},
		"eighth kind":          {append(appendInt(nil, -64), 8, 0, 0)},
		"two kinds":            {append(appendInt(nil, -64), 1, 0, 1, 0, 0)},
		"trailing definition":  {append(custom(64, payload...), 0)},
		"negative field type":  {custom(64, "Payload", -5)},
	}
}

// badValues are streams whose last message is a value, which is refused.
func badValues() map[string][][]byte {
	payload := payloadField
	deep := [][]byte{}
	for i := range MaxDepth {
		deep = append(deep, list(65+i, 66+i))
	}
	deep = append(deep, list(65+MaxDepth, int(tUint)), custom(64, append(payload, "X", 65)...), value(64, 0))
	return map[string][][]byte{
		"undefined":           {value(64, 0)},
		"builtin value":       {value(int(tString), 0, 1, 'x')},
		"recursive":           {custom(64, append(payload, "Next", 64)...), value(64, 0)},
		"recursive in a list": {list(65, 64), custom(64, append(payload, "Next", 65)...), value(64, 0)},
		"recursive header":    {custom(65, "Network", int(tUint), "Up", 64), custom(64, append(payload, "Header", 65)...), value(64, 0)},
		"undefined field":     {custom(64, append(payload, "X", 99)...), value(64, 0)},
		"interface":           {custom(64, append(payload, "X", int(tInterface))...), value(64, 0)},
		"reserved type":       {custom(64, append(payload, "X", 16)...), value(64, 0)},
		"not a struct":        {list(64, int(tBytes)), value(64, 0)},
		"nothing in common":   {custom(64, "X", int(tUint)), value(64, 0)},
		"wrong type":          {custom(64, "Payload", int(tString)), value(64, 0)},
		"header is a number":  {custom(64, append(payload, "Header", int(tUint))...), value(64, 0)},
		"header in vain":      {custom(65, "X", int(tUint)), custom(64, append(payload, "Header", 65)...), value(64, 0)},
		"field out of range":  {custom(64, payload...), value(64, 2, 0)},
		"large step":          {custom(64, payload...), value(64, 0xff, 200)},
		"long payload":        {custom(64, payload...), value(64, 1, 5, 'x', 0)},
		"endless payload":     {custom(64, payload...), value(64, 1, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)},
		"endless list":        {list(65, int(tUint)), custom(64, append(payload, "X", 65)...), value(64, 2, 0xfc, 0x7f, 0xff, 0xff, 0xff, 0)},
		"no end":              {custom(64, payload...), value(64, 1, 1, 'x')},
		"trailing":            {custom(64, payload...), value(64, 0, 0)},
		"network of 33 bits":  {custom(65, "Network", int(tUint)), custom(64, "Header", 65), value(64, 1, 1, 0xfb, 1, 0, 0, 0, 0, 0, 0)},
		"enormous id":         {value(1<<40, 0)},
		"too deep":            deep,
	}
}

// TestHostile feeds streams that no real node writes. Each must be refused at
// its last message and not before.
func TestHostile(t *testing.T) {
	tests := badDefinitions()
	maps.Copy(tests, badValues())
	for name, msgs := range tests {
		t.Run(name, func(t *testing.T) {
			var types Types
			for i, msg := range msgs {
				var p Long
				_, err := types.Long(msg, &p)
				if last := i == len(msgs)-1; last != errors.Is(err, ErrGob) || !last && err != nil {
					t.Fatalf("message %d of %d gives %v", i+1, len(msgs), err)
				}
			}
		})
	}
}

// TestBroadTypes checks types that refer to each other as widely as the limits
// allow: looking at each path would take for ever.
func TestBroadTypes(t *testing.T) {
	var types Types
	var msgs [][]byte
	for i := range MaxDepth - 1 {
		var fs []any
		for range MaxFields - 1 {
			fs = append(fs, "F", 65+i)
		}
		msgs = append(msgs, custom(64+i, append(fs, "Payload", int(tBytes))...))
	}
	msgs = append(msgs, custom(64+MaxDepth-1, "Payload", int(tBytes)), value(64, 0))
	for i, msg := range msgs {
		if ok, err := types.Long(msg, new(Long)); err != nil || ok != (i == len(msgs)-1) {
			t.Fatalf("message %d: %v, %v", i, ok, err)
		}
	}
}

// TestTruncated cuts a good stream at every byte of its values.
func TestTruncated(t *testing.T) {
	stream := encode(t, odd{Payload: []byte("x"), L: [][]map[int]nested{{{1: {X: 2}}}}, K: make([]nested, 2)})
	ms := messages(t, stream)
	for n := range ms[len(ms)-1] {
		var types Types
		for _, msg := range ms[:len(ms)-1] {
			if _, err := types.Long(msg, new(Long)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := types.Long(ms[len(ms)-1][:n], new(Long)); !errors.Is(err, ErrGob) {
			t.Errorf("%d bytes give %v", n, err)
		}
	}
}

func TestSize(t *testing.T) {
	tests := []struct {
		in   []byte
		head int
		size uint64
		bad  bool
	}{
		{nil, 1, 0, false},
		{[]byte{0}, 1, 0, false},
		{[]byte{0x7f, 9}, 1, 127, false},
		{[]byte{0xff}, 2, 0, false},
		{[]byte{0xff, 0x80}, 2, 128, false},
		{[]byte{0xfe, 1}, 3, 0, false},
		{[]byte{0xfc, 0x80, 0, 0, 0}, 5, 1 << 31, false},
		{append([]byte{0xf8}, bytes.Repeat([]byte{0xff}, 8)...), 9, 1<<64 - 1, false},
		{[]byte{0xf7, 1}, 0, 0, true},
		{[]byte{0x80}, 0, 0, true},
	}
	for _, tt := range tests {
		head, size, err := Size(tt.in)
		if head != tt.head || size != tt.size || tt.bad != errors.Is(err, ErrGob) {
			t.Errorf("Size(% x) = %d, %d, %v", tt.in, head, size, err)
		}
	}
}

// FuzzStream reads a stream as far as it goes. What is accepted must be accepted
// by encoding/gob too, and mean the same, and survive being written and read.
func FuzzStream(f *testing.F) {
	f.Add(encode(f, V9Msg{V9Header{Network: 1, AppHash: "h"}, []byte("payload")}))
	f.Add(encode(f, odd{Payload: []byte("x"), L: [][]map[int]nested{{{1: {X: 2}}}}, K: make([]nested, 2)}, strange{N: binary{3}}))
	f.Add(encode(f, V10Msg{6, []byte("body")}, V9Msg{Payload: []byte("y")}))
	f.Add([]byte{0xfc, 0x7f, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		var types Types
		var got []V9Msg
		rest := stream
		for {
			head, size, err := Size(rest)
			if err != nil || uint64(len(rest)) < uint64(head)+size {
				break
			}
			var p Long
			ok, err := types.Long(rest[head:head+int(size)], &p)
			if err != nil {
				break
			}
			rest = rest[head+int(size):]
			if ok {
				got = append(got, p.std())
				again(t, &p)
			}
		}
		d := gob.NewDecoder(bytes.NewReader(stream))
		for i, want := range got {
			var v V9Msg
			if err := d.Decode(&v); err != nil || !same(v, want) {
				t.Fatalf("value %d: we read %+v, gob %+v and %v", i, want, v, err)
			}
		}
	})
}

func again(t *testing.T, p *Long) {
	t.Helper()
	stream := Go113.DefineLong(nil)
	stream = Go113.AppendLong(stream, &p.Header, len(p.Payload))
	stream = append(append(stream, p.Payload...), 0)
	if got := readLong(t, stream); len(got) != 1 || !same(got[0], p.std()) {
		t.Fatalf("%+v comes back as %+v", p, got)
	}
}

// TestDefinitionsCopyNothing makes sure that a definition does not keep the
// buffer it came in.
func TestDefinitionsCopyNothing(t *testing.T) {
	var types Types
	ms := messages(t, encode(t, V10Msg{6, []byte("body")}))
	def := slices.Clone(ms[0])
	if _, err := types.Short(def, new(Short)); err != nil {
		t.Fatal(err)
	}
	clear(def)
	var p Short
	if ok, err := types.Short(ms[1], &p); !ok || err != nil || string(p.Payload) != "body" {
		t.Errorf("%v, %v, %q", ok, err, p.Payload)
	}
}
