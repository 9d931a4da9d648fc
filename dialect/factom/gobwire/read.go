package gobwire

import (
	"math"

	"parley/wire"
)

// Long takes one message, without its length. It returns false if that was a
// definition and not a value. Slices in p alias msg.
func (t *Types) Long(msg []byte, p *Long) (bool, error) {
	if t.last.read(msg, p) {
		return true, nil
	}
	*p = Long{}
	at := unmarked
	ok, err := t.walkLong(msg, p, &at)
	if ok {
		t.last.learn(t, msg, &at)
	}
	return ok, err
}

// walkLong reads a Long field by field, and marks where things are.
func (t *Types) walkLong(msg []byte, p *Long, at *marks) (bool, error) {
	r := wire.NewReader(msg)
	d, err := t.start(&r, shapeLong)
	if d == nil || err != nil {
		return false, err
	}
	for i := int64(-1); next(&r, &i); {
		if i >= int64(len(d.fields)) {
			return false, errorf("field %d of %d", i, len(d.fields))
		}
		begin := len(msg) - r.Len()
		if at.size >= 0 {
			*at = unmarked // the payload is not the last
		}
		switch f := d.fields[i]; f.name {
		case nameHeader:
			at.header, at.typ = begin, f.typ
			t.header(&r, f.typ, &p.Header, at)
		case namePayload:
			at.size = begin
			p.Payload = readBytes(&r)
		default:
			t.skip(&r, f.typ)
		}
	}
	return finish(&r)
}

// Short takes one message, without its length. It returns false if that was a
// definition and not a value. The payload aliases msg.
func (t *Types) Short(msg []byte, p *Short) (bool, error) {
	if t.last.readShort(msg, p) {
		return true, nil
	}
	*p = Short{}
	front, ok, err := t.walkShort(msg, p)
	if ok && front > 0 {
		t.last.learnShort(msg[:front], p.Type)
	}
	return ok, err
}

// walkShort reads a Short field by field, and returns where its payload begins,
// or 0 if that is not the last.
func (t *Types) walkShort(msg []byte, p *Short) (front int, ok bool, err error) {
	r := wire.NewReader(msg)
	d, err := t.start(&r, shapeShort)
	if d == nil || err != nil {
		return 0, false, err
	}
	for i := int64(-1); next(&r, &i); {
		if i >= int64(len(d.fields)) {
			return 0, false, errorf("field %d of %d", i, len(d.fields))
		}
		begin := len(msg) - r.Len()
		front = 0
		switch f := d.fields[i]; f.name {
		case nameType:
			p.Type = uint16(uintTo(&r, math.MaxUint16))
		case namePayload:
			front = begin
			p.Payload = readBytes(&r)
		default:
			t.skip(&r, f.typ)
		}
	}
	ok, err = finish(&r)
	return front, ok, err
}

// start takes the type of a message: for a value it returns its definition, for
// a definition it takes all of it and returns nil.
func (t *Types) start(r *wire.Reader, s shape) (*def, error) {
	id := readInt(r)
	switch {
	case r.Err() != nil:
		return nil, wrap("type", r.Err())
	case id < 0:
		return nil, t.define(-id, r)
	case id > int64(lastID):
		return nil, errorf("value of type %d", id)
	}
	return t.fit(typeID(id), s)
}

func finish(r *wire.Reader) (bool, error) {
	if err := r.End(); err != nil {
		return false, wrap("value", err)
	}
	return true, nil
}

// header reads a header, and marks where its length and checksum are: at.header
// is where r begins.
func (t *Types) header(r *wire.Reader, id typeID, h *Header, at *marks) {
	d := t.find(id)
	end := at.header + r.Len()
	for i := int64(-1); next(r, &i); {
		if i >= int64(len(d.fields)) {
			r.Fail(errorf("field %d of %d", i, len(d.fields)))
			return
		}
		switch f := d.fields[i]; f.name {
		case nameNetwork:
			h.Network = uint32(uintTo(r, math.MaxUint32))
		case nameVersion:
			h.Version = uint16(uintTo(r, math.MaxUint16))
		case nameType:
			h.Type = uint16(uintTo(r, math.MaxUint16))
		case nameLength:
			at.length = end - r.Len()
			h.Length = uint32(uintTo(r, math.MaxUint32))
			at.lenEnd = end - r.Len()
		case nameTargetPeer:
			h.TargetPeer = readBytes(r)
		case nameCrc32:
			at.crc = end - r.Len()
			h.Crc32 = uint32(uintTo(r, math.MaxUint32))
			at.crcEnd = end - r.Len()
		case namePartNo:
			h.PartNo = uint16(uintTo(r, math.MaxUint16))
		case namePartsTotal:
			h.PartsTotal = uint16(uintTo(r, math.MaxUint16))
		case nameNodeID:
			h.NodeID = readUint(r)
		case namePeerAddress:
			h.PeerAddress = readBytes(r)
		case namePeerPort:
			h.PeerPort = readBytes(r)
		case nameAppHash:
			h.AppHash = readBytes(r)
		case nameAppType:
			h.AppType = readBytes(r)
		default:
			t.skip(r, f.typ)
		}
	}
}

// uintTo takes an unsigned integer that must not be more than max.
func uintTo(r *wire.Reader, max uint64) uint64 {
	v := readUint(r)
	if v > max {
		r.Fail(errorf("number %d, limit %d", v, max))
		return 0
	}
	return v
}
