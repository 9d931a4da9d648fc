// Package suite holds the stories that a node of ours and a switch of theirs go
// through together, for the tests of every version of theirs.
package suite

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/node"
)

const (
	chain = "interop-1"
	// patience is how long anything may take before the test fails. It decides
	// nothing else.
	patience = 30 * time.Second
	queued   = 1 << 14
)

// channels are those of the application, on both sides: a node's, and one of
// those that theirs cannot read a full last packet on.
var channels = []byte{0x20, 0x21, 0x30, 0x90}

// key returns the key of node n.
func key(n int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	binary.LittleEndian.PutUint32(seed, uint32(n))
	return ed25519.NewKeyFromSeed(seed)
}

// event says that a link of ours came up or went down.
type event struct {
	link *node.Link
	up   bool
	why  error
}

// message is one that our handler got.
type message struct {
	from    string
	channel byte
	body    []byte
}

// ours is a node of ours and what happens to it.
type ours struct {
	*node.Node
	dialect  *tendermint.Dialect
	events   chan event
	received chan message
	notes    chan tendermint.Addresses
	traced   chan node.Event
}

// start runs a node that listens on loopback until the test ends. The changes may
// be nil.
func start(t *testing.T, n int, speak func(*tendermint.Config), act func(*node.Config)) *ours {
	t.Helper()
	cfg := tendermint.Config{Key: key(n), Network: chain}
	for i, id := range channels {
		cfg.Channels = append(cfg.Channels, tendermint.Channel{ID: id, Priority: i + 1})
	}
	if speak != nil {
		speak(&cfg)
	}
	d, err := tendermint.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o := &ours{
		dialect: d,
		events:  make(chan event, queued), received: make(chan message, queued),
		notes: make(chan tendermint.Addresses, queued), traced: make(chan node.Event, queued),
	}
	c := node.Config{
		Dialect: d, Handler: o, Trace: o.trace,
		Listen:     []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}},
		Core:       core.Config{Outbound: -1, Backoff: 50 * time.Millisecond, PerHost: 100},
		AcceptRate: -1,
	}
	if act != nil {
		act(&c)
	}
	if o.Node, err = node.New(c); err != nil {
		t.Fatal(err)
	}
	run(t, o.Node)
	return o
}

// run runs a node until the test ends.
func run(t *testing.T, n *node.Node) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(stop)
	await(t, n.Ready(), "the node is ready")
}

// Peer implements node.Handler.
func (o *ours) Peer(l *node.Link, up bool, why error) { offer(o.events, event{l, up, why}) }

// Note implements node.Handler.
func (o *ours) Note(_ *node.Link, v any) {
	if as, ok := v.(tendermint.Addresses); ok {
		offer(o.notes, as)
	}
}

// Receive implements node.Handler.
func (o *ours) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		offer(o.received, message{l.Intro().ID, byte(m.Type), m.Clone().Body})
	}
}

func (o *ours) trace(e node.Event) { offer(o.traced, e) }

// offer drops what nobody looks at.
func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}

// address returns where the node listens, as id@host:port.
func (o *ours) address() string {
	return tendermint.NetAddress{ID: o.dialect.ID(), Addr: o.Listening()[0]}.String()
}

// dial connects the node to where somebody listens, and returns the link.
func (o *ours) dial(t *testing.T, to string) (*node.Link, error) {
	t.Helper()
	a, err := tendermint.ParseNetAddress(to)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", netip.AddrPortFrom(a.Addr.IP, a.Addr.Port).String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return o.Attach(ctx, c, true)
}

// await waits for a value.
func await[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	return find(t, c, what, func(T) bool { return true })
}

// find waits for a value that is wanted and drops those before.
func find[T any](t *testing.T, c <-chan T, what string, want func(T) bool) T {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case v := <-c:
			if want(v) {
				return v
			}
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// up waits until a peer is linked.
func (o *ours) up(t *testing.T, id string) *node.Link {
	t.Helper()
	return find(t, o.events, "our link is up", func(e event) bool { return e.up && e.link.Intro().ID == id }).link
}

// down waits until a peer is gone and returns why.
func (o *ours) down(t *testing.T, id string) error {
	t.Helper()
	e := find(t, o.events, "our link is down", func(e event) bool { return !e.up && e.link.Intro().ID == id })
	if e.why == nil {
		return errors.New("no reason given")
	}
	return e.why
}

// identity returns the name that node n goes by.
func identity(n int) string { return tendermint.ID(key(n).Public().(ed25519.PublicKey)) }
