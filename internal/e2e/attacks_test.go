package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"time"

	"parley/fault"
)

const (
	network    = 0x29cb7175
	otherChain = 0xdeadbeef
	port       = "8108"
)

// attack is one way to hurt a node: what a connection to it does, and the fault
// with which the node has to end it.
type attack struct {
	name   string
	do     func(c net.Conn)
	want   fault.Kind
	within time.Duration // of virtual time, from the connection to its end
	cost   uint64        // most bytes it may make the process allocate: cheap
}

// soon is time enough for what a node must refuse as soon as it sees it: some
// round trips, and for large frames the time they travel.
const soon = 9 * time.Second

func attacks(nonce uint64) []attack {
	open := openLimit + 2*time.Second
	shares := 90 * time.Second // until the node happens to ask this peer for addresses
	return []attack{
		{"v9 wrong network", write(gobHello(otherChain, 9, 1)), fault.Refused, soon, 0},
		{"v10 wrong network", write(gobHello(otherChain, 10, 1)), fault.Refused, soon, 0},
		{"v11 wrong network", write(hello11(otherChain, 11, 1)), fault.Refused, soon, 0},
		{"v8", write(gobHello(network, 8, 1)), fault.Refused, soon, 0},
		{"gob version 12", write(gobHello(network, 12, 1)), fault.Refused, soon, 0},
		{"v11 version 3", write(hello11(network, 3, 1)), fault.Refused, soon, 0},
		{"v11 own nonce", write(hello11(network, 11, nonce)), fault.Local, soon, 0},
		{"v10 own nonce", write(gobHello(network, 10, nonce)), fault.Local, soon, 0},

		{"http", write([]byte("GET / HTTP/1.1\r\nHost: example\r\nUser-Agent: none in particular\r\nAccept: */*\r\n\r\n")), fault.Protocol, soon, 0},
		{"http so short that it could be the start of a hello", write([]byte("GET /\r\n\r\n")), fault.Timeout, open, 0},
		{"zeros", write(make([]byte, 4096)), fault.Protocol, soon, 0},
		{"silence", write(nil), fault.Timeout, open, 0},
		{"half a v11 hello", write(hello11(network, 11, 1)[:13]), fault.Timeout, open, 0},
		{"half a gob hello", write(gobHello(network, 10, 1)[:100]), fault.Timeout, open, 0},
		{"a byte a second", trickle(gobHello(network, 10, 1)), fault.Timeout, open, 0},

		{"v11 hello of 2^31", write([]byte("pbuf\x80\x00\x00\x00")), fault.Protocol, soon, 0},
		{"v11 hello of 2^32-1", write([]byte("pbuf\xff\xff\xff\xff")), fault.Protocol, soon, 0},
		{"gob hello of 2^31", write([]byte{0xfc, 0x80, 0, 0, 0}), fault.Protocol, soon, 0},
		{"gob hello of 2^64-1", write([]byte{0xf8, 255, 255, 255, 255, 255, 255, 255, 255}), fault.Protocol, soon, 0},
		{"v11 parcel of 2^31", after(hello11(network, 11, 1), []byte{0x80, 0, 0, 0}), fault.Protocol, soon, 0},
		{"v11 parcel of 2^32-1", after(hello11(network, 11, 1), []byte{255, 255, 255, 255}), fault.Protocol, soon, 0},
		{"v10 parcel of 2^64-1", after(gobHello(network, 10, 1), []byte{0xf8, 255, 255, 255, 255, 255, 255, 255, 255}), fault.Protocol, soon, 0},
		{"v9 parcel of 2^31", after(gobHello(network, 9, 1), []byte{0xfc, 0x80, 0, 0, 0}), fault.Protocol, soon, 0},

		{"gob value nested a thousand deep", write(gobOf(nested(1000))), fault.Protocol, soon, 0},
		{"gob struct of a thousand fields", write(gobOf(wide(1000))), fault.Protocol, soon, 0},
		{"gob definitions without end", after(gobHello(network, 10, 1), definitions(2000)), fault.Protocol, soon, 0},

		{"json share of 1,000,000 entries", share10(bulk(1_000_000)), fault.Refused, shares, bulky},
		{"json share of 300,000 entries", share10(bulk(300_000)), fault.Protocol, shares, bulky},
		{"json share with port 0", share10(`[{"ip":"","port":"0"}]`), fault.Protocol, shares, 0},
		{"json share with 256.1.1.1", share10(`[{"ip":"256.1.1.1","port":"8108"}]`), fault.Protocol, shares, 0},
		{"json share with a zone", share10(`[{"ip":"fe80::1%eth0","port":"8108"}]`), fault.Protocol, shares, 0},
		{"json share cut off", share10(`[{"ip":"1.2.3.4","port":`), fault.Protocol, shares, 0},
	}
}

func write(b []byte) func(net.Conn) {
	return func(c net.Conn) {
		c.Write(b)
		io.Copy(io.Discard, c)
	}
}

// trickle sends a byte a second.
func trickle(b []byte) func(net.Conn) {
	return func(c net.Conn) {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := range b {
			if _, err := c.Write(b[i : i+1]); err != nil {
				return
			}
			<-tick.C
		}
		io.Copy(io.Discard, c)
	}
}

// after says hello, waits for the answer, and then sends b.
func after(hello, b []byte) func(net.Conn) {
	return func(c net.Conn) {
		c.Write(hello)
		c.Read(make([]byte, 1))
		c.Write(b)
		io.Copy(io.Discard, c)
	}
}

// hello11 is a V11 handshake, written out by hand (factom-p2p 1.13, protocol 11).
func hello11(network uint32, version, nonce uint64) []byte {
	var p []byte
	p = binary.AppendUvarint(append(p, 1<<3), 8)
	p = binary.AppendUvarint(append(p, 2<<3), uint64(network))
	p = binary.AppendUvarint(append(p, 3<<3), version)
	p = binary.AppendUvarint(append(p, 4<<3), 7)
	p = append(append(p, 5<<3|2, byte(len(port))), port...)
	p = binary.AppendUvarint(append(p, 6<<3), nonce)
	return append(binary.BigEndian.AppendUint32([]byte("pbuf"), uint32(len(p))), p...)
}

// The gob messages as the originals declare them. Only names matter on the wire.
type (
	V9Header struct {
		Network    uint32
		Version    uint16
		Type       uint16
		Length     uint32
		TargetPeer string
		Crc32      uint32
		NodeID     uint32
		PeerPort   string
		AppHash    string
		AppType    string
	}
	V9Msg struct {
		Header  V9Header
		Payload []byte
	}
	V10Msg struct {
		Type    uint16
		Payload []byte
	}
)

func gobMsg(network uint32, version uint16, nonce uint64) V9Msg {
	kind := uint16(8)
	if version == 9 {
		kind = 3
	}
	return V9Msg{
		Header:  V9Header{Network: network, Version: version, Type: kind, Length: 8, NodeID: 7, PeerPort: port},
		Payload: binary.LittleEndian.AppendUint64(nil, nonce),
	}
}

func gobHello(network uint32, version uint16, nonce uint64) []byte {
	return gobOf(gobMsg(network, version, nonce))
}

func gobOf(v any) []byte {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// chain nests in itself.
type chain struct {
	Network uint32
	Next    *chain
}

func nested(depth int) any {
	var c *chain
	for range depth {
		c = &chain{network, c}
	}
	return struct {
		Header  *chain
		Payload []byte
	}{c, []byte("12345678")}
}

func wide(n int) any {
	fields := make([]reflect.StructField, n)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[uint64]()}
	}
	v := reflect.New(reflect.StructOf(fields)).Elem()
	v.Field(n - 1).SetUint(1)
	return v.Interface()
}

// definitions returns n gob type definitions for ids that nothing uses.
func definitions(n int) []byte {
	var out []byte
	for i := range n {
		id := -(1000 + i)
		var p []byte
		p = gobInt(p, int64(id))
		// wireType{SliceT{CommonType{Id}, Elem uint}}
		p = append(p, 2, 1, 2)
		p = gobInt(p, int64(-id))
		p = append(p, 0, 1, 6, 0, 0)
		out = append(gobUint(out, uint64(len(p))), p...)
	}
	return out
}

func gobInt(dst []byte, v int64) []byte {
	if v < 0 {
		return gobUint(dst, uint64(^v)<<1|1)
	}
	return gobUint(dst, uint64(v)<<1)
}

func gobUint(dst []byte, v uint64) []byte {
	if v < 128 {
		return append(dst, byte(v))
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	t := bytes.TrimLeft(b[:], "\x00")
	return append(append(dst, byte(-len(t))), t...)
}

func bulk(entries int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"ip":"9.%d.%d.%d","port":"8108"}`, i>>16&255, i>>8&255, i&255)
	}
	b.WriteByte(']')
	return b.String()
}

// share10 opens a V10 link, waits to be asked for addresses and answers with
// the given JSON.
func share10(json string) func(net.Conn) {
	return func(c net.Conn) {
		enc, dec := gob.NewEncoder(c), gob.NewDecoder(c)
		enc.Encode(gobMsg(network, 10, 1))
		var hello V9Msg
		if dec.Decode(&hello) != nil {
			return
		}
		for {
			var m V10Msg
			if dec.Decode(&m) != nil {
				return
			}
			switch m.Type {
			case 1:
				enc.Encode(V10Msg{2, []byte("Pong")})
			case 3:
				enc.Encode(V10Msg{4, []byte(json)})
			}
		}
	}
}
