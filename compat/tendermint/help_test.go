package p2p

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
	"parley/transport"
	"parley/transport/mem"
)

func testKey(n int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	binary.LittleEndian.PutUint32(seed, uint32(n))
	return ed25519.NewKeyFromSeed(seed)
}

// place is where node n of an in-memory network listens.
func place(n int) string { return fmt.Sprintf("%d.%d.0.1:26656", 20+n>>8, n&255) }

func at(t testing.TB, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// comet is a configuration of node n of a CometBFT network in memory.
func comet(t testing.TB, netw *mem.Network, n int, channels ...*ChannelDescriptor) Config {
	return Config{
		Protocol: CometBFT, Key: testKey(n), Network: "test", Channels: channels,
		Listen: []string{place(n)}, Transport: netw.From(at(t, place(n))),
	}
}

// prepare makes a Switch that is stopped with the test.
func prepare(t testing.TB, c Config) *Switch {
	t.Helper()
	sw, err := NewSwitchConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sw.Stop)
	return sw
}

// start makes and starts one.
func start(t testing.TB, c Config) *Switch {
	t.Helper()
	sw := prepare(t, c)
	if err := sw.Start(); err != nil {
		t.Fatal(err)
	}
	return sw
}

// settled lets virtual time pass.
func settled(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// only returns the one peer of a Switch.
func only(t testing.TB, sw *Switch) *Peer {
	t.Helper()
	all := sw.Peers().List()
	if len(all) != 1 {
		t.Fatalf("%d peers, want 1", len(all))
	}
	return all[0]
}

func count(sw *Switch) int { return sw.Peers().Size() }

// joined returns two Switches with the channels of ds, connected: a was dialed
// by b.
func joined(t testing.TB, netw *mem.Network, prep func(a, b *Switch), channels func() []*ChannelDescriptor) (a, b *Switch) {
	t.Helper()
	ca, cb := comet(t, netw, 1, channels()...), comet(t, netw, 2, channels()...)
	cb.PersistentPeers = []string{place(1)}
	a, b = prepare(t, ca), prepare(t, cb)
	if prep != nil {
		prep(a, b)
	}
	for _, sw := range []*Switch{a, b} {
		if err := sw.Start(); err != nil {
			t.Fatal(err)
		}
	}
	settled(time.Second)
	only(t, a)
	only(t, b)
	return a, b
}

// hostOn returns the transport of a machine without a node.
func hostOn(t testing.TB, netw *mem.Network, n int) transport.Transport {
	return netw.From(at(t, place(n)))
}

// strip is a transport whose connections read so many bytes a second.
type strip struct {
	transport.Transport
	rate int
}

// Dial implements [transport.Transport].
func (s strip) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	c, err := s.Transport.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return &stripped{Conn: c, rate: s.rate}, nil
}

type stripped struct {
	net.Conn
	rate int
	read atomic.Int64
}

// Read implements [net.Conn].
func (c *stripped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), 32<<10)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(c.rate))
	c.read.Add(int64(n))
	return n, err
}

// idOf returns the identity of a configuration's node.
func idOf(c Config) string { return tendermint.ID(c.Key.Public().(ed25519.PublicKey)) }
