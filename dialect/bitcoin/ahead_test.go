package bitcoin

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"parley/dialect"
)

// run feeds a decoder with a stream in portions of a size, and returns what came out.
func run(t *testing.T, d *decoder, stream []byte, portion int) (out []string) {
	t.Helper()
	var buf []byte
	for chunk := range slices.Chunk(stream, portion) {
		buf = append(buf, chunk...)
		for len(buf) > 0 {
			m, n, err := d.Next(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n > len(buf) {
				break
			}
			if m.For != 0 {
				out = append(out, fmt.Sprintf("%d %d %x", m.Type, m.For, m.Body))
			}
			buf = slices.Clone(buf[n:])
		}
	}
	return out
}

// TestMessagesAreTheSameHoweverManyArriveTogether holds sums that are taken of two
// messages at once to what each is without the other.
func TestMessagesAreTheSameHoweverManyArriveTogether(t *testing.T) {
	p := SoterRegTest()
	bodies := []dialect.Message{
		{Type: TypeTx, Body: bytes.Repeat([]byte{1}, 250)},
		{Type: TypePing, Body: []byte("12345678")},
		{Type: TypeTx, Body: bytes.Repeat([]byte{2}, 55)},
		{Type: TypeVerAck},
		{Type: TypeInv, Body: p.AppendInvs(nil, make([]Inv, 3))},
		{Type: TypeTx, Body: bytes.Repeat([]byte{3}, 1000)},
		{Type: TypePong, Body: []byte("87654321")},
	}
	for broken := -1; broken < len(bodies); broken++ {
		for _, lenient := range []bool{false, true} {
			for _, both := range []bool{false, true} {
				var stream []byte
				for i, m := range bodies {
					at := len(stream)
					stream = append(stream, mustAppend(t, encoder{&p, p.Net}, m)...)
					if i == broken {
						stream[at+headerSize-1] ^= 1
					}
				}
				fresh := func() *decoder { return &decoder{p: &p, net: p.Net, lenient: lenient, both: both} }
				want := run(t, fresh(), stream, 1)
				for _, portion := range []int{7, 300, len(stream)} {
					if got := run(t, fresh(), stream, portion); !slices.Equal(got, want) {
						t.Errorf("broken %d, lenient %v, both %v, %d bytes at once: %q, want %q", broken, lenient, both, portion, got, want)
					}
				}
			}
		}
	}
}
