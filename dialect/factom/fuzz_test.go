package factom

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
)

// FuzzOpen plays both roles of every version against any bytes. What is let in
// must be let in again when its handshake is written anew.
func FuzzOpen(f *testing.F) {
	for _, r := range recordings(f, "p2p/*", 54) {
		for i, dir := range []string{toDialer, toListener} {
			b := r.stream(f, dir)
			f.Add(uint8(i), b[:min(len(b), 1000)])
		}
	}
	var ds [3]*Dialect
	for i := range ds {
		ds[i] = mustNew(f, Config{Version: V9 + uint16(i), SharesLimit: 16})
	}
	f.Fuzz(func(t *testing.T, how uint8, in []byte) {
		d, dialing := ds[how/2%3], how%2 == 0
		s := &script{in: in}
		l, err := d.Open(s, opening(t, dialing, "127.0.0.1:1", 8108, 7))
		if err != nil {
			checkOpenError(t, err)
			return
		}
		h := l.Intro.Info.(*Handshake)
		again := h.append11(nil)
		if l.Intro.Version != uint32(V11) {
			again = h.appendGob(nil, gobwire.Go113)
		}
		l2, err := d.Open(&script{in: again}, opening(t, dialing, "127.0.0.1:1", 8108, 7))
		if err != nil {
			t.Fatalf("%+v is refused when written anew: %v", h, err)
		}
		h2 := *l2.Intro.Info.(*Handshake)
		h2.Nonce, h2.Alternatives = h.Nonce, h.Alternatives // gob has room for one of them
		if !reflect.DeepEqual(*h, h2) || l.Intro.ID != l2.Intro.ID {
			t.Fatalf("%+v comes back as %+v", h, h2)
		}
		decodeSome(t, l, s.in)
	})
}

func checkOpenError(t *testing.T, err error) {
	t.Helper()
	if r, ok := errors.AsType[*dialect.Refusal](err); ok && len(r.Offer) > 16 {
		t.Fatalf("%d addresses offered, limit 16", len(r.Offer))
	}
	switch k := fault.KindOf(err); k {
	case fault.Protocol, fault.Refused, fault.IO:
	case fault.Local:
		if !errors.Is(err, dialect.ErrSelf) {
			t.Fatalf("%v is our own mistake", err)
		}
	default:
		t.Fatalf("%v of kind %v", err, k)
	}
}

// decodeSome decodes a stream as far as it goes and sends back what is in it.
func decodeSome(t *testing.T, l *dialect.Link, stream []byte) {
	t.Helper()
	for len(stream) > 0 {
		m, n, err := l.Decoder.Next(stream)
		if err != nil {
			if k := fault.KindOf(err); n != 0 || m.For != 0 || k != fault.Protocol && k != fault.Refused {
				t.Fatalf("took %d bytes, for %d, with %v of kind %v", n, m.For, err, k)
			}
			return // Refused is a parcel that the protocol allows and our limit does not
		}
		if n <= 0 || n > len(stream) && m.For != 0 {
			t.Fatalf("took %d of %d bytes, for %d", n, len(stream), m.For)
		}
		if d, ok := l.Decoder.(*decoder9); ok && (len(d.parts.wholes) > maxWholes || d.parts.bytes > d.limit+maxParts*partCost) {
			t.Fatalf("%d messages in parts, %d bytes", len(d.parts.wholes), d.parts.bytes)
		}
		if n > len(stream) {
			return
		}
		if _, ok := l.Decoder.(codec11); ok {
			if w, err := walk11(stream[4:n]); err != nil || !reflect.DeepEqual(w, m) {
				t.Fatalf("the short way reads %+v, the long way %+v and %v", m, w, err)
			}
		}
		stream = stream[n:]
		if m.For != 0 {
			sendBack(t, l, m)
		}
	}
}

// sendBack encodes a message that was decoded, and decodes it.
func sendBack(t *testing.T, l *dialect.Link, m dialect.Message) {
	t.Helper()
	out, err := l.Encoder.Append(l.Prelude[:len(l.Prelude):len(l.Prelude)], m)
	if err != nil {
		t.Fatalf("type %d with %d bytes can not be sent on: %v", m.Type, len(m.Body), err)
	}
	ms, err := decodeAll(fresh(t, uint16(l.Intro.Version)), out)
	if err != nil || len(ms) != 1 || ms[0].Type != m.Type || ms[0].For != m.For || !bytes.Equal(ms[0].Body, m.Body) {
		t.Fatalf("type %d with %d bytes comes back as %+v, %v", m.Type, len(m.Body), ms, err)
	}
}

// fresh returns the decoder of a link of a version that has just opened.
func fresh(t testing.TB, v uint16) dialect.Decoder {
	t.Helper()
	const limit = 1 << 20
	switch v {
	case V9:
		d := &decoder9{types: new(gobwire.Types), limit: limit, parts: newParts(limit)}
		if ms, err := decodeAll(d, gobwire.Go126.DefineLong(nil)); err != nil || len(ms) != 0 {
			t.Fatal(ms, err)
		}
		return d
	case V10:
		return &decoder10{types: new(gobwire.Types), limit: limit}
	}
	return codec11{limit}
}

// FuzzDecode decodes any bytes after a handshake of each version.
func FuzzDecode(f *testing.F) {
	for v, name := range map[uint16]string{V9: "v9_session", V10: "v10_session", V11: "v11_session"} {
		r := recordings(f, "p2p/"+name, 1)[0]
		b := r.stream(f, toListener)[len(r.handshake(f, toListener)):]
		f.Add(uint8(v), b[:2000])
	}
	parts := recordings(f, "legacy/stream_v9_three_parts_synthetic", 1)[0].stream(f, "A->B")
	f.Add(uint8(V9), parts[:31000])
	f.Fuzz(func(t *testing.T, v uint8, in []byte) {
		version := V9 + uint16(v)%3
		l := &dialect.Link{Intro: dialect.Intro{Version: uint32(version)}, Decoder: fresh(t, version)}
		switch version {
		case V9:
			l.Encoder = newEncoder9(&Handshake{Network: testNetwork, ListenPort: "8108"})
		case V10:
			l.Encoder, l.Prelude = encoder10{}, gobwire.Go126.DefineShort(nil)
		default:
			l.Encoder = codec11{}
		}
		decodeSome(t, l, in)
	})
}
