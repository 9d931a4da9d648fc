package mem

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/transport"
)

var _ transport.Transport = (*Host)(nil)

func place(t *testing.T, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// pair returns both ends of a connection from 10.0.0.1 to 10.0.0.2.
func pair(t *testing.T, n *Network) (dialed, accepted net.Conn) {
	t.Helper()
	at := place(t, "10.0.0.2:8000")
	ln, err := n.From(at).Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed, err = n.From(place(t, "10.0.0.1:1")).Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if accepted, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

func TestLatency(t *testing.T) { synctest.Test(t, testLatency) }

func testLatency(t *testing.T) {
	const delay = 30 * time.Millisecond
	start := time.Now()
	a, b := pair(t, New(delay))
	if took := time.Since(start); took != 2*delay {
		t.Errorf("dialing took %v, want one round trip of %v", took, 2*delay)
	}
	start = time.Now()
	a.Write([]byte("one"))
	a.Write([]byte("two"))
	got := make([]byte, 16)
	n, err := b.Read(got)
	if err != nil || string(got[:n]) != "onetwo" || time.Since(start) != delay {
		t.Errorf("read %q, %v after %v; want all at once after %v", got[:n], err, time.Since(start), delay)
	}
}

func TestBackpressure(t *testing.T) { synctest.Test(t, testBackpressure) }

func testBackpressure(t *testing.T) {
	a, b := pair(t, New(time.Millisecond))
	data := bytes.Repeat([]byte("0123456789"), Buffer/4)
	a.SetWriteDeadline(time.Now().Add(time.Second))
	n, err := a.Write(data)
	if n != Buffer || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("wrote %d, %v to a reader that does not read; want %d and a timeout", n, err, Buffer)
	}
	a.SetWriteDeadline(time.Time{})
	done := make(chan error, 1)
	go func() { _, err := a.Write(data[n:]); a.Close(); done <- err }()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v; want the %d written", len(got), err, len(data))
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReadDeadline(t *testing.T) { synctest.Test(t, testReadDeadline) }

func testReadDeadline(t *testing.T) {
	a, b := pair(t, New(0))
	b.SetReadDeadline(time.Now().Add(time.Minute))
	start := time.Now()
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
		t.Errorf("read ended with %v after %v", err, time.Since(start))
	}
	b.SetReadDeadline(time.Time{})
	a.Write([]byte("x"))
	if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("after the deadline was lifted: %d, %v", n, err)
	}
	go func() { time.Sleep(time.Second); b.SetDeadline(time.Now()) }()
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline set while reading: %v", err)
	}
}

func TestHalfClose(t *testing.T) { synctest.Test(t, testHalfClose) }

func testHalfClose(t *testing.T) {
	a, b := pair(t, New(time.Millisecond))
	a.Write([]byte("last"))
	a.(*conn).CloseWrite()
	if got, err := io.ReadAll(b); string(got) != "last" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := a.Write([]byte("more")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing after half a close: %v", err)
	}
	b.Write([]byte("answer"))
	b.Close()
	if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
		t.Errorf("the other half read %q, %v", got, err)
	}
}

// Like TCP, an end that closes with bytes unread resets the connection, and
// what it wrote before may be lost.
func TestReset(t *testing.T) { synctest.Test(t, testReset) }

func testReset(t *testing.T) {
	a, b := pair(t, New(time.Millisecond))
	a.Write([]byte("never read"))
	b.Write([]byte("lost"))
	synctest.Wait()
	b.Close()
	if _, err := a.Read(make([]byte, 8)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write: %v", err)
	}
	if err := b.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
	if _, err := b.Read(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

func TestDialNobody(t *testing.T) { synctest.Test(t, testDialNobody) }

func testDialNobody(t *testing.T) {
	n := New(time.Millisecond)
	h := n.From(place(t, "10.0.0.1:1"))
	if _, err := h.Dial(t.Context(), place(t, "10.0.0.2:8000")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	if _, err := h.Dial(t.Context(), place(t, "nowhere.example:8000")); err == nil {
		t.Error("an unknown name was found")
	}
	at := place(t, "10.0.0.2:8000")
	ln, err := n.From(at).Listen(t.Context(), at.WithPort(0))
	if err != nil {
		t.Fatal(err)
	}
	n.Name("seed.example", at)
	port := uint16(ln.Addr().(*net.TCPAddr).Port)
	if _, err := h.Dial(t.Context(), addr.Addr{Host: "seed.example", Port: port}); err != nil {
		t.Errorf("dial by name: %v", err)
	}
	for range Backlog - 1 {
		if _, err := h.Dial(t.Context(), at.WithPort(port)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Dial(t.Context(), at.WithPort(port)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial beyond the backlog: %v", err)
	}
	ln.Close()
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
}

func TestCut(t *testing.T) { synctest.Test(t, testCut) }

func testCut(t *testing.T) {
	n := New(time.Millisecond)
	a, b := pair(t, n)
	one, two := place(t, "10.0.0.1:1"), place(t, "10.0.0.2:1")
	n.Cut(one, two)
	a.Write([]byte("wait"))
	b.SetReadDeadline(time.Now().Add(time.Hour))
	if _, err := b.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read over a cut path: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := n.From(two).Dial(ctx, one.WithPort(8000)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dial over a cut path: %v", err)
	}
	n.Heal(two, one)
	b.SetReadDeadline(time.Time{})
	got := make([]byte, 8)
	if k, err := b.Read(got); string(got[:k]) != "wait" || err != nil {
		t.Errorf("after healing: %q, %v", got[:k], err)
	}
}
