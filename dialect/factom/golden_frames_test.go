package factom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
)

// TestGoldenFrames reads every recorded frame and writes it again: the fields must
// be those that were recorded, and the bytes the same.
func TestGoldenFrames(t *testing.T) {
	for _, r := range recordings(t, "p2p/*", 54) {
		t.Run(r.name, func(t *testing.T) {
			for _, dir := range []string{toListener, toDialer} {
				if b := r.stream(t, dir); bytes.HasPrefix(b, []byte(signature)) {
					checkFrames11(t, r, dir)
				} else {
					checkFramesGob(t, r, dir)
				}
			}
		})
	}
}

func checkFramesGob(t *testing.T, r *recording, dir string) {
	var types gobwire.Types
	ids := gobwire.Go126
	for _, f := range r.Frames {
		if f.Dir != dir || f.Hex == "" || strings.HasPrefix(r.name, "raw_garbage") {
			continue
		}
		b := f.bytes(t)
		head, size, err := gobwire.Size(b)
		if err != nil || head+int(size) != len(b) {
			t.Fatalf("%s: length %d+%d and %v, want %d", f.Meaning, head, size, err, len(b))
		}
		if d := f.Decoded.Struct; d != nil {
			ids = checkDefinition(t, &types, ids, &f)
			continue
		}
		if f.Decoded.Message == "V10Msg" {
			checkShort(t, &types, ids, &f, b[head:])
		} else {
			checkLong(t, &types, ids, &f, b[head:])
		}
	}
}

// checkDefinition reads a type definition and holds ours with the same numbers
// against it. V9's come in two frames.
func checkDefinition(t *testing.T, types *gobwire.Types, ids gobwire.IDs, f *frame) gobwire.IDs {
	t.Helper()
	b := f.bytes(t)
	head, _, _ := gobwire.Size(b)
	if ok, err := types.Long(b[head:], new(gobwire.Long)); ok || err != nil {
		t.Fatalf("%s: value %v, error %v", f.Meaning, ok, err)
	}
	var ours []byte
	switch d := f.Decoded.Struct; d.Name {
	case "V9Msg":
		ids.Long, ids.Header = d.ID, d.ID+1
		ours = ids.DefineLong(nil)[:len(b)]
	case "V9Header":
		ids.Header = d.ID
		ours = ids.DefineLong(nil)
		ours = ours[len(ours)-len(b):]
	case "V10Msg":
		ids.Short = d.ID
		ours = ids.DefineShort(nil)
	}
	if !bytes.Equal(ours, b) {
		t.Errorf("%s: we write\n% x, recorded is\n% x", f.Meaning, ours, b)
	}
	return ids
}

func checkLong(t *testing.T, types *gobwire.Types, ids gobwire.IDs, f *frame, msg []byte) {
	t.Helper()
	var p gobwire.Long
	if ok, err := types.Long(msg, &p); !ok || err != nil {
		t.Fatalf("%s: value %v, error %v", f.Meaning, ok, err)
	}
	want := gobwire.Long{Header: f.Decoded.header(), Payload: f.Decoded.payload(t)}
	if p = solid(p); !reflect.DeepEqual(p, solid(want)) {
		t.Errorf("%s: read %+v, want %+v", f.Meaning, p.Header, want.Header)
	}
	out := ids.AppendLong(nil, &want.Header, len(want.Payload))
	out = append(append(out, want.Payload...), 0)
	if !bytes.Equal(out, f.bytes(t)) {
		t.Errorf("%s: we write other bytes", f.Meaning)
	}
	if f.Decoded.Loopback != "" {
		var h Handshake
		if err := h.fromGob(&p, 10); err != nil || h.Nonce != number[uint64](t, f.Decoded.Loopback) {
			t.Errorf("%s: nonce %x and %v, want %s", f.Meaning, h.Nonce, err, f.Decoded.Loopback)
		}
	}
}

// solid makes empty texts comparable.
func solid(p gobwire.Long) gobwire.Long {
	for _, b := range []*[]byte{&p.Payload, &p.Header.TargetPeer, &p.Header.PeerAddress, &p.Header.PeerPort, &p.Header.AppHash, &p.Header.AppType} {
		*b = append([]byte{}, *b...)
	}
	return p
}

func checkShort(t *testing.T, types *gobwire.Types, ids gobwire.IDs, f *frame, msg []byte) {
	t.Helper()
	var p gobwire.Short
	if ok, err := types.Short(msg, &p); !ok || err != nil {
		t.Fatalf("%s: value %v, error %v", f.Meaning, ok, err)
	}
	payload := f.Decoded.payload(t)
	if uint32(p.Type) != f.Decoded.Type || !bytes.Equal(p.Payload, payload) {
		t.Errorf("%s: read type %d and %d bytes", f.Meaning, p.Type, len(p.Payload))
	}
	out := ids.AppendShort(nil, p.Type, len(payload))
	if out = append(append(out, payload...), 0); !bytes.Equal(out, f.bytes(t)) {
		t.Errorf("%s: we write other bytes", f.Meaning)
	}
}

// checkFrames11 goes through a V11 stream, whose frames are signature, length
// and handshake, then length and parcel.
func checkFrames11(t *testing.T, r *recording, dir string) {
	codec := codec11{maxParcel}
	var pending []byte
	for _, f := range r.Frames {
		if f.Dir != dir || f.Hex == "" {
			continue
		}
		pending = append(pending, f.bytes(t)...)
		switch f.Decoded.Message {
		case "V11Handshake":
			checkHello11(t, &f, pending)
		case "V11Msg":
			checkParcel11(t, codec, &f, pending)
		default:
			if binary.BigEndian.Uint32(f.bytes(t)) > maxParcel && !bytes.HasSuffix(pending, []byte(signature)) {
				checkOversize(t, codec, &f, pending)
			}
			continue
		}
		pending = nil
	}
}

func checkHello11(t *testing.T, f *frame, b []byte) {
	t.Helper()
	d := &f.Decoded
	want := Handshake{
		Network: d.Network, Version: d.Version, Type: d.Type, NodeID: d.NodeID,
		ListenPort: d.ListenPort, Nonce: number[uint64](t, d.Loopback),
	}
	for _, e := range d.Alternatives {
		want.Alternatives = append(want.Alternatives, e.endpoint())
	}
	var got Handshake
	if err := got.parse11(f.bytes(t), 10); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: read %+v and %v, want %+v", f.Meaning, got, err, want)
	}
	if out := want.append11(nil); !bytes.Equal(out, b) {
		t.Errorf("%s: we write\n% x, recorded is\n% x", f.Meaning, out, b)
	}
}

func checkParcel11(t *testing.T, codec codec11, f *frame, b []byte) {
	t.Helper()
	payload := f.Decoded.payload(t)
	m, n, err := codec.Next(b)
	if f.Decoded.Type >= types || len(payload) == 0 {
		if !errors.Is(err, fault.Protocol) {
			t.Errorf("%s: error %v, want a protocol fault", f.Meaning, err)
		}
		return
	}
	if err != nil || n != len(b) || m.Type != f.Decoded.Type || !bytes.Equal(m.Body, payload) {
		t.Errorf("%s: took %d of %d, type %d, %d bytes, %v", f.Meaning, n, len(b), m.Type, len(m.Body), err)
	}
	out, err := codec.Append(nil, dialect.Message{Type: f.Decoded.Type, Body: payload})
	if err != nil || !bytes.Equal(out, b) {
		t.Errorf("%s: we write other bytes, or fail: %v", f.Meaning, err)
	}
}

func checkOversize(t *testing.T, codec codec11, f *frame, b []byte) {
	t.Helper()
	if bytes.HasPrefix(b, []byte(signature)) {
		return // a handshake; see TestGoldenOpen
	}
	if _, _, err := codec.Next(b); !errors.Is(err, fault.Protocol) {
		t.Errorf("%s: error %v, want a protocol fault", f.Meaning, err)
	}
}
