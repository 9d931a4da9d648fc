package secret

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"strings"
	"testing"

	"parley/internal/golden"
)

// recording is one golden file: what real nodes wrote.
type recording struct {
	Inputs map[string]any
	Frames []struct {
		Dir, Hex, Meaning string
		Extra             map[string]string
	}
}

func load(t testing.TB, name string) (r recording) {
	t.Helper()
	golden.Load(t, "../../testdata/"+name, &r)
	return r
}

func (r *recording) input(t testing.TB, name string) []byte {
	t.Helper()
	s, _ := r.Inputs[name].(string)
	if s == "" {
		t.Fatalf("there is no %s", name)
	}
	return golden.Bytes(t, s)
}

// stream returns what one side wrote.
func (r *recording) stream(t testing.TB, dir string) (b []byte) {
	for _, f := range r.Frames {
		if f.Dir == dir {
			b = append(b, golden.Bytes(t, f.Hex)...)
		}
	}
	return b
}

// script is a connection whose other end has said all it will say.
type script struct {
	in    *bytes.Reader
	wrote bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error) { return s.wrote.Write(p) }

func anyone(ed25519.PublicKey) error { return nil }

// shake runs one side against what the other is going to say.
func shake(t testing.TB, dialing bool, seed, ephemeral, heard []byte) (*Conn, *script, error) {
	t.Helper()
	s := &script{in: bytes.NewReader(heard)}
	key := ed25519.NewKeyFromSeed(seed)
	if dialing {
		c, err := Dial(s, key, false, bytes.NewReader(ephemeral), anyone)
		return c, s, err
	}
	c, err := Listen(s, key, false, bytes.NewReader(ephemeral))
	return c, s, err
}

var handshakes = []string{
	"comet-secret-connection-A-lower-v0.38.26",
	"comet-secret-connection-A-lower-v1.0.1",
	"comet-secret-connection-A-higher-v0.38.26",
}

// TestGolden plays each side of recorded handshakes in both roles, opens what
// followed, and seals it to the same bytes as far as they do not depend on what
// was in a buffer of the original's before.
func TestGolden(t *testing.T) {
	for _, name := range handshakes {
		r := load(t, name)
		for _, dialing := range []bool{true, false} {
			plays(t, r, dialing, "A", "B")
			plays(t, r, dialing, "B", "A")
		}
	}
}

func plays(t *testing.T, r recording, dialing bool, own, other string) {
	t.Helper()
	heard, said := r.stream(t, other+"->"+own), r.stream(t, own+"->"+other)
	c, s, err := shake(t, dialing, r.input(t, "priv"+own+"_seed32"), r.input(t, "ephPriv"+own), heard)
	if err != nil {
		t.Fatal(err)
	}
	if want := r.input(t, "pub"+other); !bytes.Equal(c.Remote, want) {
		t.Errorf("%s proved the key %x, want %x", other, c.Remote, want)
	}
	const head = 35
	wrote := s.wrote.Bytes()
	if len(wrote) != head+FrameSize || !bytes.Equal(wrote[:head+headSize+103], said[:head+headSize+103]) {
		t.Errorf("%s writes %x, want %x", own, wrote[:head+headSize+103], said[:head+headSize+103])
	}
	opens(t, &r, c, s.in, other+"->"+own)
	seals(t, &r, c, said[head+FrameSize:], own+"->"+other)
}

// written returns what was written after a handshake, piece by piece.
func (r *recording) written(t testing.TB, dir string) (pieces [][]byte) {
	last := ""
	for _, f := range r.Frames {
		if p := f.Extra["plaintext_written"]; f.Dir == dir && p != "" && f.Meaning[:12] != last {
			pieces = append(pieces, golden.Bytes(t, p))
			last = f.Meaning[:12]
		}
	}
	return pieces
}

func opens(t *testing.T, r *recording, c *Conn, in io.Reader, dir string) {
	t.Helper()
	want := bytes.Join(r.written(t, dir), nil)
	buf := make([]byte, Headroom, 1<<20)
	frame := make([]byte, FrameSize)
	for {
		if _, err := io.ReadFull(in, frame); errors.Is(err, io.EOF) {
			break
		}
		var err error
		if buf, err = c.Opener.Append(buf, frame); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(buf[Headroom:], want) || !bytes.Equal(buf[:Headroom], make([]byte, Headroom)) {
		t.Errorf("%s: opened %d bytes, want %d", dir, len(buf)-Headroom, len(want))
	}
}

func seals(t *testing.T, r *recording, c *Conn, want []byte, dir string) {
	t.Helper()
	for _, p := range r.written(t, dir) {
		c.Sealer.Start(nil)
		c.Sealer.Write(p)
		got, err := c.Sealer.Finish()
		if err != nil {
			t.Fatal(err)
		}
		for len(p) > 0 {
			k := min(len(p), MaxData)
			if !bytes.Equal(got[:headSize+k], want[:headSize+k]) {
				t.Errorf("%s: a frame of %d bytes differs", dir, k)
			}
			if k == MaxData && !bytes.Equal(got[:FrameSize], want[:FrameSize]) {
				t.Errorf("%s: a full frame differs", dir)
			}
			p, got, want = p[k:], got[FrameSize:], want[FrameSize:]
		}
	}
	if len(want) > 0 {
		t.Errorf("%s: %d bytes were not compared", dir, len(want))
	}
}

// TestSecrets compares every value that the handshake derives.
func TestSecrets(t *testing.T) {
	for _, name := range handshakes {
		r := load(t, name)
		own, err := ephemeral(bytes.NewReader(r.input(t, "ephPrivA")))
		if err != nil {
			t.Fatal(err)
		}
		remote, err := readEphemeral(bytes.NewReader(append([]byte{34, 10, 32}, r.input(t, "ephPubB")...)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(own.PublicKey().Bytes(), r.input(t, "ephPubA")) {
			t.Error("the public key differs")
		}
		dh, err := own.ECDH(remote)
		if err != nil || !bytes.Equal(dh, r.input(t, "dhSecret")) {
			t.Errorf("the secret is %x, %v", dh, err)
		}
		c, challenge, err := derive(own, remote)
		if err != nil || !bytes.Equal(challenge, r.input(t, "challenge32")) {
			t.Errorf("the challenge is %x, %v", challenge, err)
		}
		key := ed25519.NewKeyFromSeed(r.input(t, "privA_seed32"))
		if sig := ed25519.Sign(key, challenge); !bytes.Equal(sig, r.input(t, "sigA")) {
			t.Errorf("the signature is %x", sig)
		}
		if low := r.Inputs["A_is_lower"].(bool); low != (strings.Contains(name, "lower")) || c.Remote != nil {
			t.Errorf("%s: a is lower: %v", name, low)
		}
	}
}

func TestPaddingIsZero(t *testing.T) {
	a, b := pair(t)
	dst := bytes.Repeat([]byte{0xee}, 2*FrameSize) // what a buffer held before
	a.Sealer.Start(dst[:0])
	a.Sealer.Write([]byte("x"))
	got, err := a.Sealer.Finish()
	if err != nil || len(got) != FrameSize {
		t.Fatal(len(got), err)
	}
	plain, err := b.Opener.aead.Open(nil, b.Opener.nonce[:], got, nil)
	if err != nil || !bytes.Equal(plain, append([]byte{1, 0, 0, 0, 'x'}, make([]byte, MaxData-1)...)) {
		t.Errorf("sealed % x, %v", plain[:16], err)
	}
}

// pair returns both ends of a connection.
func pair(t testing.TB) (a, b *Conn) {
	t.Helper()
	key := func(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }
	connect := func(in []byte) (*Conn, *script, error) { return shake(t, false, key(1), key(2), in) }
	own, err := ephemeral(bytes.NewReader(key(4)))
	if err != nil {
		t.Fatal(err)
	}
	hello := appendEphemeral(nil, own)
	_, s, _ := connect(hello) // it answers, and then waits for the proof
	b, t4, err := shake(t, true, key(3), key(4), s.wrote.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	a, _, err = connect(t4.wrote.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}
