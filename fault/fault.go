// Package fault says why a link ended and whose fault it is. Every link of a
// Parley node ends with an error whose [Kind] decides what follows: backoff,
// blame, a ban, or nothing.
package fault

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
)

// Kind says whose fault an ended link is and what follows from it. It is an
// error itself, so that errors.Is(err, fault.Protocol) asks for the kind.
type Kind uint8

// The kinds, from harmless to hostile, and Local for ourselves.
const (
	None     Kind = iota // an orderly end
	IO                   // the network failed; nobody is to blame
	Timeout              // the peer was too slow or silent
	Refused              // policy, ours or theirs
	Protocol             // the peer broke the dialect's rules
	Abuse                // the peer used the rules against us: floods, spam
	Local                // our own mistake or shutdown
)

// Kinds lists every kind in order, for tables and metrics.
var Kinds = [...]Kind{None, IO, Timeout, Refused, Protocol, Abuse, Local}

var names = [...]string{"none", "io", "timeout", "refused", "protocol", "abuse", "local"}

// String returns the kind's name in lower case, as metrics and JSON carry it.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Error makes a kind usable as the target of errors.Is.
func (k Kind) Error() string { return k.String() }

// Fault is the error with which links end.
type Fault struct {
	Kind Kind
	Op   string // what was going on: "open", "read", "decode", "write", "peers"
	Err  error
}

// New returns a fault. It returns nil if err is nil, and err itself if it is
// a fault already, because whoever saw a fault first knows most about it.
func New(k Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Fault](err); ok {
		return err
	}
	return &Fault{Kind: k, Op: op, Err: err}
}

// Error returns what was going on and what went wrong.
func (f *Fault) Error() string { return f.Op + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Is lets errors.Is match on kind.
func (f *Fault) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == f.Kind
}

// KindOf finds the kind of err: that of a Fault in its tree, or one derived
// from well-known errors such as io.EOF and os.ErrDeadlineExceeded. Errors it
// does not know are Local, because what nobody classified is our own mistake.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind
	}
	if k, ok := errors.AsType[Kind](err); ok {
		return k
	}
	return derive(err)
}

func derive(err error) Kind {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed), errors.Is(err, fs.ErrClosed):
		return Local
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return IO
	}
	if ne, ok := errors.AsType[net.Error](err); ok {
		if ne.Timeout() {
			return Timeout
		}
		return IO
	}
	if _, ok := errors.AsType[*os.SyscallError](err); ok {
		return IO
	}
	return Local
}
