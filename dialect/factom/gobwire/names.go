package gobwire

// name is a field name this package has a use for.
type name uint8

const (
	nameOther name = iota
	nameHeader
	namePayload
	nameNetwork
	nameVersion
	nameType
	nameLength
	nameTargetPeer
	nameCrc32
	namePartNo
	namePartsTotal
	nameNodeID
	namePeerAddress
	namePeerPort
	nameAppHash
	nameAppType
	names
)

var nameTexts = [names]string{
	"", "Header", "Payload", "Network", "Version", "Type", "Length", "TargetPeer", "Crc32",
	"PartNo", "PartsTotal", "NodeID", "PeerAddress", "PeerPort", "AppHash", "AppType",
}

func nameOf(b []byte) name {
	for i := nameHeader; i < names; i++ {
		if string(b) == nameTexts[i] {
			return i
		}
	}
	return nameOther
}

// shape is one of the structs that values are read into.
type shape uint8

const (
	shapeLong shape = iota
	shapeHeader
	shapeShort
)

// wantStruct stands for any struct where a type is wanted.
const wantStruct typeID = -1

// want returns the type that a shape's field must have, or 0 if the shape has no
// such field, so that it is skipped.
func (s shape) want(n name) typeID {
	switch s {
	case shapeLong:
		switch n {
		case nameHeader:
			return wantStruct
		case namePayload:
			return tBytes
		}
	case shapeShort:
		switch n {
		case nameType:
			return tUint
		case namePayload:
			return tBytes
		}
	case shapeHeader:
		switch n {
		case nameTargetPeer, namePeerAddress, namePeerPort, nameAppHash, nameAppType:
			return tString
		case nameNetwork, nameVersion, nameType, nameLength, nameCrc32, namePartNo, namePartsTotal, nameNodeID:
			return tUint
		}
	}
	return 0
}

// fit makes sure that values of type id can be read as shape s: that all types
// in it are known, and that the fields both have agree. At least one must.
func (t *Types) fit(id typeID, s shape) (*def, error) {
	d := t.find(id)
	if d == nil || d.kind != isStruct {
		return nil, errorf("type %d is not a struct", id)
	}
	if d.fits&(1<<s) != 0 {
		return d, nil
	}
	if _, err := t.check(id, 1); err != nil {
		return nil, err
	}
	common := 0
	for _, f := range d.fields {
		want := s.want(f.name)
		if want == 0 {
			continue
		}
		common++
		if want == wantStruct {
			if _, err := t.fit(f.typ, shapeHeader); err != nil {
				return nil, err
			}
		} else if f.typ != want {
			return nil, errorf("field %s of type %d, want %d", nameTexts[f.name], f.typ, want)
		}
	}
	if common == 0 {
		return nil, errorf("no field of type %d is known", id)
	}
	d.fits |= 1 << s
	return d, nil
}
