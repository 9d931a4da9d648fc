package load

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func each(t *testing.T, test func(t *testing.T, l Language)) {
	t.Helper()
	all, err := Languages()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		t.Run(l.Name, func(t *testing.T) { test(t, l) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneWay(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		for _, size := range []int{1, 32, 1 << 10, 64 << 10, 1 << 20} {
			o, err := NewOneWay(t.Context(), l, size)
			must(t, err)
			for _, n := range []int{1, 0, 40} {
				must(t, o.Send(t.Context(), n))
				must(t, o.Wait())
			}
			if got := o.got.got.Got(); got != 41 {
				t.Errorf("%d messages of %d bytes arrived, want 41", got, size)
			}
			if b := o.Batches(); b < 2 || b > 41 {
				t.Errorf("%d batches of %d messages", b, 41)
			}
			must(t, o.Close())
		}
	})
}

func TestOneWayStopsWaiting(t *testing.T) {
	all, err := Languages()
	must(t, err)
	o, err := NewOneWay(t.Context(), all[0], 1<<20)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for err == nil { // until the outbox is full
		err = o.Send(ctx, 1)
	}
	must(t, o.Close())
	o.sent += 1 << 10
	if err := o.Wait(); err == nil {
		t.Error("messages arrived at a node that had ended")
	}
}

func TestFeed(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		for _, size := range []int{32, 1 << 10, 100_000} {
			f, err := NewFeed(l, size)
			must(t, err)
			for _, n := range []int{1, 0, 1000} {
				must(t, f.Send(n))
				must(t, f.Wait())
			}
			if got := f.got.got.Got(); got != 1002 { // and the first
				t.Errorf("%d messages of %d bytes arrived, want 1002", got, size)
			}
			must(t, f.Close())
		}
	})
}

func TestEcho(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		e, err := NewEcho(t.Context(), l, 32)
		must(t, err)
		must(t, e.Trips(nil))
		for range 2 {
			took := make([]time.Duration, 50)
			must(t, e.Trips(took))
			for i, d := range took {
				if d <= 0 {
					t.Fatalf("round trip %d took %v", i, d)
				}
			}
		}
		must(t, e.Close())
		if err := e.Trips(make([]time.Duration, 1)); err == nil {
			t.Error("a round trip over nodes that have ended")
		}
	})
}

func TestFan(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		const peers, size = 5, 100 << 10
		f, err := NewFan(l, peers, size)
		must(t, err)
		n := int(f.window) * 2 // so that the sender has to wait
		must(t, f.Send(n))
		must(t, f.Wait())
		for i, s := range f.sinks {
			if got := s.got.Got(); got != int64(n+1) { // and the first
				t.Errorf("peer %d got %d messages, want %d", i, got, n+1)
			}
		}
		must(t, f.Close())
		if err := f.Send(1); err == nil {
			t.Error("a broadcast from a node that has ended")
		}
	})
}

func TestCrowd(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		const links = 20
		c, err := NewCrowd(t.Context(), l, links, 3)
		must(t, err)
		n := 0
		for range c.node.Links() {
			n++
		}
		if n != links {
			t.Errorf("%d links, want %d", n, links)
		}
		must(t, c.Close())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := NewCrowd(ctx, l, links, 3); err == nil {
			t.Error("links were opened after the end")
		}
	})
}

func TestCodec(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		c, err := NewCodec(l, 100)
		must(t, err)
		buf, err := c.Append(nil, c.Message)
		must(t, err)
		m, n, err := c.Next(buf)
		must(t, err)
		if n != len(buf) || fmt.Sprintf("%x", m.Body) != fmt.Sprintf("%x", c.Message.Body) {
			t.Errorf("%d bytes of %d, body %x, want %x", n, len(buf), m.Body, c.Message.Body)
		}
	})
}
