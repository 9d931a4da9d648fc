// Package sim runs many nodes in one goroutine under virtual time.
//
// A simulated node is a real core.Node with a real dialect and real route
// pickers; only the connections, the clock and the dice are the simulator's.
// What a [World] does is decided by its seed and by the calls made to it: one
// seed gives one run, down to the order of every byte, in any process.
//
//	w := sim.NewWorld(1)
//	defer w.Close()
//	a := w.Add(at1, d, core.Config{})
//	b := w.Add(at2, d, core.Config{}, at1) // knows where a is
//	err := w.Run(10 * time.Second)
//
// # Fidelity
//
// With [WholeWire], the default, every byte goes through the dialect's codecs.
// With [Messages], the opening exchange and what the dialect's rules send do,
// while application messages pass as values; see [Mode].
//
// # Connections
//
// Bytes of a connection arrive in order and after a delay, as those of TCP do.
// Each direction writes one message after another at the speed of its [Path];
// what cannot be written yet waits in an outbox of limited size. Losing a
// segment delays what follows. A node that does not read, because of
// [World.Stall], lets [Window] bytes come near and then blocks the writers of
// its peers; a cut through the network ([World.Split]) does the same until it
// heals. Setting up a connection takes a round trip.
//
// # Time
//
// Virtual time passes only in [World.Run] and [World.RunUntil], from event to
// event. Handling an event takes no time: nodes compute infinitely fast.
//
// Nothing in this package is safe for concurrent use.
package sim

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/sim/internal/agenda"
)

// Mode is how faithfully a World treats application messages.
type Mode uint8

const (
	// WholeWire sends every byte through the codecs.
	WholeWire Mode = iota
	// Messages sends the opening exchange and what the dialect's rules say
	// through the codecs, and lets application messages pass as values: several
	// times as many a second, and without a copy of each body. A message counts
	// its body and 16 bytes. The first messages of each type still go through
	// the codecs, because the decoder alone knows whom a type concerns.
	// Packers do not get to reorder values.
	Messages
)

// Defaults of World, and limits that are not its to change.
const (
	DefaultDialTimeout = 10 * time.Second // a connection request without an answer
	DefaultOpenTimeout = 10 * time.Second // an opening exchange
	DefaultOutbox      = 8 << 20          // bytes that may wait for one peer

	// Window is how many bytes a node that does not read lets come near.
	Window = 64 << 10

	flushTimeout = 20 * time.Second // for the outbox of a link that is ending
	openBytes    = 64 << 10         // in an opening exchange, each way
	maxMessage   = 32 << 20         // what a decoder may wait for
	perMessage   = 64               // what a waiting message costs besides its body
	valueFrame   = 16               // what a message that passes as a value costs besides its body
	maxConns     = math.MaxUint32 / 2
)

// epoch is when every world begins.
var epoch = time.Unix(1e9, 0).UTC()

// World is a network of simulated nodes. Everything in it runs on the
// goroutine that calls Run, under virtual time: one seed gives one run, down
// to the order of every byte. It begins on 9 September 2001, 01:46:40 UTC.
//
// The exported fields are set before the first node is added. Functions in
// them, and in nodes, are called while Run is under way; they must not call
// Run, and must be as deterministic as the rest.
type World struct {
	Mode Mode
	// Path says how two nodes are connected; it is asked once for each
	// connection. Nil means 20 to 100 ms each way, and nothing else.
	Path func(r *rand.Rand, from, to addr.Addr) Path
	// Receive takes application messages of nodes without a function of their
	// own. See [Node.Receive].
	Receive func(n *Node, from core.LinkID, m dialect.Message)
	// Trace gets a line for every call into a core and every effect of it: the
	// seconds since the world began, the node, the link if any, what happened,
	// and an error if any.
	Trace io.Writer
	// Checks are run after every step, or after each Every-th. The first error
	// stops the run.
	Checks []Check
	Every  int

	DialTimeout time.Duration // DefaultDialTimeout if zero
	OpenTimeout time.Duration // DefaultOpenTimeout if zero

	seed    uint64
	now     int64 // nanoseconds since epoch
	steps   uint64
	queue   agenda.Queue
	rand    *rand.Rand
	nodes   []*Node
	at      map[addr.Addr]*Node // where each can be dialed
	conns   conns
	parcels parcels
	codecs  codecs
	calls   []func() // what evCall calls
	spare   []uint32 // free places in calls

	eff     core.Effects
	busy    bool // effects are being carried out
	running bool
	closed  bool
	err     error
	cut     bool // the network is split
	trouble int  // reasons why some bytes may not get through
	count   Counters
	hash    uint64
	line    []byte
	heat    uint64            // a sum that nobody needs; see warm
	from    *end              // whose application message is being delivered
	passing uint32            // the parcel of that message, if it passes as a value; or none
	scratch []byte            // what decoders look at; overwritten with each delivery
	session []dialect.Message // of the delivery under way
	last    dialect.Message   // decoded last, without its body
	targets targets
}

// Counters are sums over a world or a node since it began.
type Counters struct {
	Messages uint64 // written after the opening exchange
	Bytes    uint64 // written, with the opening exchange
	Refused  uint64 // messages that an outbox did not take or forgot
	Dropped  uint64 // messages that Path.Drop made vanish
	Dials    uint64 // connections asked for
	Opened   uint64 // ends that finished the opening exchange
	Ended    uint64 // ends that are over, open or not
}

// NewWorld returns an empty world.
func NewWorld(seed uint64) *World {
	return &World{
		seed:    seed,
		rand:    rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		at:      map[addr.Addr]*Node{},
		hash:    mix(1, seed),
		passing: none,
	}
}

// Now returns the virtual time.
func (w *World) Now() time.Time { return epoch.Add(time.Duration(w.now)) }

// Steps returns how many events happened so far.
func (w *World) Steps() uint64 { return w.steps }

// Seed returns what NewWorld was given.
func (w *World) Seed() uint64 { return w.seed }

// Rand returns the world's dice, for scripts. Drawing from them changes what
// follows.
func (w *World) Rand() *rand.Rand { return w.rand }

// Nodes returns every node, up or down, in the order they were added. The
// caller must not change it.
func (w *World) Nodes() []*Node { return w.nodes }

// Counters returns the sums over all nodes.
func (w *World) Counters() Counters { return w.count }

// Run advances virtual time by d. It returns early with a [*Failure] once a
// check fails, and from then on at once with the same.
func (w *World) Run(d time.Duration) error {
	_, err := w.run(w.now+max(int64(d), 0), nil)
	return err
}

// RunUntil runs until cond is true, which it asks first and then after every
// step or every Every-th, but no longer than limit. It reports whether cond
// came true.
func (w *World) RunUntil(cond func() bool, limit time.Duration) (bool, error) {
	return w.run(w.now+max(int64(limit), 0), cond)
}

func (w *World) run(end int64, cond func() bool) (bool, error) {
	if w.running || w.closed {
		panic("sim: Run within Run, or after Close")
	}
	w.running = true
	defer func() { w.running = false }()
	if cond != nil && w.err == nil && cond() {
		return true, nil
	}
	watch, every := cond != nil || len(w.Checks) > 0, uint64(max(w.Every, 1))
	for w.err == nil {
		e, ok := w.queue.Pop(end)
		if !ok {
			w.now = end
			break
		}
		if ahead := w.queue.Ahead(warmAhead); ahead != nil {
			w.warm(ahead)
		}
		w.now = e.At
		w.steps++
		w.hash = mix(mix(w.hash, uint64(e.At)), e.Ord^uint64(e.A)<<32)
		w.happen(&e)
		if watch && w.steps%every == 0 {
			w.check()
			if w.err == nil && cond != nil && cond() {
				return true, nil
			}
		}
	}
	return false, w.err
}

// After calls f when d has passed, as a step of its own.
func (w *World) After(d time.Duration, f func()) {
	i := uint32(len(w.calls))
	if n := len(w.spare); n > 0 {
		i, w.spare = w.spare[n-1], w.spare[:n-1]
		w.calls[i] = f
	} else {
		w.calls = append(w.calls, f)
	}
	w.queue.Push(w.now+max(int64(d), 0), evCall, 0, i, 0)
}

// Close ends the world and every opening exchange in it, without a word to any
// node. A world that is not closed leaks the coroutines of exchanges that are
// under way.
func (w *World) Close() {
	if w.running {
		panic("sim: Close within Run")
	}
	w.closed = true
	for i := range w.conns.made {
		for k := range 2 {
			w.conns.get(i).ends[k].hush()
		}
	}
	w.conns, w.nodes, w.queue = conns{}, nil, agenda.Queue{}
}

// Failure is why a run stopped.
type Failure struct {
	Seed uint64
	Step uint64
	Time time.Time
	Err  error
}

// Error names everything that repeats the failure.
func (f *Failure) Error() string {
	at := appendTime(nil, int64(f.Time.Sub(epoch)))
	return fmt.Sprintf("seed %d, step %d, second %s: %v", f.Seed, f.Step, at, f.Err)
}

// Unwrap returns what the check said.
func (f *Failure) Unwrap() error { return f.Err }

// Check returns an error when something that must always hold does not. It
// must not change anything.
type Check func(w *World) error

func (w *World) check() {
	for _, c := range w.Checks {
		if err := c(w); err != nil {
			w.fail(err)
			return
		}
	}
}

// fail stops the run.
func (w *World) fail(err error) {
	if w.err == nil {
		w.err = &Failure{w.seed, w.steps, w.Now(), err}
	}
}
