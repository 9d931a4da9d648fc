package wire

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// The values are those that the original node computed (factom-p2p 1.13 and
// factomd 6.6).
func TestKoopmanKnown(t *testing.T) {
	for in, want := range map[string]uint32{
		"": 0, "\x00": 0x3f522c72, "Ping": 0x9e0f7d5e, "Pong": 0x335bcc6e,
		"Peer Request": 0x88ae6fdc, "123456789": 0x2d3dd0ae, "null": 0x35b4a734,
	} {
		if got := Koopman([]byte(in)); got != want {
			t.Errorf("Koopman(%q) = %#08x, want %#08x", in, got, want)
		}
	}
}

func TestKoopmanAgainstStandard(t *testing.T) {
	table := crc32.MakeTable(koopmanPoly)
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	for n := range 200 {
		if got, want := Koopman(b[:n]), crc32.Checksum(b[:n], table); got != want {
			t.Fatalf("%d bytes: %#08x, want %#08x", n, got, want)
		}
	}
	for range 500 {
		i := r.IntN(len(b))
		j := i + r.IntN(len(b)-i)
		if got, want := Koopman(b[i:j]), crc32.Checksum(b[i:j], table); got != want {
			t.Fatalf("bytes %d to %d: %#08x, want %#08x", i, j, got, want)
		}
	}
}

// Both ways of computing it agree, with every length around the sizes of blocks.
func TestKoopmanBothWays(t *testing.T) {
	b := make([]byte, 1000)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	for n := range len(b) {
		if got, want := Koopman(b[:n]), ^koopmanTables(^uint32(0), b[:n]); got != want {
			t.Fatalf("%d bytes: %#08x, by tables %#08x", n, got, want)
		}
	}
}

// The constants for the polynomial of Ethernet are those in the paper on folding.
func TestFoldWorth(t *testing.T) {
	want := [4]uint64{0x154442bd4, 0x1c6e41596, 0x1751997d0, 0x0ccaa009e}
	if got := makeWorth(crc32.IEEE); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func BenchmarkKoopman(b *testing.B) {
	table := crc32.MakeTable(koopmanPoly)
	for name, n := range map[string]int{"32B": 32, "1KiB": 1 << 10, "64KiB": 64 << 10} {
		data := make([]byte, n)
		b.Run(name+"/ours", func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				Koopman(data)
			}
		})
		b.Run(name+"/standard", func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				crc32.Checksum(data, table)
			}
		})
	}
}
