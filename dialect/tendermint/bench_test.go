package tendermint

import (
	"crypto/cipher"
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
)

// BenchmarkSealed measures both halves of a sealed link. The metric aead is the
// share of the cipher's own speed: what the cipher alone takes for as many frames,
// measured in turn with it, so that whatever else the machine does hits both. Of
// each the shortest time counts.
func BenchmarkSealed(b *testing.B) {
	for _, size := range []int{32, 1 << 10, 64 << 10, 1 << 20} {
		m := msg(1, make([]byte, size))
		count := max(1, (128<<10)/(size+12))
		b.Run(fmt.Sprintf("%dB/pack", size), func(b *testing.B) {
			x, _ := couple(b, Config{Channels: testChannels})
			p, dst := x.Encoder.(dialect.Packer), make([]byte, 0, 2<<20)
			wire := pack(b, p, m, count, dst)
			compare(b, count*size, newCipher(b).seal(len(wire)), func() { pack(b, p, m, count, dst) })
		})
		b.Run(fmt.Sprintf("%dB/next", size), func(b *testing.B) {
			x, y := couple(b, Config{Channels: testChannels})
			wire := pack(b, x.Encoder.(dialect.Packer), m, count, nil)
			d := y.Decoder.(*sealedDecoder)
			first := *d.opener
			compare(b, count*size, newCipher(b).open(len(wire)), func() {
				*d.opener = first // the same frames again
				drain(b, d, wire)
			})
		})
	}
}

// compare runs ours and the cipher's work in turn.
func compare(b *testing.B, size int, cipher, ours func()) {
	least := [2]time.Duration{time.Hour, time.Hour}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		ours()
		least[0] = min(least[0], time.Since(start))
		b.StopTimer()
		start = time.Now()
		cipher()
		least[1] = min(least[1], time.Since(start))
		b.StartTimer()
	}
	b.ReportMetric(least[1].Seconds()/least[0].Seconds(), "aead")
	b.ReportMetric(float64(size)/1e6/least[0].Seconds(), "MB/s-best")
}

func pack(b *testing.B, p dialect.Packer, m dialect.Message, count int, dst []byte) []byte {
	for range count {
		if err := p.Put(m); err != nil {
			b.Fatal(err)
		}
	}
	wire, _, err := p.Pack(dst, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	return wire
}

func drain(b *testing.B, d dialect.Decoder, wire []byte) {
	for len(wire) > 0 {
		_, n, err := d.Next(wire)
		if err != nil {
			b.Fatal(err)
		}
		wire = wire[n:]
	}
	d.Next(nil)
}

// bareCipher is the AEAD with nothing around it.
type bareCipher struct {
	cipher.AEAD
	nonce [12]byte
	buf   []byte
}

func newCipher(b *testing.B) *bareCipher {
	aead, err := chacha20poly1305.New(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	return &bareCipher{AEAD: aead}
}

// seal returns a function that seals as many frames as make n bytes, in place.
func (c *bareCipher) seal(n int) func() {
	c.buf = make([]byte, n)
	return func() {
		for b := c.buf; len(b) >= secret.FrameSize; b = b[secret.FrameSize:] {
			c.Seal(b[:0], c.nonce[:], b[:secret.FrameSize-c.Overhead()], nil)
		}
	}
}

// open returns a function that opens as many frames as make n bytes.
func (c *bareCipher) open(n int) func() {
	c.seal(n)()
	plain := make([]byte, 0, secret.FrameSize)
	return func() {
		for b := c.buf; len(b) >= secret.FrameSize; b = b[secret.FrameSize:] {
			if _, err := c.Open(plain, c.nonce[:], b[:secret.FrameSize], nil); err != nil {
				panic(err)
			}
		}
	}
}

// BenchmarkPackets measures packets alone: the order of channels, heads and
// copies, without sealing.
func BenchmarkPackets(b *testing.B) {
	for _, channels := range []int{1, 3, 10} {
		tb := tableOf(b, 0, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}[:channels]...)
		p := newPacker(comet, tb, defaultPacket, nil, nil)
		body, dst := make([]byte, 1000), make([]byte, 0, 1<<20)
		b.Run(fmt.Sprintf("%dchannels", channels), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range 300 {
					p.Put(msg(uint32(i%channels)+1, body))
				}
				p.Pack(dst, 1<<30)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/300, "ns/packet")
		})
	}
}

// BenchmarkOpen measures a whole opening exchange, both sides.
func BenchmarkOpen(b *testing.B) {
	d, l := mustNew(b, Config{}), mustNew(b, Config{Key: testKey(2)})
	for b.Loop() {
		x, y := openPair(d, l, opening(b, true, "192.0.2.2:1", 1), opening(b, false, "192.0.2.1:2", 2))
		if x.err != nil || y.err != nil {
			b.Fatal(x.err, y.err)
		}
	}
}
