package secret

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"parley/fault"
	"parley/wire"
)

func seed(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

// TestRejects plays what CometBFT refuses (and one thing that it pads out to a
// key) in both roles, and more of the kind.
func TestRejects(t *testing.T) {
	if n := len(load(t, "comet-secret-connection-rejects-v0.38.26").Frames); n != 5 {
		t.Fatalf("%d cases are recorded, five are played here", n)
	}
	zero := append([]byte{34, 10, 32}, make([]byte, 32)...)
	own, _ := ephemeral(bytes.NewReader(seed(2)))
	_, echo, _ := shake(t, false, seed(1), seed(2), appendEphemeral(nil, own))
	good := func() []byte { k, _ := ephemeral(bytes.NewReader(seed(9))); return appendEphemeral(nil, k) }()
	for name, tt := range map[string]struct {
		in   []byte
		want fault.Kind
	}{
		"low order":          {zero, fault.Protocol},
		"another low order":  {append([]byte{34, 10, 32, 1}, make([]byte, 31)...), fault.Protocol},
		"31 bytes":           {append([]byte{33, 10, 31}, good[3:34]...), fault.Protocol},
		"33 bytes":           {append(append([]byte{35, 10, 33}, good[3:]...), 0), fault.Protocol},
		"no key":             {[]byte{0}, fault.Protocol},
		"over 1 MiB":         {binary.AppendUvarint(nil, 1<<20+1), fault.Protocol},
		"over our limit":     {binary.AppendUvarint(nil, maxEphemeral+1), fault.Protocol},
		"length of 2^64-1":   {binary.AppendUvarint(nil, math.MaxUint64), fault.Protocol},
		"length without end": {bytes.Repeat([]byte{0x80}, 20), fault.Protocol},
		"random proof":       {append(slices.Clone(good), bytes.Repeat([]byte{0x5a}, FrameSize)...), fault.Protocol},
		"reflection":         {echo.wrote.Bytes(), fault.Protocol},
		"cut":                {good[:20], fault.IO},
		"nothing":            {nil, fault.IO},
		"field of a number":  {[]byte{2, 8, 1}, fault.Protocol},
	} {
		for _, dialing := range []bool{true, false} {
			c, _, err := shake(t, dialing, seed(1), seed(2), tt.in)
			if k := fault.KindOf(err); err == nil || k != tt.want {
				t.Errorf("%s (dialing %v): %+v and %v of kind %v, want %v", name, dialing, c, err, k, tt.want)
			}
		}
	}
}

// TestProofs seals proofs that prove nothing.
func TestProofs(t *testing.T) {
	key := ed25519.NewKeyFromSeed(seed(3))
	pub := key.Public().(ed25519.PublicKey)
	proof := func(pub, sig []byte, kind uint32) []byte {
		m := wire.AppendBytesHead(nil, fieldKey, 2+len(pub))
		m = wire.AppendStringField(m, kind, pub)
		return wire.AppendStringField(m, fieldSignature, sig)
	}
	for name, m := range map[string]func(challenge []byte) []byte{
		"of another challenge": func(c []byte) []byte { return proof(pub, ed25519.Sign(key, append(c, 0)), 1) },
		"of another key":       func(c []byte) []byte { return proof(pub, ed25519.Sign(ed25519.NewKeyFromSeed(seed(4)), c), 1) },
		"another kind of key":  func(c []byte) []byte { return proof(pub, ed25519.Sign(key, c), 2) },
		"a short key":          func(c []byte) []byte { return proof(pub[:31], ed25519.Sign(key, c), 1) },
		"no signature":         func(c []byte) []byte { return proof(pub, nil, 1) },
		"no key":               func(c []byte) []byte { return proof(nil, ed25519.Sign(key, c), 1) },
		"nothing":              func([]byte) []byte { return nil },
		"too long":             func([]byte) []byte { return make([]byte, maxAuth+1) },
		"key as a number":      func([]byte) []byte { return []byte{8, 1} },
		"key cut":              func([]byte) []byte { return []byte{10, 2, 10, 32} },
	} {
		mine, _ := ephemeral(bytes.NewReader(seed(9)))
		theirs, _ := ephemeral(bytes.NewReader(seed(2)))
		c, challenge, err := derive(mine, theirs.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		in := c.AppendMessage(appendEphemeral(nil, mine), m(challenge))
		for _, dialing := range []bool{true, false} {
			if _, _, err := shake(t, dialing, seed(1), seed(2), in); !errors.Is(err, fault.Protocol) {
				t.Errorf("a proof that is %s gives %v", name, err)
			}
		}
	}
}

// A dialer that does not want whom it met leaves without telling who it is.
func TestCheckComesFirst(t *testing.T) {
	r := load(t, handshakes[0])
	s := &script{in: bytes.NewReader(r.stream(t, "B->A"))}
	stranger := errors.New("stranger")
	_, err := Dial(s, ed25519.NewKeyFromSeed(r.input(t, "privA_seed32")), false, bytes.NewReader(r.input(t, "ephPrivA")),
		func(k ed25519.PublicKey) error {
			if !bytes.Equal(k, r.input(t, "pubB")) {
				t.Errorf("asked about %x", k)
			}
			return stranger
		})
	if !errors.Is(err, stranger) || s.wrote.Len() != 35 {
		t.Errorf("ends with %v after %d bytes, want %v after the first 35", err, s.wrote.Len(), stranger)
	}
}

// sealed seals one frame with any length in it.
func sealed(s *Sealer, n uint32) []byte {
	plain := make([]byte, plainSize)
	binary.LittleEndian.PutUint32(plain, n)
	defer s.step()
	return s.aead.Seal(nil, s.nonce[:], plain, nil)
}

func TestFrames(t *testing.T) {
	a, b := pair(t)
	buf := make([]byte, Headroom, 1<<16)
	for _, n := range []uint32{0, MaxData, MaxData + 1, math.MaxUint32} {
		out, err := b.Opener.Append(buf, sealed(a.Sealer, n))
		if n <= MaxData && (err != nil || len(out) != Headroom+int(n)) {
			t.Errorf("%d bytes of data: %d, %v", n, len(out), err)
		}
		if n > MaxData && (!errors.Is(err, fault.Protocol) || len(out) != Headroom) {
			t.Errorf("%d bytes of data: %d, %v, want a protocol fault", n, len(out), err)
		}
	}
	first, second := sealed(a.Sealer, 1), sealed(a.Sealer, 1)
	if _, err := b.Opener.Append(buf, second); !errors.Is(err, fault.Protocol) {
		t.Errorf("frames out of order give %v", err)
	}
	if _, err := b.Opener.Append(buf, first); err != nil {
		t.Errorf("the right frame gives %v", err)
	}
	if _, err := b.Opener.Append(buf, first); !errors.Is(err, fault.Protocol) {
		t.Errorf("a frame played again gives %v", err)
	}
}

// A key is never used for two frames of one number.
func TestWorn(t *testing.T) {
	a, b := pair(t)
	for i := range 8 {
		a.Sealer.nonce[4+i], b.Opener.nonce[4+i] = 0xff, 0xff
	}
	a.Sealer.Start([]byte("dst"))
	a.Sealer.Write(make([]byte, MaxData))
	buf, err := a.Sealer.Finish()
	if !errors.Is(err, errWorn) {
		t.Errorf("the last frame gives %v", err)
	}
	if _, err := b.Opener.Append(make([]byte, Headroom, 2*FrameSize), buf[3:3+FrameSize]); err != nil {
		t.Errorf("the last frame is not opened: %v", err)
	}
	a.Sealer.Start([]byte("dst"))
	a.Sealer.Write(make([]byte, 3*MaxData))
	if buf, err := a.Sealer.Finish(); !errors.Is(err, fault.Local) || string(buf) != "dst" {
		t.Errorf("one frame more gives %d bytes and %v", len(buf), err)
	}
	if _, err := b.Opener.Append(make([]byte, Headroom, 2*FrameSize), make([]byte, FrameSize)); !errors.Is(err, fault.Protocol) {
		t.Errorf("opening one frame more gives %v", err)
	}
}

// Messages of the exchange may take several frames, and frames several messages.
func TestMessages(t *testing.T) {
	a, b := pair(t)
	long := bytes.Repeat([]byte("node"), 1500)
	a.Sealer.Start(nil)
	a.Sealer.Write(binary.AppendUvarint(nil, uint64(len(long))))
	a.Sealer.Write(long)
	a.Sealer.Write([]byte{2, 'h', 'i', 9, 'r'})
	buf, err := a.Sealer.Finish()
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(append(buf, "after"...))
	if m, err := b.ReadMessage(in, "long", len(long)); err != nil || !bytes.Equal(m, long) {
		t.Errorf("read %d bytes and %v", len(m), err)
	}
	if m, err := b.ReadMessage(in, "short", 2); err != nil || string(m) != "hi" {
		t.Errorf("read %q and %v", m, err)
	}
	if string(b.Rest()) != "\x09r" || in.Len() != len("after") {
		t.Errorf("%q is left, and %d bytes were not read", b.Rest(), in.Len())
	}
	if _, err := b.ReadMessage(in, "limited", 8); !errors.Is(err, fault.Protocol) {
		t.Errorf("a message over its limit gives %v", err)
	}
	if _, err := b.ReadMessage(in, "cut", 9); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a message cut off gives %v", err)
	}
}

// TestNoAllocations seals and opens without any garbage.
func TestNoAllocations(t *testing.T) {
	a, b := pair(t)
	data := make([]byte, 5000)
	dst, out := make([]byte, 0, 8*FrameSize), make([]byte, Headroom, 8*FrameSize)
	if n := testing.AllocsPerRun(100, func() {
		a.Sealer.Start(dst)
		a.Sealer.Write(data)
		sealed, _ := a.Sealer.Finish()
		buf := out
		for ; len(sealed) > 0; sealed = sealed[FrameSize:] {
			buf, _ = b.Opener.Append(buf, sealed)
		}
		if len(buf) != Headroom+len(data) {
			t.Fatal(len(buf))
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzHandshake plays both roles against any bytes: it must end, and blame the
// peer or the stream.
func FuzzHandshake(f *testing.F) {
	for _, name := range handshakes {
		r := load(f, name)
		f.Add(true, r.stream(f, "B->A")[:1079])
		f.Add(false, r.stream(f, "A->B")[:1079])
	}
	r := load(f, handshakes[0])
	f.Fuzz(func(t *testing.T, dialing bool, in []byte) {
		_, s, err := shake(t, dialing, r.input(t, "privA_seed32"), r.input(t, "ephPrivA"), in)
		if k := fault.KindOf(err); err != nil && k != fault.Protocol && k != fault.IO {
			t.Fatalf("%v of kind %v", err, k)
		}
		if s.wrote.Len() > 35+FrameSize {
			t.Fatalf("wrote %d bytes", s.wrote.Len())
		}
	})
}
