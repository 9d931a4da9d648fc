package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"parley/addr"
	"parley/transport/mem"
)

func TestShared(t *testing.T) { synctest.Test(t, testShared) }

// What is shared reaches every link it is queued on, encoded once, and its body
// is its own if it was lent.
func testShared(t *testing.T) {
	netw := mem.New(0)
	cfg := member(netw, 1)
	cfg.Core.Outbound = -1
	hub := run(t, cfg)
	var got [2]collector
	for i := range got {
		cfg := member(netw, i+2)
		cfg.Core.Outbound, cfg.Core.Always = -1, []addr.Addr{host(1)}
		cfg.Handler = events{receive: got[i].receive}
		run(t, cfg).only(t)
	}
	m := app("to both")
	m.Lent = true
	s := Share(m)
	copy(m.Body, "changed")
	for i, l := range slices.Collect(hub.Links()) {
		if i == 0 && !l.QueueShared(s) {
			t.Error("not queued")
		}
		if i == 1 {
			if err := l.SendShared(t.Context(), s); err != nil {
				t.Error(err)
			}
		}
	}
	synctest.Wait()
	for i := range got {
		if all := got[i].all(); !slices.Equal(all, []string{"to both"}) {
			t.Errorf("node %d got %q", i+2, all)
		}
	}
	if s.sheet.Forms() != 1 {
		t.Error("not encoded once")
	}
}

func TestSendSharedWaits(t *testing.T) { synctest.Test(t, testSendSharedWaits) }

// Without room, sending waits until the context is done or the link has ended.
func testSendSharedWaits(t *testing.T) {
	netw := mem.New(0)
	cfg := member(netw, 2, 1)
	cfg.Outbox = 1
	_, nb, l := two(t, member(netw, 1), cfg)
	l.out.mu.Lock()
	l.out.bytes = 1 << 20 // as if the writer had it all
	l.out.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.SendShared(ctx, Share(app("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	l.out.release(1 << 20)
	if err := l.SendShared(ctx, Share(app("x"))); err != nil {
		t.Errorf("with room: %v", err)
	}
	nb.stop()
	if err := l.SendShared(t.Context(), Share(app("x"))); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v after the end, want closed", err)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "file")
	for _, text := range []string{"first, longer", "second"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("read %q, %v, want %q", b, err, text)
		}
	}
	if err := WriteFile(filepath.Dir(path), nil); err == nil {
		t.Error("a directory was replaced")
	}
}
