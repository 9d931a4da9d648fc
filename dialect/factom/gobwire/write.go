package gobwire

// IDs are the type numbers that an encoder gives to its structs: any that differ
// and are at least 64. A real encoder numbers types as it first meets them.
type IDs struct{ Long, Header, Short int }

// Go126 are the numbers of a node built with Go 1.26.
var Go126 = IDs{Long: 64, Header: 65, Short: 66}

// Go113 are the numbers of a node built with Go 1.13.
var Go113 = IDs{Long: 65, Header: 66, Short: 67}

// prefix is the room left for a message's length until it is known.
const prefix = 9

// DefineLong appends the definitions that must come before the first Long.
func (ids IDs) DefineLong(dst []byte) []byte {
	dst = define(dst, ids.Long, "V9Msg", []column{{nameHeader, ids.Header}, {namePayload, int(tBytes)}})
	header := make([]column, 0, names)
	for n := nameNetwork; n < names; n++ {
		header = append(header, column{n, int(shapeHeader.want(n))})
	}
	return define(dst, ids.Header, "V9Header", header)
}

// DefineShort appends the definition that must come before the first Short.
func (ids IDs) DefineShort(dst []byte) []byte {
	return define(dst, ids.Short, "V10Msg", []column{{nameType, int(tUint)}, {namePayload, int(tBytes)}})
}

type column struct {
	name name
	typ  int
}

func define(dst []byte, id int, what string, columns []column) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, prefix)...)
	dst = appendInt(dst, -id)
	dst = append(dst, byte(isStruct)+1, 1) // a struct, whose own name and number are
	dst = appendText(dst, 1, what)
	dst = appendInt(append(dst, 1), id)
	dst = append(dst, 0, 1) // and whose fields are
	dst = appendUint(dst, uint64(len(columns)))
	for _, c := range columns {
		dst = appendText(dst, 1, nameTexts[c.name])
		dst = appendInt(append(dst, 1), c.typ)
		dst = append(dst, 0)
	}
	return seal(append(dst, 0, 0), at, 0)
}

// AppendLong appends the front of a Long whose payload has n bytes. The payload and
// then a zero byte belong after it. An empty payload is left out, as gob has it,
// so there only the zero byte follows.
func (ids IDs) AppendLong(dst []byte, h *Header, n int) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, prefix)...)
	dst = appendInt(dst, ids.Long)
	dst = append(dst, 1)
	w := fields{dst: dst}
	w.uint(uint64(h.Network))
	w.uint(uint64(h.Version))
	w.uint(uint64(h.Type))
	w.uint(uint64(h.Length))
	w.text(h.TargetPeer)
	w.uint(uint64(h.Crc32))
	w.rest(h)
	w.dst = append(w.dst, 0)
	return payload(w.dst, at, 0, n)
}

// AppendShort appends the front of a Short whose payload has n bytes; see
// AppendLong.
func (ids IDs) AppendShort(dst []byte, typ uint16, n int) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, prefix)...)
	w := fields{dst: appendInt(dst, ids.Short)}
	w.uint(uint64(typ))
	return payload(w.dst, at, w.skipped, n)
}

func payload(dst []byte, at int, skipped byte, n int) []byte {
	if n > 0 {
		dst = appendUint(append(dst, skipped+1), uint64(n))
	}
	return seal(dst, at, n+1)
}

// fields appends the fields of a struct in order. Zero fields are left out and
// counted, because the next one says how far it is from the last.
type fields struct {
	dst     []byte
	skipped byte
}

// rest appends what follows a header's checksum.
func (w *fields) rest(h *Header) {
	w.uint(uint64(h.PartNo))
	w.uint(uint64(h.PartsTotal))
	w.uint(h.NodeID)
	w.text(h.PeerAddress)
	w.text(h.PeerPort)
	w.text(h.AppHash)
	w.text(h.AppType)
}

func (w *fields) uint(v uint64) {
	if v == 0 {
		w.skipped++
		return
	}
	w.dst = appendUint(append(w.dst, w.skipped+1), v)
	w.skipped = 0
}

func (w *fields) text(b []byte) {
	if len(b) == 0 {
		w.skipped++
		return
	}
	w.dst = appendUint(append(w.dst, w.skipped+1), uint64(len(b)))
	w.dst = append(w.dst, b...)
	w.skipped = 0
}

// seal puts the length in front of the message that starts at at, to which
// after more bytes will be added, and closes the gap.
func seal(dst []byte, at, after int) []byte {
	var room [prefix]byte
	size := appendUint(room[:0], uint64(len(dst)-at-prefix+after))
	n := copy(dst[at:], size)
	n += copy(dst[at+n:], dst[at+prefix:])
	return dst[:at+n]
}

func appendUint(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	n := 8
	for n > 1 && v>>(8*(n-1)) == 0 {
		n--
	}
	dst = append(dst, byte(-n))
	for n--; n >= 0; n-- {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

func appendInt(dst []byte, v int) []byte {
	if v < 0 {
		return appendUint(dst, uint64(^v)<<1|1)
	}
	return appendUint(dst, uint64(v)<<1)
}

func appendText(dst []byte, step byte, s string) []byte {
	dst = appendUint(append(dst, step), uint64(len(s)))
	return append(dst, s...)
}
