package bitcoin

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/internal/golden"
)

// recording is one file of testdata: what soterd wrote, or what it did when
// something was written to it.
type recording struct {
	name        string
	Description string
	Network     string
	Frames      []frame
	Expect      json.RawMessage
}

type frame struct {
	Dir     string
	Hex     string
	Meaning string
	Pver    uint32
}

func (f *frame) bytes(t testing.TB) []byte {
	t.Helper()
	return golden.Bytes(t, f.Hex)
}

// recordings loads the files of testdata that match a pattern, of which there must
// be so many.
func recordings(t testing.TB, pattern string, want int) (rs []*recording) {
	t.Helper()
	for _, path := range golden.Match(t, "testdata/"+pattern, want) {
		r := &recording{name: filepath.Base(path)}
		golden.Load(t, path, r)
		rs = append(rs, r)
	}
	return rs
}

// soterCodec returns both halves of a link of the recordings' network.
func soterCodec() (*decoder, *encoder) {
	p := SoterSim()
	return &decoder{p: &p, net: p.Net}, &encoder{p: &p, net: p.Net}
}

// decodeAll cuts a stream into messages.
func decodeAll(t testing.TB, d dialect.Decoder, b []byte) (ms []dialect.Message) {
	t.Helper()
	for len(b) > 0 {
		m, n, err := d.Next(b)
		if err != nil || n <= 0 || n > len(b) {
			t.Fatalf("next: takes %d of %d bytes, error %v", n, len(b), err)
		}
		if b = b[n:]; m.For != 0 {
			ms = append(ms, m)
		}
	}
	return ms
}

// TestGoldenMessages decodes every command that soterd wrote, encodes it to the
// same bytes, and does the same to the payloads that the dialect understands.
func TestGoldenMessages(t *testing.T) {
	for _, r := range recordings(t, "msg_*", 25) {
		command := strings.TrimPrefix(r.name, "msg_")
		for _, f := range r.Frames {
			d, e := soterCodec()
			ms := decodeAll(t, d, f.bytes(t))
			if len(ms) != 1 || ms[0].Type != TypeOf(command) {
				t.Errorf("%s: decoded as %+v", command, ms)
				continue
			}
			if b, err := e.Append(nil, ms[0]); err != nil || !bytes.Equal(b, f.bytes(t)) {
				t.Errorf("%s: comes back as %x with error %v", command, b, err)
			}
			again, err := rewrite(ms[0], f.Pver)
			if err != nil || !bytes.Equal(again, ms[0].Body) {
				t.Errorf("%s: payload %x comes back as %x with error %v", command, ms[0].Body, again, err)
			}
		}
	}
}

// rewrite reads a payload of a protocol version and writes it anew, if the dialect
// understands it.
func rewrite(m dialect.Message, pver uint32) ([]byte, error) {
	p := SoterSim()
	switch m.Type {
	case TypeVersion:
		var v Version
		if err := v.parse(m.Body, true); err != nil {
			return nil, err
		}
		return v.append(nil, pver, true)
	case TypeAddr:
		as, err := ParseAddrs(m.Body, pver)
		return AppendAddrs(nil, as, pver), err
	case TypeAddrCache:
		var c AddrCache
		err := c.Parse(m.Body, pver)
		return c.Append(nil, pver), err
	case TypeInv, TypeGetData, TypeNotFound:
		vs, err := p.ParseInvs(m.Body)
		return p.AppendInvs(nil, vs), err
	case TypeReject:
		var j Reject
		err := j.Parse(m.Body)
		return j.Append(nil), err
	}
	return m.Body, nil
}

// TestGoldenVersion reads the fields of the recorded version message.
func TestGoldenVersion(t *testing.T) {
	r := recordings(t, "msg_version", 1)[0]
	d, _ := soterCodec()
	var got Version
	if err := got.parse(decodeAll(t, d, r.Frames[0].bytes(t))[0].Body, true); err != nil {
		t.Fatal(err)
	}
	want := Version{
		Protocol: 70013, Services: ServiceNetwork | ServiceBloom, Time: 1577836800,
		To:    NetAddr{Services: ServiceNetwork, Addr: mustAddr(t, "10.0.0.1:18555")},
		From:  NetAddr{Addr: mustAddr(t, "10.0.0.2:18555")},
		Nonce: 0x1122334455667788, Agent: "/soterwire:0.6.0/peer:1.0.0(comment)/",
		Genesis: SoterSim().Genesis, LastBlock: 1234, Relay: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("version is %+v, want %+v", got, want)
	}
}

// TestGoldenSession cuts a whole session of two soterd peers into its messages,
// all at once and byte by byte, and writes them again.
func TestGoldenSession(t *testing.T) {
	r := recordings(t, "session_two_peers", 1)[0]
	for _, dir := range []string{"out->in", "in->out"} {
		var stream []byte
		var frames [][]byte
		for _, f := range r.Frames {
			if f.Dir == dir {
				frames = append(frames, f.bytes(t))
				stream = append(stream, f.bytes(t)...)
			}
		}
		d, e := soterCodec()
		ms := decodeAll(t, d, stream)
		if len(ms) != len(frames) || len(ms) < 10 {
			t.Fatalf("%s: %d messages in %d frames", dir, len(ms), len(frames))
		}
		for i, m := range ms {
			name, _ := CommandName(m.Type)
			if b, err := e.Append(nil, m); err != nil || !bytes.Equal(b, frames[i]) {
				t.Errorf("%s: %s comes back as %x with error %v", dir, name, b, err)
			}
			if b, err := rewrite(m, 70013); err != nil || !bytes.Equal(b, m.Body) {
				t.Errorf("%s: payload of %s comes back as %x with error %v", dir, name, b, err)
			}
		}
		if n := countBytewise(t, stream); n != len(frames) {
			t.Errorf("%s: byte by byte there are %d messages, want %d", dir, n, len(frames))
		}
	}
}

func countBytewise(t *testing.T, stream []byte) (count int) {
	d, _ := soterCodec()
	for have := 0; len(stream) > 0; {
		m, n, err := d.Next(stream[:have])
		switch {
		case err != nil || n > len(stream):
			t.Fatalf("with %d bytes: asks for %d, error %v", have, n, err)
		case n > have:
			have++
		default:
			stream, have = stream[n:], have-n
			if m.For != 0 {
				count++
			}
		}
	}
	return count
}

func mustAddr(t testing.TB, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
