package gobwire

import (
	"slices"

	"parley/wire"
)

// typeID is a gob type number. Those below firstID have a fixed meaning.
type typeID int32

const (
	tBool typeID = iota + 1
	tInt
	tUint
	tFloat
	tBytes
	tString
	tComplex
	tInterface
)

const (
	firstID typeID = 64
	lastID  typeID = 1 << 30
)

// kind says what a defined type is made of.
type kind uint8

// The kinds, in the order of the fields of gob's own description of a type.
const (
	isArray kind = iota
	isSlice
	isStruct
	isMap
	isOpaque // encodes itself, in one of three ways
	isOpaque2
	isOpaque3
	kinds
)

// def is one definition: what skipping or reading a value takes to know.
type def struct {
	id     typeID
	kind   kind
	height uint8 // levels of defined types, 0 until checked
	fits   uint8 // bit set of the shapes it was checked against
	key    typeID
	elem   typeID
	length int64 // of an array
	fields []field
}

type field struct {
	name name
	typ  typeID
}

// Types holds what one direction of a stream has defined so far. Its zero value
// is the state at the stream's start. It has one owner.
type Types struct {
	defs []def
	last memo
}

func (t *Types) find(id typeID) *def {
	for i := range t.defs {
		if t.defs[i].id == id {
			return &t.defs[i]
		}
	}
	return nil
}

// define takes the rest of a message that defines type id.
func (t *Types) define(id int64, r *wire.Reader) error {
	switch {
	case id < int64(firstID) || id > int64(lastID):
		return errorf("definition of type %d", id)
	case t.find(typeID(id)) != nil:
		return errorf("type %d defined twice", id)
	case len(t.defs) == MaxTypes:
		return errorf("more than %d types", MaxTypes)
	case r.Len() > MaxDefine:
		return errorf("definition of %d bytes, limit %d", r.Len(), MaxDefine)
	}
	d := def{id: typeID(id)}
	d.read(r)
	if err := r.End(); err != nil {
		return wrap("definition", err)
	}
	t.defs = append(t.defs, d)
	return nil
}

// read takes a struct of seven pointers, of which exactly one is set.
func (d *def) read(r *wire.Reader) {
	delta := readUint(r)
	if delta == 0 || delta > uint64(kinds) {
		r.Fail(errorf("kind of type %d", delta))
		return
	}
	d.kind = kind(delta - 1)
	for i := int64(-1); next(r, &i); {
		switch {
		case i == 0:
			skipCommon(r)
		case d.kind == isStruct && i == 1:
			d.readFields(r)
		case d.kind == isArray && i == 1, d.kind == isSlice && i == 1, d.kind == isMap && i == 2:
			d.elem = readID(r)
		case d.kind == isMap && i == 1:
			d.key = readID(r)
		case d.kind == isArray && i == 2:
			d.length = readInt(r)
		default:
			r.Fail(errorf("field %d of a definition", i))
		}
	}
	if readUint(r) != 0 {
		r.Fail(errorf("definition of two kinds at once"))
	}
}

// next moves i to the next field that a struct value has, and reports whether
// there is one.
func next(r *wire.Reader, i *int64) bool {
	delta := readUint(r)
	if delta > MaxFields {
		r.Fail(errorf("step of %d fields, limit %d", delta, MaxFields))
		return false
	}
	*i += int64(delta)
	return delta != 0
}

// skipCommon takes a type's own name and number, which say nothing new.
func skipCommon(r *wire.Reader) {
	for i := int64(-1); next(r, &i); {
		switch i {
		case 0:
			readName(r)
		case 1:
			readInt(r)
		default:
			r.Fail(errorf("field %d of a type's name", i))
		}
	}
}

func readName(r *wire.Reader) []byte {
	b := readBytes(r)
	if len(b) > MaxName {
		r.Fail(errorf("name of %d bytes, limit %d", len(b), MaxName))
	}
	return b
}

func readID(r *wire.Reader) typeID {
	id := readInt(r)
	if id <= 0 || id > int64(lastID) {
		r.Fail(errorf("type number %d", id))
		return 0
	}
	return typeID(id)
}

// readFields takes the list of a struct's fields. The limit keeps the memory
// below a kilobyte, so it is made at once.
func (d *def) readFields(r *wire.Reader) {
	n := readUint(r)
	if n > MaxFields {
		r.Fail(errorf("struct of %d fields, limit %d", n, MaxFields))
		return
	}
	d.fields = make([]field, 0, n)
	for range n {
		var f field
		named := false // encoding/gob refuses a field without a name
		for i := int64(-1); next(r, &i); {
			switch i {
			case 0:
				b := readName(r)
				f.name, named = nameOf(b), len(b) > 0
			case 1:
				f.typ = readID(r)
			default:
				r.Fail(errorf("field %d of a struct field", i))
			}
		}
		if !named {
			r.Fail(errorf("a struct field has no name"))
		}
		if f.name != nameOther && slices.ContainsFunc(d.fields, func(g field) bool { return g.name == f.name }) {
			r.Fail(errorf("two fields of one name"))
		}
		d.fields = append(d.fields, f)
	}
}

// check makes sure that type id, itself at a depth, and all it is made of are
// defined, readable and not too deep. Each type is looked at once, so breadth
// costs nothing, and a recursive one is too deep.
func (t *Types) check(id typeID, depth int) (height int, err error) {
	if id < firstID {
		if id < tBool || id > tComplex {
			return 0, errorf("value of type %d", id)
		}
		return 0, nil
	}
	d := t.find(id)
	switch {
	case d == nil:
		return 0, errorf("type %d is not defined", id)
	case depth > MaxDepth, depth-1+int(d.height) > MaxDepth:
		return 0, errorf("type %d: more than %d levels", id, MaxDepth)
	case d.height > 0:
		return int(d.height), nil
	}
	high := 0
	for _, part := range d.parts() {
		h, err := t.check(part, depth+1)
		if err != nil {
			return 0, err
		}
		high = max(high, h)
	}
	d.height = uint8(high + 1)
	return high + 1, nil
}

func (d *def) parts() []typeID {
	switch d.kind {
	case isArray, isSlice:
		return []typeID{d.elem}
	case isMap:
		return []typeID{d.key, d.elem}
	}
	ids := make([]typeID, len(d.fields))
	for i, f := range d.fields {
		ids[i] = f.typ
	}
	return ids
}
