package raw

import (
	"fmt"
	"testing"
)

var sizes = []int{1, 32, 1 << 10, bufferSize - headSize, 64 << 10, 1 << 20}

func TestStreamDeliversEveryFrame(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s, err := NewStream(size)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 0, 37} {
				if err := s.Send(n); err != nil {
					t.Fatal(err)
				}
				if err := s.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.got.Got(); got != 38 {
				t.Errorf("%d frames arrived, want 38", got)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFeedDeliversEveryFrame(t *testing.T) {
	for _, size := range sizes {
		f, err := NewFeed(size)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 0, 3000 / (1 + size>>10)} {
			before := f.got.Got()
			if err := f.Send(n); err != nil {
				t.Fatal(err)
			}
			if err := f.Wait(); err != nil {
				t.Fatal(err)
			}
			if got := f.got.Got() - before; got != int64(n) {
				t.Errorf("%d frames of %d bytes arrived, want %d", got, size, n)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStreamThatBreaks(t *testing.T) {
	s, err := NewStream(32)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.sent = 1
	if err := s.got.Wait(1, s.end); err == nil {
		t.Error("a frame arrived on a closed connection")
	}
	if err := s.Send(bufferSize); err == nil {
		t.Error("frames were written to a closed connection")
	}
}

func TestStreamOfForeignFrames(t *testing.T) {
	s, err := NewStream(32)
	if err != nil {
		t.Fatal(err)
	}
	s.head[0] = 0xff // announces 4 GiB
	if err := s.Send(1); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err == nil {
		t.Error("a frame of another size was counted")
	}
	s.wg.Wait()
	s.out.Close()
}

func TestFan(t *testing.T) {
	f, err := NewFan(3, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Send(100); err != nil {
			t.Fatal(err)
		}
		if err := f.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range f.streams {
		if got := s.got.Got(); got != 200 {
			t.Errorf("peer %d got %d frames, want 200", i, got)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestEcho(t *testing.T) {
	e, err := NewEcho(32)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		e.frame[headSize]++
		if err := e.Trip(); err != nil {
			t.Fatal(err)
		}
		if e.back[headSize] != e.frame[headSize] {
			t.Fatalf("sent %d, %d came back", e.frame[headSize], e.back[headSize])
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestCrowd(t *testing.T) {
	c, err := NewCrowd(20, 3)
	if err != nil {
		t.Fatal(err)
	}
	ports := map[string]bool{}
	for _, conn := range c.dialed {
		ports[conn.LocalAddr().String()] = true
	}
	if len(ports) != 20 {
		t.Errorf("%d connections, want 20", len(ports))
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestNothingToSend(t *testing.T) {
	if _, err := NewStream(0); err == nil {
		t.Error("a stream of empty frames")
	}
	if _, err := NewEcho(-1); err == nil {
		t.Error("an echo of negative frames")
	}
	if _, err := NewCrowd(0, 1); err == nil {
		t.Error("a crowd of none")
	}
}

func BenchmarkStream(b *testing.B) {
	for _, size := range []int{32, 1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := NewStream(size)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Send(1); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Wait(); err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
