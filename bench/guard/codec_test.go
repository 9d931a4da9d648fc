package guard

import (
	"testing"

	"parley/bench/load"
)

func languages(t *testing.T) []load.Language {
	t.Helper()
	all, err := load.Languages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCodecsDoNotAllocate holds for every dialect: encoding into memory that
// is large enough, and decoding with a body that aliases the buffer.
func TestCodecsDoNotAllocate(t *testing.T) {
	for _, l := range languages(t) {
		for _, size := range []int{32, 1 << 10, 64 << 10} {
			c, err := load.NewCodec(l, size)
			if err != nil {
				t.Fatal(err)
			}
			buf, err := c.Append(nil, c.Message)
			if err != nil {
				t.Fatal(err)
			}
			encode := testing.AllocsPerRun(200, func() {
				if buf, err = c.Append(buf[:0], c.Message); err != nil {
					t.Fatal(err)
				}
			})
			decode := testing.AllocsPerRun(200, func() {
				m, n, err := c.Next(buf)
				if err != nil || n != len(buf) || len(m.Body) != size {
					t.Fatalf("%d of %d bytes, body of %d: %v", n, len(buf), len(m.Body), err)
				}
			})
			if encode != 0 || decode != 0 {
				t.Errorf("%s, %d bytes: %v allocations to encode and %v to decode, want none", l.Name, size, encode, decode)
			}
		}
	}
}
