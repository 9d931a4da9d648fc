package gobwire

import "parley/wire"

// skip takes a value of a type that check has approved. Every value takes at
// least a byte, so the work is bounded by the input however the type is built.
func (t *Types) skip(r *wire.Reader, id typeID) {
	switch id {
	case tBool, tInt, tUint, tFloat:
		readUint(r)
		return
	case tComplex:
		readUint(r)
		readUint(r)
		return
	case tBytes, tString:
		readBytes(r)
		return
	}
	d := t.find(id)
	if d == nil {
		r.Fail(errorf("type %d is not defined", id))
		return
	}
	switch d.kind {
	case isStruct:
		t.skipStruct(r, d)
	case isArray, isSlice, isMap:
		t.skipList(r, d)
	default:
		readBytes(r)
	}
}

func (t *Types) skipStruct(r *wire.Reader, d *def) {
	for i := int64(-1); next(r, &i); {
		if i >= int64(len(d.fields)) {
			r.Fail(errorf("field %d of %d", i, len(d.fields)))
			return
		}
		t.skip(r, d.fields[i].typ)
	}
}

func (t *Types) skipList(r *wire.Reader, d *def) {
	n := readUint(r)
	if d.kind == isArray && n != uint64(d.length) {
		r.Fail(errorf("%d elements in an array of %d", n, d.length))
	}
	if n > uint64(r.Len()) {
		r.Fail(wire.ErrShort)
	}
	for i := uint64(0); i < n && r.Err() == nil; i++ {
		if d.kind == isMap {
			t.skip(r, d.key)
		}
		t.skip(r, d.elem)
	}
}
