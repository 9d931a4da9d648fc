package bitcoin

import (
	"testing"

	"parley/dialect"
)

// BenchmarkCodec measures each half at the sizes that matter: a transaction, a block
// of 1 MiB and an inventory of a thousand. Bytes are those on the wire.
func BenchmarkCodec(b *testing.B) {
	for name, p := range map[string]Params{"soter": SoterSim(), "bitcoin": BitcoinSim()} {
		for _, c := range []struct {
			name string
			m    dialect.Message
		}{
			{"tx250B", dialect.Message{Type: TypeTx, Body: make([]byte, 250-headerSize)}},
			{"block1MiB", dialect.Message{Type: TypeBlock, Body: make([]byte, 1<<20)}},
			{"inv1000", dialect.Message{Type: TypeInv, Body: p.AppendInvs(nil, make([]Inv, 1000))}},
		} {
			d, e := codecOf(p)
			d.watch = true
			wire := mustAppend(b, e, c.m)
			b.Run(name+"/"+c.name+"/next", func(b *testing.B) {
				b.SetBytes(int64(len(wire)))
				b.ReportAllocs()
				for b.Loop() {
					d.Next(wire)
				}
			})
			b.Run(name+"/"+c.name+"/append", func(b *testing.B) {
				b.SetBytes(int64(len(wire)))
				b.ReportAllocs()
				for b.Loop() {
					wire, _ = e.Append(wire[:0], c.m)
				}
			})
			b.Run(name+"/"+c.name+"/frame", func(b *testing.B) {
				b.SetBytes(int64(len(wire)))
				b.ReportAllocs()
				for b.Loop() {
					e.Frame(wire[:0], c.m)
				}
			})
		}
	}
}

// BenchmarkInvs measures what the session and applications do with a thousand
// entries.
func BenchmarkInvs(b *testing.B) {
	p := SoterSim()
	vs := make([]Inv, 1000)
	for i := range vs {
		vs[i].Hash[0], vs[i].Hash[1] = byte(i), byte(i>>8)
	}
	body := p.AppendInvs(nil, vs)
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.ParseInvs(body)
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			body = p.AppendInvs(body[:0], vs)
		}
	})
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		k := known{limit: 1000}
		for b.Loop() {
			for _, v := range vs {
				k.add(v)
			}
		}
	})
}

// TestCodecAllocations holds the codec to what it promises: nothing is allocated
// for a message.
func TestCodecAllocations(t *testing.T) {
	for name, p := range networks {
		d, e := codecOf(p)
		m := dialect.Message{Type: TypeTx, Body: make([]byte, 226)}
		wire := mustAppend(t, e, m)
		if n := testing.AllocsPerRun(100, func() { d.Next(wire) }); n > 0 {
			t.Errorf("%s: decoding allocates %v times", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { wire, _ = e.Append(wire[:0], m) }); n > 0 {
			t.Errorf("%s: encoding allocates %v times", name, n)
		}
	}
}
