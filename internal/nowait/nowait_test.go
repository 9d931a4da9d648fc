package nowait

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

func pair(t *testing.T) (here, there net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if here, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if there, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

// A write takes what fits, says so, and goes on once there is room again.
func TestWriteDoesNotWait(t *testing.T) {
	here, there := pair(t)
	rc := Raw(here)
	if rc == nil {
		t.Fatal("a TCP connection cannot be used")
	}
	w, sent := NewWriter(), 0
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for full := false; !full; {
		n, err := w.Write(rc, chunk)
		if err != nil {
			t.Fatal(err)
		}
		sent += n
		full = n < len(chunk)
	}
	if n, err := w.Write(rc, chunk); n == len(chunk) || err != nil {
		t.Fatalf("%d bytes fitted into a full connection, error %v", n, err)
	} else {
		sent += n
	}
	if _, err := io.CopyN(io.Discard, there, int64(sent)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n == 0; {
		var err error
		if n, err = w.Write(rc, []byte("y")); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 1)
	if _, err := io.ReadFull(there, got); err != nil || got[0] != 'y' {
		t.Fatalf("%q arrived, error %v", got, err)
	}
}

func TestWriteErrors(t *testing.T) {
	here, _ := pair(t)
	rc, w := Raw(here), NewWriter()
	here.SetWriteDeadline(time.Unix(1, 0))
	if _, err := w.Write(rc, []byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	here.Close()
	if n, err := w.Write(rc, []byte("x")); n != 0 || err == nil {
		t.Errorf("%d bytes went into a closed connection, error %v", n, err)
	}
}

// What comes is read in pieces of a buffer, and deadlines and the end are told.
func TestReadBorrows(t *testing.T) {
	here, there := pair(t)
	r := NewReader(Raw(there), new(Buffers))
	sent := bytes.Repeat([]byte("0123456789"), BufferSize/5)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := here.Write(sent); err != nil {
			t.Error(err)
		}
	})
	var got []byte
	for len(got) < len(sent) {
		buf, n, err := r.Read()
		if err != nil || len(buf) != BufferSize {
			t.Fatalf("a buffer of %d bytes, error %v", len(buf), err)
		}
		got = append(got, buf[:n]...)
		r.Free(buf)
	}
	wg.Wait()
	if !bytes.Equal(got, sent) {
		t.Error("something else arrived than was sent")
	}
	there.SetReadDeadline(time.Now().Add(time.Millisecond))
	if buf, _, err := r.Read(); buf != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	there.SetReadDeadline(time.Time{})
	here.Close()
	if buf, _, err := r.Read(); buf != nil || err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestRawOfOthers(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	if Raw(here) != nil || Raw(struct{ net.Conn }{here}) != nil {
		t.Error("a connection without a descriptor can be used")
	}
}
