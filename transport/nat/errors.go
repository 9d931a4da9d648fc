package nat

import (
	"errors"
	"fmt"
	"time"

	"parley/fault"
)

// Error is what every method of a Gateway and Find return: it names the protocol
// and what was being done.
type Error struct {
	Protocol Protocol
	Op       string // "find", "external address", "map", "unmap" or "check"
	Err      error
}

// Error returns protocol, operation and cause.
func (e *Error) Error() string { return fmt.Sprintf("%v: %s: %v", e.Protocol, e.Op, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// The causes that callers act on.
var (
	// ErrNoGateway means that nobody answers.
	ErrNoGateway = errors.New("no gateway answers")
	// ErrNoRoute means that this machine has no default gateway that it knows of.
	ErrNoRoute = errors.New("no default gateway is known")
	// ErrLost means that the gateway no longer has a mapping as it was made: it
	// restarted, forgot it, or changed its external address. Map anew.
	ErrLost = errors.New("the mapping is lost")
	// ErrMoved means that this machine's address changed: find the gateway anew.
	ErrMoved = errors.New("this machine's address changed")
	// ErrNoAddress means that the gateway has no external address: it is not connected.
	ErrNoAddress = errors.New("the gateway has no external address")
	// ErrNone means that no protocol was to be tried.
	ErrNone = errors.New("nat: no protocol to try")
)

// Refusal is a gateway's answer that it will not do what was asked. Its kind is
// fault.Refused.
type Refusal struct {
	Code int           // as the protocol defines it
	Text string        // in words
	For  time.Duration // how long asking again is pointless; 0 if the gateway did not say
}

// Error returns the code and what it means.
func (r *Refusal) Error() string { return fmt.Sprintf("refused: %s (%d)", r.Text, r.Code) }

// Unwrap returns the kind.
func (r *Refusal) Unwrap() error { return fault.Refused }

// wrong returns the error for an answer that breaks the protocol.
func wrong(format string, args ...any) error {
	return fault.New(fault.Protocol, "answer", fmt.Errorf(format, args...))
}

func lost(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLost, fmt.Sprintf(format, args...))
}
