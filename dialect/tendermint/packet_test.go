package tendermint

import (
	"bytes"
	"testing"
)

// sameAsSlow fails if long takes b for a packet that it is not.
func sameAsSlow(t *testing.T, b []byte, limit int) (taken bool) {
	t.Helper()
	if len(b) < longHead {
		return false
	}
	p, n := long(b, limit)
	if n == 0 {
		return false
	}
	size, k := uvarint(b)
	if n != k+int(size) {
		t.Fatalf("%x: %d bytes, want %d", b[:longHead], n, k+int(size))
	}
	if n > len(b) {
		return true
	}
	q, err := slow(b[k:n])
	if err != nil || p.typ != q.typ || p.last != q.last || !bytes.Equal(p.data, q.data) || len(p.data) > limit {
		t.Fatalf("%x: channel %#x, last %v, %d bytes; want %#x, %v, %d, error %v",
			b[:longHead], p.typ, p.last, len(p.data), q.typ, q.last, len(q.data), err)
	}
	return true
}

// The quick way to parse a packet takes those of long messages, whole or not,
// and whatever else it takes means the same to the other way.
func TestLongPackets(t *testing.T) {
	const limit = 8 << 10
	for _, size := range []int{0, 1, 118, 119, 120, 127, 128, 129, 1023, 1024, 1025, limit, limit + 1, 16 << 10} {
		for _, channel := range []byte{0, 1, 0x7f, 0x80} {
			for _, last := range []bool{false, true} {
				b := append(comet.appendHead(nil, channel, last, size), make([]byte, size+5)...)
				ours := size >= 128 && size <= limit && channel > 0 && channel < 0x80
				if got := sameAsSlow(t, b, limit); got != ours {
					t.Errorf("channel %#x, %d bytes: taken %v, want %v", channel, size, got, ours)
				}
				if ours && !sameAsSlow(t, b[:longHead], limit) {
					t.Errorf("channel %#x, %d bytes: a part is not taken", channel, size)
				}
				for i := 0; i < min(longHead, len(b)); i++ {
					right := b[i]
					for v := range 256 {
						b[i] = byte(v)
						sameAsSlow(t, b, limit)
					}
					b[i] = right
				}
			}
		}
	}
}
