package bitcoin_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/fault"
	"parley/node"
	"parley/route"
	"parley/sim"
)

// events passes on what a node tells.
type events struct {
	up, down chan *node.Link
	why      chan error
	got      chan dialect.Message
}

func newEvents() *events {
	return &events{make(chan *node.Link, 9), make(chan *node.Link, 9), make(chan error, 9), make(chan dialect.Message, 99)}
}

func (e *events) Peer(l *node.Link, up bool, why error) {
	if up {
		e.up <- l
		return
	}
	e.down <- l
	e.why <- why
}

func (e *events) Note(*node.Link, any) {}

func (e *events) Receive(_ *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		e.got <- m.Clone()
	}
}

// begin runs a node on a free port until the test ends.
func begin(t *testing.T, cfg bitcoin.Config, seeds ...addr.Addr) (*node.Node, *events) {
	t.Helper()
	d, err := bitcoin.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := newEvents()
	n, err := node.New(node.Config{
		Dialect: d, Handler: e, Seeds: seeds,
		Listen: []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	<-n.Ready()
	return n, e
}

// TestNodes lets two nodes of one process meet over TCP: one announces a block, the
// other asks for it and gets it.
func TestNodes(t *testing.T) {
	for _, p := range []bitcoin.Params{bitcoin.SoterSim(), bitcoin.BitcoinSim()} {
		first, a := begin(t, bitcoin.Config{Params: p})
		second, b := begin(t, bitcoin.Config{Params: p}, first.Listening()...)
		la, lb := <-a.up, <-b.up
		block := bitcoin.Inv{Type: bitcoin.InvBlock, Hash: bitcoin.Hash{7}}
		if err := first.Command(bitcoin.Announce{Inv: []bitcoin.Inv{block}}); err != nil {
			t.Fatal(err)
		}
		inv := <-b.got
		if vs, err := p.ParseInvs(inv.Body); err != nil || len(vs) != 1 || vs[0] != block {
			t.Fatalf("announced %+v, %v", vs, err)
		}
		if !lb.Queue(bitcoin.Request(bitcoin.TypeGetData, inv.Body), nil) {
			t.Fatal("the request is not taken")
		}
		if m := <-a.got; m.Type != bitcoin.TypeGetData || !bytes.Equal(m.Body, inv.Body) {
			t.Fatalf("asked with %+v", m)
		}
		body := bytes.Repeat([]byte("block"), 100_000)
		la.Queue(dialect.Message{Type: bitcoin.TypeBlock, Body: body}, nil)
		if m := <-b.got; m.Type != bitcoin.TypeBlock || !bytes.Equal(m.Body, body) {
			t.Fatalf("got type %d with %d bytes", m.Type, len(m.Body))
		}
		if k := second.Broadcast(dialect.Message{Type: bitcoin.TypeTx, Body: []byte("tx")}, route.All(), nil); k != 1 {
			t.Errorf("broadcast to %d", k)
		}
		if m := <-a.got; string(m.Body) != "tx" {
			t.Errorf("got %q", m.Body)
		}
	}
}

// TestRejectArrives says something malformed to a node, over TCP: it must say so
// and hang up.
func TestRejectArrives(t *testing.T) {
	p := bitcoin.SoterSim()
	n, e := begin(t, bitcoin.Config{Params: p})
	c, err := net.Dial("tcp", n.Listening()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := bitcoin.New(bitcoin.Config{Params: p})
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Open(c, &dialect.Opening{
		Dialing: true, Remote: n.Listening()[0], Now: time.Unix(1e9, 0),
		Self: dialect.Self{Nonce: 3}, Admit: func(dialect.Intro) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	bad := binary.LittleEndian.AppendUint32(nil, p.Net)
	bad = append(bad, "frobnicate\x00\x00\x00\x00\x00\x00\x5d\xf6\xe0\xe2"...)
	if _, err := c.Write(bad); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	var last dialect.Message
	for len(rest) > 0 {
		m, n, err := l.Decoder.Next(rest)
		if err != nil || n > len(rest) {
			t.Fatal(n, err)
		}
		last, rest = m, rest[n:]
	}
	var j bitcoin.Reject
	if err := j.Parse(last.Body); err != nil || last.Type != bitcoin.TypeReject || j.Code != bitcoin.RejectMalformed {
		t.Errorf("the last word is type %d, %v, %v", last.Type, &j, err)
	}
	<-e.down
	if why := <-e.why; !errors.Is(why, fault.Protocol) {
		t.Errorf("the link ended with %v", why)
	}
}

// TestSimulatedNetwork lets nodes that know one find each other by what they tell
// of addresses, under virtual time.
func TestSimulatedNetwork(t *testing.T) {
	for _, p := range []bitcoin.Params{bitcoin.SoterSim(), bitcoin.BitcoinSim()} {
		d, err := bitcoin.New(bitcoin.Config{Params: p})
		if err != nil {
			t.Fatal(err)
		}
		w := sim.NewWorld(4)
		t.Cleanup(w.Close)
		at := func(i int) addr.Addr {
			return addr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{20, byte(i), 0, 1}), p.Port))
		}
		const nodes = 40
		for i := range nodes {
			w.Add(at(i), d, core.Config{}, at(0))
		}
		if err := w.Run(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		g := w.Graph()
		if deg := g.Degrees(); !g.Connected() || deg.Min < 4 {
			t.Errorf("%s (seed %d): parts of %v nodes, degrees %d to %d", d.Name(), w.Seed(), g.Components(), deg.Min, deg.Max)
		} else {
			t.Logf("%s: degrees %d to %d, mean %.1f", d.Name(), deg.Min, deg.Max, deg.Mean)
		}
	}
}
