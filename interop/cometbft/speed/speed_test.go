package speed

import (
	"fmt"
	"testing"
	"time"
)

// Every contestant of every row does its work and ends.
func TestRows(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			for who, open := range map[string]func() (Work, error){"theirs": r.theirs, "ours": r.ours, "floor": r.floor} {
				if open == nil {
					continue
				}
				w, err := open()
				if err != nil {
					t.Fatal(err)
				}
				s, err := w.Sample(10 * time.Millisecond)
				if err != nil || !(s[r.figure] > 0) {
					t.Errorf("%s: %v with error %v", who, s[r.figure], err)
				}
				if err := w.Close(); err != nil {
					t.Errorf("%s: %v", who, err)
				}
			}
		})
	}
}

func BenchmarkOneWay(b *testing.B) {
	for _, size := range []int{32, 1 << 10, 64 << 10, 1 << 20} {
		for who, open := range map[string]func(int) (Work, error){"theirs": theirOneWay, "ours": ourOneWay} {
			b.Run(fmt.Sprintf("%s/%dB", who, size), func(b *testing.B) {
				w, err := open(size)
				if err != nil {
					b.Fatal(err)
				}
				defer w.Close()
				f := w.(*flow)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := f.send(); err != nil {
						b.Fatal(err)
					}
					f.sent++
				}
				if err := f.got.Wait(f.sent, f.end); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func BenchmarkBroadcast(b *testing.B) {
	for who, open := range map[string]func(peers, size int) (Work, error){"theirs": theirFan, "ours": ourFan} {
		b.Run(who, func(b *testing.B) {
			w, err := open(32, 1<<10)
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			f := w.(*flow)
			b.ReportAllocs()
			for b.Loop() {
				if err := f.send(); err != nil {
					b.Fatal(err)
				}
				f.sent++
			}
			if err := f.got.Wait(f.sent*int64(f.each), f.end); err != nil {
				b.Fatal(err)
			}
		})
	}
}
