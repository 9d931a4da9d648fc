package tendermint

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
	"parley/fault"
)

// FuzzPackets decodes any stream in each form. What comes out is bounded, and
// what went in can be written so that it is read again alike.
func FuzzPackets(f *testing.F) {
	for i, name := range []string{"comet-mconnection-v1.0.1", "2014-09-mconnection", "2014-12-mconnection"} {
		var all []byte
		for _, fr := range load(f, name, 10).Frames {
			b := fr.bytes(f)
			f.Add(uint8(i), b[:min(len(b), 1200)])
			if len(b) < 100 && fr.Dir == "out" {
				all = append(all, b...)
			}
		}
		f.Add(uint8(i), all)
	}
	tb := tableOf(f, 5000, 0, 1, 0x22, 0x30, 0x61, 0x80)
	f.Fuzz(func(t *testing.T, how uint8, in []byte) {
		fm := form(how % 3)
		x, p := newMux(fm, tb, defaultPacket, 8000), newPacker(fm, tb, defaultPacket, nil, nil)
		for {
			m, n, err := x.next(in)
			if x.held > 8000 {
				t.Fatalf("%d bytes are held, limit 8000", x.held)
			}
			if err != nil {
				if !errors.Is(err, fault.Protocol) || m.For != 0 {
					t.Fatalf("%v of kind %v", err, fault.KindOf(err))
				}
				return
			}
			if n <= 0 || n > len(in) && m.For != 0 {
				t.Fatalf("took %d of %d", n, len(in))
			}
			if n > len(in) {
				if n > len(in)+20 && n > bodyLimit(defaultPacket)+10 {
					t.Fatalf("asks for %d bytes", n)
				}
				return
			}
			if in = in[n:]; m.For != 0 {
				again(t, fm, tb, p, m)
			}
		}
	})
}

func again(t *testing.T, fm form, tb *table, p *packer, m dialect.Message) {
	t.Helper()
	out, err := p.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	ms, rest, err := readAll(plainDecoder{newMux(fm, tb, defaultPacket, 8000)}, out)
	if err != nil || len(rest) > 0 || len(ms) != 1 || ms[0].Type != m.Type || !bytes.Equal(ms[0].Body, m.Body) {
		t.Fatalf("%#x with %d bytes comes back as %v, %v", m.Type, len(m.Body), ms, err)
	}
}

// FuzzQuick compares the two ways to parse a packet.
func FuzzQuick(f *testing.F) {
	for _, fr := range load(f, "comet-mconnection-v1.0.1", 10).Frames {
		if b := fr.bytes(f); len(b) > 2 && len(b) < 100 {
			f.Add(b[1:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := quick(b)
		if !ok {
			return
		}
		q, err := slow(b)
		if err != nil || p.typ != q.typ || p.last != q.last || !bytes.Equal(p.data, q.data) {
			t.Fatalf("%x: %+v and %+v, %v", b, p, q, err)
		}
	})
}

// FuzzNodeInfo reads any node info. What is read is written so that it is read
// alike, and what is valid does not depend on which of the two it was.
func FuzzNodeInfo(f *testing.F) {
	for _, fr := range load(f, "comet-nodeinfo-v0.38.26", 10).Frames {
		f.Add(fr.bytes(f)[2:])
	}
	own := mustNew(f, Config{}).introduce(dialect.Self{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseNodeInfo(b)
		if err != nil {
			if !errors.Is(err, fault.Protocol) {
				t.Fatal(err)
			}
			return
		}
		m, err := parseNodeInfo(n.append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if len(n.Channels) == 0 {
			n.Channels, m.Channels = nil, nil
		}
		if !reflect.DeepEqual(n, m) || (n.validate() == nil) != (m.validate() == nil) || (own.compatible(n) == nil) != (own.compatible(m) == nil) {
			t.Fatalf("%+v comes back as %+v", n, m)
		}
	})
}

// FuzzExchange reads any message of peer exchange in each form.
func FuzzExchange(f *testing.F) {
	for i, name := range []string{"comet-pex-v0.38.26", "2014-09-pex"} {
		for _, fr := range load(f, name, 5).Frames {
			f.Add(uint8(i), fr.bytes(f))
		}
	}
	f.Add(uint8(2), december.addresses([]NetAddress{{Addr: peerAddr(1)}, {Addr: peerAddr(2)}}))
	f.Fuzz(func(t *testing.T, how uint8, b []byte) {
		fm := form(how % 3)
		x, err := fm.parseExchange(b)
		if err != nil {
			if !errors.Is(err, fault.Protocol) {
				t.Fatal(err)
			}
			return
		}
		if len(x.addrs) > maxTold2014 || fm == comet && len(x.addrs) > maxTold {
			t.Fatalf("%d addresses", len(x.addrs))
		}
		if x.request {
			return
		}
		y, err := fm.parseExchange(fm.addresses(x.addrs))
		if err != nil || len(x.addrs) != len(y.addrs) || len(x.addrs) > 0 && !reflect.DeepEqual(x, y) {
			t.Fatalf("%+v comes back as %+v, %v", x, y, err)
		}
	})
}

// FuzzAddrBook reads any file in both forms.
func FuzzAddrBook(f *testing.F) {
	f.Add(false, load(f, "comet-addrbook-v1.0.1", 3).Frames[1].bytes(f))
	f.Add(true, load(f, "2014-09-addrbook", 3).Frames[1].bytes(f))
	f.Fuzz(func(t *testing.T, old bool, file []byte) {
		read, write := ParseAddrBook, (*AddrBook).Format
		if old {
			read, write = ParseAddrBook2014, (*AddrBook).Format2014
		}
		b, err := read(file)
		if err != nil {
			return
		}
		out, err := write(b)
		if err != nil {
			t.Fatal(err)
		}
		c, err := read(out)
		if err != nil || len(c.Addrs) != len(b.Addrs) {
			t.Fatalf("%+v comes back as %+v, %v", b, c, err)
		}
		for i := range b.Addrs {
			x, y := b.Addrs[i], c.Addrs[i]
			if x.Addr != y.Addr || x.Src != y.Src || x.Old != y.Old || !x.LastAttempt.Equal(y.LastAttempt) || x.Attempts != y.Attempts {
				t.Fatalf("%+v comes back as %+v", x, y)
			}
		}
	})
}

// FuzzKey reads any key file.
func FuzzKey(f *testing.F) {
	for _, fr := range load(f, "comet-node-key-v1.0.1", 3).Frames {
		f.Add(fr.bytes(f))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		key, err := ParseKey(file)
		if err != nil {
			return
		}
		out, err := FormatKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if k, err := ParseKey(out); err != nil || !bytes.Equal(k, key) {
			t.Fatal(err)
		}
	})
}

// FuzzSealed seals any data, cuts the frames anywhere, damages one if it is told
// to, and decodes: the decoder must get on, blame the peer for what it cannot
// read, and hold little.
func FuzzSealed(f *testing.F) {
	f.Add([]byte("\x02\x0a\x00\x08\x1a\x06\x10\x01\x1a\x02\x0a\x00"), uint16(3), uint16(0))
	f.Add(bytes.Repeat([]byte("\x02\x12\x00"), 700), uint16(1044), uint16(9))
	f.Add([]byte("\x09\x1a\x07\x08\x22\x10\x01\x1a\x01\x78"), uint16(2000), uint16(5000))
	f.Fuzz(func(t *testing.T, data []byte, cut, damage uint16) {
		a, b := couple(t, Config{Channels: testChannels, MaxPending: 50_000})
		s := a.Encoder.(*packer).sealer
		s.Start(nil)
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(cut)%1500+1)
			s.Write(rest[:n])
			if rest = rest[n:]; n%2 == 0 {
				out, _ := s.Finish()
				s.Start(out)
			}
		}
		wire, err := s.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if damage > 0 && len(wire) > 0 {
			wire[int(damage)%len(wire)] ^= byte(damage>>8) | 1
		}
		sealedInPieces(t, b.Decoder.(*sealedDecoder), wire, int(cut)+1)
	})
}

func sealedInPieces(t *testing.T, d *sealedDecoder, wire []byte, piece int) {
	t.Helper()
	for from, to := 0, 0; from < len(wire); {
		m, n, err := d.Next(wire[from:to])
		if err != nil {
			if !errors.Is(err, fault.Protocol) {
				t.Fatal(err)
			}
			return
		}
		if n <= 0 || n > to-from && m.For != 0 || n > secret.FrameSize {
			t.Fatalf("took %d of %d", n, to-from)
		}
		if d.mux.held > 50_000 || cap(d.arena) > 1<<20 {
			t.Fatalf("%d bytes are held, and %d", d.mux.held, cap(d.arena))
		}
		if n <= to-from {
			from += n
			continue
		}
		if to == len(wire) {
			return
		}
		to = min(to+piece, len(wire))
	}
}

// FuzzOpen opens links with peers that have proven a key and then say anything.
func FuzzOpen(f *testing.F) {
	for _, fr := range load(f, "comet-nodeinfo-v0.38.26", 10).Frames {
		f.Add(fr.bytes(f), true)
	}
	own, other := mustNew(f, Config{Channels: testChannels}), mustNew(f, Config{Key: testKey(2)})
	f.Fuzz(func(t *testing.T, data []byte, dialing bool) {
		var link *dialect.Link
		err := against(own, opening(t, dialing, "192.0.2.2:1", 1), func(c *pipe) error {
			conn, err := other.prove(c, opening(t, !dialing, "192.0.2.1:1", 2))
			if err != nil {
				return err
			}
			if dialing {
				if _, err := conn.ReadMessage(c, "node info", maxNodeInfo); err != nil {
					return err
				}
			}
			conn.Sealer.Start(nil)
			conn.Sealer.Write(data)
			wire, err := conn.Sealer.Finish()
			if err != nil {
				return err
			}
			c.Write(wire) // it may be cut off
			return c.Close()
		}, &link)
		switch k := fault.KindOf(err); {
		case err == nil && (link == nil || link.Intro.ID != other.ID()):
			t.Fatalf("opened with %+v", link)
		case err != nil && k != fault.Protocol && k != fault.IO && k != fault.Refused:
			t.Fatalf("%v of kind %v", err, k)
		}
	})
}
