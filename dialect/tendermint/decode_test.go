package tendermint

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
	"parley/fault"
)

// reader feeds a decoder as a link's reader does: what is read is decoded until
// more is asked for, and only then are bodies looked at for the last time.
type reader struct {
	t    testing.TB
	dec  dialect.Decoder
	buf  []byte
	held []dialect.Message
	take func(ms []dialect.Message)
}

func (r *reader) feed(b []byte) {
	r.t.Helper()
	r.buf = append(r.buf, b...)
	for len(r.buf) > 0 {
		m, n, err := r.dec.Next(r.buf)
		if err != nil {
			r.t.Fatal(err)
		}
		if n > len(r.buf) {
			break
		}
		if r.buf = r.buf[n:]; m.For != 0 {
			r.held = append(r.held, m)
		}
	}
	if len(r.buf) == 0 {
		r.dec.Next(nil)
	}
	r.take(r.held)
	for _, m := range r.held {
		clear(m.Body)
	}
	r.held = r.held[:0]
	r.buf = bytes.Clone(r.buf)
}

// stamped returns a body that says which it is all over.
func stamped(i, size int) []byte {
	b := make([]byte, size)
	for k := range b {
		b[k] = byte(i + k*7)
	}
	return b
}

var testChannels = []Channel{{ID: 0x01, Priority: 1}, {ID: 0x22, Priority: 10}, {ID: 0xf0, Priority: 3}}

// TestStreams sends messages of random sizes on several channels, in bursts of any
// length and in pieces of any length, and looks at the bodies as late as one may.
func TestStreams(t *testing.T) {
	old := Config2014{Channels: testChannels}
	plain := func(t *testing.T, december bool) (a, b *dialect.Link) {
		old.December = december
		x, y := openPair(mustNew2014(t, old), mustNew2014(t, old),
			opening(t, true, "192.0.2.2:1", 1), opening(t, false, "192.0.2.1:2", 2))
		return x.link, y.link
	}
	for name, open := range map[string]func(t *testing.T) (a, b *dialect.Link){
		"cometbft": func(t *testing.T) (a, b *dialect.Link) { return couple(t, Config{Channels: testChannels}) },
		"big packets": func(t *testing.T) (a, b *dialect.Link) {
			return couple(t, Config{Channels: testChannels, MaxPacket: 1 << 20})
		},
		"tiny": func(t *testing.T) (a, b *dialect.Link) {
			return couple(t, Config{Channels: testChannels, MaxPacket: 100})
		},
		"september": func(t *testing.T) (a, b *dialect.Link) { return plain(t, false) },
		"december":  func(t *testing.T) (a, b *dialect.Link) { return plain(t, true) },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				a, b := open(t)
				streams(t, a.Encoder.(dialect.Packer), b.Decoder, rand.New(rand.NewPCG(seed, 5)))
			}
		})
	}
}

func streams(t *testing.T, p dialect.Packer, dec dialect.Decoder, r *rand.Rand) {
	t.Helper()
	var waiting [256][]int // numbers of messages that were sent, on each channel
	var sizes []int
	got := 0
	rd := &reader{t: t, dec: dec, take: func(ms []dialect.Message) {
		for _, m := range ms {
			if m.Type > 0xff {
				continue
			}
			i := waiting[m.Type][0]
			waiting[m.Type] = waiting[m.Type][1:]
			if got++; !bytes.Equal(m.Body, stamped(i, sizes[i])) {
				t.Fatalf("message %d of %d bytes on channel %#x came as %d other bytes", i, sizes[i], m.Type, len(m.Body))
			}
		}
	}}
	var wire []byte
	for more := false; len(sizes) < 300 || more; {
		for range r.IntN(6) {
			if len(sizes) >= 300 {
				break
			}
			size := r.IntN([]int{3, 40, 1200, 5000, 200_000}[r.IntN(5)])
			c := testChannels[r.IntN(3)].ID
			waiting[c] = append(waiting[c], len(sizes))
			if err := p.Put(msg(uint32(c), stamped(len(sizes), size))); err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, size)
			if r.IntN(9) == 0 {
				p.Put(dialect.Message{Type: TypePing})
			}
		}
		var err error
		if wire, more, err = p.Pack(wire, 1+r.IntN(70_000)); err != nil {
			t.Fatal(err)
		}
		for len(wire) > 0 && r.IntN(4) > 0 {
			n := min(len(wire), 1+r.IntN([]int{100, 1044, 2089, 300_000}[r.IntN(4)]))
			if r.IntN(3) == 0 {
				n -= n % secret.FrameSize // nothing is left over, so nothing is asked for
			}
			rd.feed(wire[:n])
			wire = wire[n:]
		}
	}
	if rd.feed(wire); got != len(sizes) {
		t.Errorf("%d of %d messages came", got, len(sizes))
	}
}

// Once it is warm, a stream of messages of any one size is read without garbage.
func TestReadsWithoutGarbage(t *testing.T) {
	for _, size := range []int{0, 32, 1 << 10, 64 << 10, 1 << 20} {
		a, b := couple(t, Config{Channels: testChannels})
		burst := func() (wire []byte) {
			for range max(1, 100_000/(size+100)) {
				if err := a.Encoder.(dialect.Packer).Put(msg(1, make([]byte, size))); err != nil {
					t.Fatal(err)
				}
			}
			wire, _, _ = a.Encoder.(dialect.Packer).Pack(nil, 1<<30)
			return wire
		}
		drain := func(wire []byte) (n int) {
			for from, to := 0, 0; from < len(wire); {
				m, k, err := b.Decoder.Next(wire[from:to])
				if err != nil {
					t.Fatal(err)
				}
				if k > to-from {
					to = min(to+200_000, len(wire))
					continue
				}
				if from += k; m.For != 0 {
					n++
				}
			}
			return n
		}
		for range 6 {
			drain(burst())
		}
		wires := make([][]byte, 21)
		for i := range wires {
			wires[i] = burst()
		}
		i := 0
		if n := testing.AllocsPerRun(len(wires)-1, func() { drain(wires[i]); i++ }); n > 0 {
			t.Errorf("%d bytes: %v allocations in a burst", size, n)
		}
	}
}

// Packing makes no garbage but what the outbox would hold anyway.
func TestPacksWithoutGarbage(t *testing.T) {
	a, _ := couple(t, Config{Channels: testChannels})
	p := a.Encoder.(dialect.Packer)
	dst, body := make([]byte, 0, 1<<20), make([]byte, 40_000)
	if n := testing.AllocsPerRun(100, func() {
		for range 8 {
			p.Put(msg(1, body))
			p.Put(msg(0x22, body[:100]))
			p.Put(dialect.Message{Type: TypePong})
		}
		for more := true; more; {
			_, more, _ = p.Pack(dst, 64<<10)
		}
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// heap returns how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// A link that has become quiet keeps little, whatever it carried.
func TestQuietLinksAreSmall(t *testing.T) {
	const links = 8
	var ls []*dialect.Link
	before := heap()
	for range links {
		a, b := couple(t, Config{Channels: NodeChannels()})
		ls = append(ls, a, b)
		p := a.Encoder.(dialect.Packer)
		r := reader{t: t, dec: b.Decoder, take: func([]dialect.Message) {}}
		for range 6 {
			p.Put(msg(0x21, make([]byte, 300_000)))
		}
		wire, _, _ := p.Pack(nil, 1<<30)
		r.feed(wire)
		for range 2 * quietFor {
			p.Put(dialect.Message{Type: TypePing})
			wire, _, _ = p.Pack(nil, 1<<10)
			r.feed(wire)
		}
	}
	if each := (int64(heap()) - int64(before)) / (2 * links); each > 14<<10 {
		t.Errorf("%d bytes for each end of a quiet link, limit 14 KiB", each)
	}
	runtime.KeepAlive(ls)
}

// What a peer never finishes is bounded: on one channel by its limit, on all
// together by another, and packets without data cost nothing.
func TestUnfinished(t *testing.T) {
	tb := tableOf(t, 100_000, 1, 2, 3, 4)
	packet := func(channel byte, n int) []byte {
		return append(comet.appendHead(nil, channel, false, n), make([]byte, n)...)
	}
	x := newMux(comet, tb, defaultPacket, 250_000)
	for range 10_000 {
		if _, _, err := x.next(packet(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	feed := func(channel byte) (sent int, err error) {
		for err == nil && sent < 1<<20 {
			if _, _, err = x.next(packet(channel, 1000)); err == nil {
				sent += 1000
			}
		}
		return sent, err
	}
	if n, err := feed(1); n != 100_000 || !errors.Is(err, fault.Protocol) {
		t.Errorf("one channel took %d bytes and then says %v", n, err)
	}
	if n, err := feed(2); n != 100_000 || !errors.Is(err, fault.Protocol) {
		t.Errorf("another took %d bytes and then says %v", n, err)
	}
	if n, err := feed(3); n != 50_000 || !errors.Is(err, fault.Protocol) {
		t.Errorf("a third took %d bytes and then says %v", n, err)
	}
	total := 0
	for _, p := range x.parts {
		total += cap(p.buf)
	}
	if total > 2*250_000 {
		t.Errorf("%d bytes of memory for 250,000", total)
	}
	if _, _, err := x.next(comet.appendHead(nil, 1, true, 0)); err != nil || x.held != 150_000 {
		t.Errorf("finishing gives %v, and %d bytes are held", err, x.held)
	}
}

// Sealed records that no honest peer sends.
func TestSealedFaults(t *testing.T) {
	for name, f := range map[string]func(wire []byte) []byte{
		"a bit":     func(w []byte) []byte { w[500] ^= 1; return w },
		"twice":     func(w []byte) []byte { return append(bytes.Clone(w), w...) },
		"left out":  func(w []byte) []byte { return w[secret.FrameSize:] },
		"shifted":   func(w []byte) []byte { return append([]byte{0}, w...) },
		"exchanged": func(w []byte) []byte { return append(bytes.Clone(w[secret.FrameSize:]), w[:secret.FrameSize]...) },
	} {
		a, b := couple(t, Config{Channels: testChannels})
		wire, err := a.Encoder.Append(nil, msg(1, make([]byte, 1500)))
		if err != nil || len(wire) != 2*secret.FrameSize {
			t.Fatal(len(wire), err)
		}
		if _, _, err := readAll(b.Decoder, f(wire)); !errors.Is(err, fault.Protocol) {
			t.Errorf("%s: %v, want a protocol fault", name, err)
		}
	}
	for name, data := range map[string]string{
		"channel nobody has": "071a0508331001" + "1a00",
		"no packet":          "00",
		"unknown packet":     "022200",
		"endless length":     "ffffffffffffffffff01",
		"longer than it may": "8d08",
	} {
		a, b := couple(t, Config{Channels: testChannels})
		s := a.Encoder.(*packer).sealer
		s.Start(nil)
		s.Write(unhex(t, data))
		wire, err := s.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := readAll(b.Decoder, wire); !errors.Is(err, fault.Protocol) {
			t.Errorf("%s: %v, want a protocol fault", name, err)
		}
	}
}

// A frame may hold what follows the opening exchange; it is not lost.
func TestDataBehindTheOpening(t *testing.T) {
	listener := mustNew(t, Config{Channels: testChannels})
	dialer := mustNew(t, Config{Channels: testChannels, Key: testKey(2)})
	var link *dialect.Link
	y := opening(t, true, "192.0.2.2:1", 2)
	err := against(listener, opening(t, false, "192.0.2.1:2", 1), func(c *pipe) error {
		conn, err := dialer.prove(c, y)
		if err != nil {
			return err
		}
		n := dialer.introduce(y.Self).append(nil)
		hello := append([]byte{byte(len(n)) | 0x80, byte(len(n) >> 7)}, n...)
		if len(n) < 128 {
			hello = append([]byte{byte(len(n))}, n...)
		}
		s := conn.Sealer
		s.Start(nil)
		s.Write(hello)
		s.Write(unhex(t, "020a00"+"091a07082210011a0178"))
		wire, err := s.Finish()
		if err != nil {
			return err
		}
		_, err = c.Write(wire)
		return err
	}, &link)
	if err != nil {
		t.Fatal(err)
	}
	d := link.Decoder.(*sealedDecoder)
	if string(d.arena[d.from:]) != string(unhex(t, "020a00"+"091a07082210011a0178")) {
		t.Errorf("%x is kept of what followed", d.arena[d.from:])
	}
}
