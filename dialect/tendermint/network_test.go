package tendermint_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/fault"
	"parley/node"
	"parley/route"
	"parley/sim"
)

func key(n int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	binary.LittleEndian.PutUint32(seed, uint32(n))
	return ed25519.NewKeyFromSeed(seed)
}

var channels = []tendermint.Channel{{ID: 0x21, Priority: 10}, {ID: 0x30, Priority: 1}}

// variants returns a dialect for node n, of each age.
var variants = map[string]func(n int) (*tendermint.Dialect, error){
	"cometbft": func(n int) (*tendermint.Dialect, error) {
		return tendermint.New(tendermint.Config{Key: key(n), Network: "sim", Channels: channels})
	},
	"september": func(n int) (*tendermint.Dialect, error) {
		return tendermint.New2014(tendermint.Config2014{Channels: channels})
	},
	"december": func(n int) (*tendermint.Dialect, error) {
		return tendermint.New2014(tendermint.Config2014{Channels: channels, December: true})
	},
}

// Nodes that know one of them alone find each other by peer exchange, put up with
// each other for hours, and pass a message on to all.
func TestNetworks(t *testing.T) {
	for name, make := range variants {
		t.Run(name, func(t *testing.T) {
			const nodes = 24
			w := sim.NewWorld(7)
			defer w.Close()
			at := func(i int) addr.Addr {
				return addr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{20, byte(i), 0, 1}), 26656))
			}
			for i := range nodes {
				d, err := make(i)
				if err != nil {
					t.Fatal(err)
				}
				n := w.Add(at(i), d, core.Config{}, at(0))
				n.Peer = func(c core.Change) {
					if k := fault.KindOf(c.Why); k == fault.Protocol || k == fault.Abuse || k == fault.Timeout {
						t.Errorf("a link of node %d ends: %v", i, c.Why)
					}
				}
			}
			if err := w.Run(2 * time.Hour); err != nil {
				t.Fatal(err)
			}
			if g := w.Graph(); !g.Connected() || g.Degrees().Min < 4 {
				t.Errorf("connected is %v, with degrees %+v", g.Connected(), g.Degrees())
			}
			s := sim.NewFlood(w, route.All()).Start(w.Nodes()[5], 0x30, 100_000)
			w.Run(10 * time.Second)
			if s.Reached != nodes {
				t.Errorf("a message reached %d of %d nodes", s.Reached, nodes)
			}
		})
	}
}

// counter counts and checks what arrives on each channel.
type counter struct {
	t      *testing.T
	joined chan *node.Link
	done   chan struct{}

	mu   sync.Mutex
	want int
	next map[uint32]uint32
}

func (c *counter) Peer(l *node.Link, up bool, why error) {
	if !up {
		return
	}
	select {
	case c.joined <- l:
	default: // in 2014 two nodes may find each other twice
	}
}

func (c *counter) Note(*node.Link, any) {}

func (c *counter) Receive(_ *node.Link, ms []dialect.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range ms {
		n := binary.LittleEndian.Uint32(m.Body)
		if n != c.next[m.Type] || !bytes.Equal(m.Body[4:], bytes.Repeat([]byte{byte(n)}, len(m.Body)-4)) {
			c.t.Errorf("channel %#x: message %d of %d bytes came for %d", m.Type, n, len(m.Body), c.next[m.Type])
		}
		c.next[m.Type]++
		if c.want--; c.want == 0 {
			close(c.done)
		}
	}
}

// Two real nodes exchange messages of all sizes on two channels, both ways at
// once, over TCP.
func TestNodes(t *testing.T) {
	for name, make := range variants {
		t.Run(name, func(t *testing.T) { exchange(t, make) })
	}
}

func exchange(t *testing.T, dialectOf func(n int) (*tendermint.Dialect, error)) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	sizes := []int{4, 5, 1023, 1024, 1025, 1 << 20, 70_000}
	const each = 60
	start := func(n int, seeds ...addr.Addr) (*counter, *node.Node) {
		d, err := dialectOf(n)
		if err != nil {
			t.Fatal(err)
		}
		c := &counter{t: t, joined: make(chan *node.Link, 1), done: make(chan struct{}), want: 2 * each, next: map[uint32]uint32{}}
		nd, err := node.New(node.Config{
			Dialect: d, Handler: c, Seeds: seeds,
			Listen: []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := nd.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		<-nd.Ready()
		return c, nd
	}
	a, na := start(1)
	b, _ := start(2, na.Listening()...)
	send := func(l *node.Link, channel uint32) {
		for i := range each {
			body := bytes.Repeat([]byte{byte(i)}, sizes[i%len(sizes)])
			binary.LittleEndian.PutUint32(body, uint32(i))
			if err := l.Send(ctx, dialect.Message{Type: channel, Body: body}); err != nil {
				t.Error(fmt.Errorf("message %d on %#x: %w", i, channel, err))
				return
			}
		}
	}
	for _, c := range []*counter{a, b} {
		l := <-c.joined
		for _, ch := range channels {
			wg.Go(func() { send(l, uint32(ch.ID)) })
		}
	}
	<-a.done
	<-b.done
}
