// Package dialecttest is the conformance suite that every dialect passes. It
// opens both roles against each other with the stream cut everywhere, feeds the
// codec whole, piecemeal and damaged bytes, and lets two sets of rules talk for
// hours of virtual time.
//
// A dialect's own test calls Run once for each of its variants. What the suite
// cannot know, such as the bytes that other implementations write, stays with
// the dialect's golden files.
package dialecttest

import (
	"testing"

	"parley/dialect"
)

// Options says what the suite must know about a dialect. The zero value is the
// strictest: every ability that a dialect lacks is declared.
type Options struct {
	// App is the type of an application message whose body may hold any bytes.
	App uint32
	// Message makes an application message of about size bytes, the same for
	// the same size, for dialects whose bodies have a form. If it is nil, the
	// messages have type App and a body of exactly size bytes.
	Message func(size int) dialect.Message
	// MinBody is the smallest body an application message may have.
	MinBody int
	// MaxBody is the largest body the dialect sends, or 0 if that is too large
	// to try. One byte more must be an error of the encoder.
	MaxBody int

	// Prepare completes an opening for dialects that need more than a network,
	// a nonce, an ID and a port. It must do the same in each run.
	Prepare func(o *dialect.Opening)

	NoExchange bool // nothing is exchanged before messages: Open just returns
	NoNetwork  bool // the exchange does not tell networks apart
	NoSelf     bool // connections to oneself are not detected
	NoOffers   bool // a peer that is turned away is not told where else to try
}

// check is one property, with the name of its subtest.
type check struct {
	name string
	run  func(s *suite)
}

var checks = []check{
	{"open", (*suite).opens},
	{"open/cut", (*suite).opensInPieces},
	{"open/repeatable", (*suite).opensAlike},
	{"open/truncated", (*suite).failsTruncated},
	{"open/write-fails", (*suite).failsToWrite},
	{"open/damaged", (*suite).survivesDamage},
	{"open/refused", (*suite).refuses},
	{"open/network", (*suite).tellsNetworks},
	{"open/self", (*suite).knowsItself},
	{"codec/round-trip", (*suite).roundTrips},
	{"codec/cut", (*suite).decodesInPieces},
	{"codec/frame", (*suite).framesAlike},
	{"codec/pack", (*suite).packsAll},
	{"codec/limit", (*suite).limits},
	{"codec/repeatable", (*suite).encodesAlike},
	{"codec/damaged", (*suite).decodesDamaged},
	{"rules/honest", (*suite).honestPeersStay},
	{"rules/repeatable", (*suite).rulesRepeat},
	{"rules/silent", (*suite).wakesAreDue},
	{"rules/unknown", (*suite).survivesMessages},
	{"rules/command", (*suite).ignoresCommands},
}

// Run checks d, which must be immutable, as subtests of t. It takes a few
// seconds at most for a dialect whose opening has some hundred bytes.
func Run(t *testing.T, d dialect.Dialect, opts Options) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			c.run(&suite{reporter: t, d: d, opts: opts})
		})
	}
}

// reporter is the part of *testing.T that checks use, so that the tests of the
// suite can watch it complain.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// suite is one run of one check.
type suite struct {
	reporter
	d    dialect.Dialect
	opts Options
}

// message returns an application message with a body of size bytes, or of the
// least size allowed.
func (s *suite) message(size int) dialect.Message {
	size = max(size, s.opts.MinBody)
	if s.opts.Message != nil {
		return s.opts.Message(size)
	}
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i*i>>3 + size)
	}
	return dialect.Message{Type: s.opts.App, For: dialect.ToApp, Body: body}
}

// sizes of bodies that are worth trying: none, one byte, below and above the
// lengths that take another byte to write, and more than one read.
var sizes = []int{0, 1, 31, 127, 128, 1000, 70000}

// messages returns one application message of each size the dialect allows.
func (s *suite) messages() []dialect.Message {
	var ms []dialect.Message
	for _, n := range sizes {
		if n >= s.opts.MinBody && (s.opts.MaxBody == 0 || n <= s.opts.MaxBody) {
			ms = append(ms, s.message(n))
		}
	}
	return ms
}
