package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestKindOf(t *testing.T) {
	broke := New(Protocol, "decode", errors.New("bad magic"))
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{nil, None},
		{broke, Protocol},
		{fmt.Errorf("link 7: %w", broke), Protocol},
		{New(IO, "read", broke), Protocol},
		{Abuse, Abuse},
		{io.EOF, IO},
		{io.ErrUnexpectedEOF, IO},
		{os.ErrDeadlineExceeded, Timeout},
		{context.DeadlineExceeded, Timeout},
		{context.Canceled, Local},
		{net.ErrClosed, Local},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, IO},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Timeout},
		{errors.New("what"), Local},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

func TestIs(t *testing.T) {
	err := fmt.Errorf("gone: %w", New(Timeout, "open", os.ErrDeadlineExceeded))
	if !errors.Is(err, Timeout) || errors.Is(err, Protocol) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v does not match its kind and cause alone", err)
	}
	if New(IO, "read", nil) != nil {
		t.Error("a fault without a cause is an error")
	}
}
