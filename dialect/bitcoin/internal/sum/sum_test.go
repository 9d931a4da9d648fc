package sum

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// lengths are around the borders of blocks and of their padding, and some long ones.
func lengths() (ns []int) {
	for n := range 4*blockSize + 2 {
		ns = append(ns, n)
	}
	return append(ns, 1000, 1<<12-1, 1<<12, 36_009, 1<<16+55, 1<<16+56)
}

// message returns n bytes that begin where no word does.
func message(r *rand.ChaCha8, n int) []byte {
	b := make([]byte, n+3)
	r.Read(b)
	return b[3:]
}

func TestSumsAreThoseOfTheStandardLibrary(t *testing.T) {
	r := rand.NewChaCha8([32]byte{1})
	for _, n := range lengths() {
		p := message(r, n)
		if got, want := Of(p), plain(p); got != want {
			t.Errorf("%d bytes: %08x, want %08x", n, got, want)
		}
	}
}

func TestTwoSumsAreThoseOfEach(t *testing.T) {
	r := rand.NewChaCha8([32]byte{2})
	for _, n := range lengths() {
		for _, m := range []int{0, 31, 55, 56, 64, 119, 120, 250, 1000, n} {
			p, q := message(r, n), message(r, m)
			had := bytes.Clone(p)
			a, b := OfTwo(p, q)
			if a != plain(p) || b != plain(q) {
				t.Errorf("%d and %d bytes: %08x and %08x, want %08x and %08x", n, m, a, b, plain(p), plain(q))
			}
			if !bytes.Equal(p, had) {
				t.Fatalf("%d bytes: changed", n)
			}
		}
	}
}

func TestSumsNeedNoMemory(t *testing.T) {
	p, q := make([]byte, 250), make([]byte, 300)
	if n := testing.AllocsPerRun(100, func() { Of(p); OfTwo(p, q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSums(f *testing.F) {
	f.Add([]byte("one"), []byte("the other"))
	f.Fuzz(func(t *testing.T, p, q []byte) {
		a, b := OfTwo(p, q)
		if a != plain(p) || b != plain(q) || Of(p) != a {
			t.Errorf("%d and %d bytes: %08x, %08x and %08x, want %08x and %08x", len(p), len(q), a, b, Of(p), plain(p), plain(q))
		}
	})
}

func BenchmarkSums(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"32B", 32}, {"250B", 250}, {"1KiB", 1 << 10}, {"36kB", 36_009}, {"1MiB", 1 << 20}} {
		p, q := make([]byte, c.n), make([]byte, c.n)
		b.Run("library/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(c.n))
			for b.Loop() {
				plain(p)
			}
		})
		b.Run("one/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(c.n))
			for b.Loop() {
				Of(p)
			}
		})
		b.Run("two/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(2 * c.n))
			for b.Loop() {
				OfTwo(p, q)
			}
		})
	}
}
