package factom

import (
	"fmt"
	"testing"

	"parley/dialect"
)

// links returns both ends of a link of a version.
func links(t testing.TB, v uint16) (d, l *dialect.Link) {
	t.Helper()
	x, y := openPair(mustNew(t, Config{Version: v}), mustNew(t, Config{Version: v}),
		opening(t, true, "10.0.0.2:8108", 1111, 1), opening(t, false, "10.0.0.1:50000", 8108, 2))
	if x.err != nil || y.err != nil {
		t.Fatal(x.err, y.err)
	}
	return x.link, y.link
}

// BenchmarkCodec measures each half of each version at three sizes.
func BenchmarkCodec(b *testing.B) {
	for _, v := range []uint16{V9, V10, V11} {
		for _, size := range []int{32, 1 << 10, 64 << 10} {
			name := fmt.Sprintf("V%d/%dB", v, size)
			from, to := links(b, v)
			if _, err := decodeAll(to.Decoder, from.Prelude); err != nil {
				b.Fatal(err)
			}
			m := dialect.Message{Type: TypeMessage, For: dialect.ToApp, Body: make([]byte, size)}
			wire, err := from.Encoder.Append(nil, m)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(name+"/next", func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					to.Decoder.Next(wire)
				}
			})
			b.Run(name+"/append", func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					wire, _ = from.Encoder.Append(wire[:0], m)
				}
			})
			b.Run(name+"/frame", func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					from.Encoder.(dialect.Framer).Frame(wire[:0], m)
				}
			})
		}
	}
}
