package p2p

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/dialect/factom/gobwire"
	"parley/transport"
	"parley/transport/mem"
)

// The rest of the hazards; see hazards_test.go.

// dialed is a transport that notes whom it was asked to dial.
type dialed struct {
	transport.Transport
	mu  sync.Mutex
	all []string
}

func (d *dialed) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	d.mu.Lock()
	d.all = append(d.all, to.String())
	d.mu.Unlock()
	return d.Transport.Dial(ctx, to)
}

func TestH18SharesAreNotTrusted(t *testing.T) { synctest.Test(t, testH18) }

// H18: what a peer tells of other machines is dialed, but not what it tells of
// ours, nor names, and not more of it than one source may contribute.
func testH18(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := unrun(t, netw, 1, local(10))
	d := &dialed{Transport: n.wire.tcp}
	n.wire.tcp = d
	if err := n.Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Stop() })
	from, _ := addr.Parse(place(2))
	to, _ := addr.Parse(place(1))
	conn, err := netw.From(from).Dial(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	v := meet(t, conn, n, 10, "8108", 2)
	var wg sync.WaitGroup
	wg.Go(func() { // answers every question
		for round := 0; ; round++ {
			p, err := v.Receive()
			if err != nil {
				return
			}
			if p.kind() != TypePeerRequest {
				continue
			}
			eps := []Endpoint{{"127.0.0.1", "9000"}, {"localhost", "9000"}, {fmt.Sprint("10.1.0.", 1+round), "8108"}}
			share, _ := v.MakePeerShare(eps)
			if v.Send(&Parcel{ptype: TypePeerResponse, Payload: share}) != nil {
				return
			}
		}
	})
	time.Sleep(2 * time.Minute)
	conn.Close()
	wg.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	others := 0
	for _, a := range d.all {
		if strings.Contains(a, ":9000") {
			t.Errorf("dialed %s", a)
		}
		if strings.HasPrefix(a, "10.1.0.") {
			others++
		}
	}
	if others < 3 {
		t.Errorf("dialed only %v", d.all)
	}
}

// H19: a ban ends every peer of the address, and is there after a restart.
func TestH19BansEndAllAndLast(t *testing.T) {
	c := local(10)
	c.PeerCacheFile = filepath.Join(t.TempDir(), "peers.json")
	n := start(t, c)
	a, b := visit(t, n, 10, "1", 1), visit(t, n, 11, "2", 2)
	n.Ban(a.hash)
	for _, v := range []*visitor{a, b} {
		if _, err := v.message(); err == nil {
			t.Errorf("%s is connected", v.hash)
		}
	}
	turnedAway(t, n)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	var pc PeerCache
	text, err := os.ReadFile(c.PeerCacheFile)
	if err == nil {
		err = json.Unmarshal(text, &pc)
	}
	if until := pc.Bans["127.0.0.1"]; err != nil || time.Until(until) < 6*24*time.Hour {
		t.Errorf("the file says %s, %v", text, err)
	}
	turnedAway(t, start(t, c))
}

func turnedAway(t *testing.T, n *Network) {
	t.Helper()
	c := dialRaw(t, n)
	if k, err := c.Read(make([]byte, 1)); k != 0 || err == nil {
		t.Error("a banned address was answered")
	}
}

// H20: a seed server that never answers holds up nothing: special peers are
// connected, and Stop does not wait for it.
func TestH20StallingSeedServer(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-release
	}))
	defer srv.Close()
	defer close(release)
	c := numbered(local(10), 2)
	c.SeedURL = srv.URL
	_, b := pair(t, numbered(local(10), 1), c)
	<-asked
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
}

func TestH20FailedListIsReadAgain(t *testing.T) { synctest.Test(t, testH20) }

// H20: a list that could not be read is read again soon, not hours later.
func testH20(t *testing.T) {
	netw := mem.New(time.Millisecond)
	virtual(t, netw, 1, local(10))
	c := local(10)
	c.SeedURL = filepath.Join(t.TempDir(), "seeds")
	n := virtual(t, netw, 2, c)
	time.Sleep(time.Minute)
	list := "# comment\n\n" + place(1) + " # the first\nnot an address\n" + place(1) + "\n"
	if err := os.WriteFile(c.SeedURL, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Minute)
	if n.Total() != 1 {
		t.Errorf("%d peers minutes after the list was there", n.Total())
	}
}

// heap returns how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// H21: lengths that are only announced cost nothing, before the handshake or
// after.
func TestH21AnnouncedLengths(t *testing.T) {
	n := start(t, local(10))
	before := heap()
	for range 10 {
		c := dialRaw(t, n)
		c.Write([]byte("pbuf\x08\x00\x00\x00"))
		if k, err := c.Read(make([]byte, 1)); k != 0 || err == nil {
			t.Error("128 MiB of handshake are waited for")
		}
	}
	for i := range 10 {
		v := visit(t, n, 11, fmt.Sprint(i+1), i+1)
		got := n.peers.Get(v.hash).GetMetrics().BytesReceived
		v.conn.Write([]byte("\x08\x00\x00\x00\x08\x06\x12"))
		eventually(t, "the length has arrived", func() bool { return n.peers.Get(v.hash).GetMetrics().BytesReceived == got+7 })
	}
	if after := heap(); after > before+8<<20 {
		t.Errorf("%d bytes more", after-before)
	}
	if n.Total() != 10 {
		t.Errorf("%d peers", n.Total())
	}
}

// H22: versions 9 and 10 have a limit too, and it is applied to the length.
func TestH22LimitOfGobParcels(t *testing.T) {
	n := start(t, local(10))
	for _, version := range []uint16{9, 10} {
		v := visit(t, n, version, "1", int(version))
		v.conn.Write([]byte{0xfc, 0x19, 0, 0, 0}) // 419 MB
		if p, err := v.message(); err == nil {
			t.Errorf("version %d: got %v", version, p)
		}
	}
}

// H23: type definitions without end are refused after a handful.
func TestH23TypeDefinitions(t *testing.T) {
	n := start(t, local(10))
	c := dialRaw(t, n)
	defs := func(id int) []byte { return gobwire.IDs{Short: id}.DefineShort(nil) }
	for id := 64; ; id++ {
		if _, err := c.Write(defs(id)); err != nil {
			break
		}
		if id > 1<<20 {
			t.Fatal("a million definitions were taken")
		}
	}
	v := visit(t, n, 10, "1", 1)
	v.Send(NewParcel("", []byte("x")))
	next(t, n)
	for id := 100; id < 1<<20; id++ {
		if _, err := v.conn.Write(defs(id)); err != nil {
			return
		}
	}
	t.Error("a million definitions were taken after the handshake")
}

// H24: connections that say nothing are bounded in number.
func TestH24HalfOpenConnections(t *testing.T) {
	n := start(t, local(10))
	for range 90 {
		dialRaw(t, n)
	}
	eventually(t, "the rest is turned away", func() bool {
		s, err := n.node.Snapshot(t.Context())
		return err == nil && len(s.Links)+int(s.Turned) == 90 && len(s.Links) <= 64
	})
}

// H25: what the filter remembers of one peer is bounded.
func TestH25ResendFilterIsBounded(t *testing.T) {
	n := start(t, local(10))
	v := visit(t, n, 10, "1", 1)
	var wg sync.WaitGroup
	const count = 4 << 14
	wg.Go(func() {
		for i := range count {
			if err := v.Send(NewParcel("", fmt.Append(nil, i))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range count {
		next(t, n)
	}
	wg.Wait()
	p := n.peers.Get(v.hash)
	p.sent.mu.Lock()
	defer p.sent.mu.Unlock()
	if k := p.sent.seen.Len(); k > 3<<14 || k < 1<<14 {
		t.Errorf("%d payloads are remembered", k)
	}
}

// H26: a flood of pings starts no goroutines, is answered a few times a second,
// and ends the connection when it goes on.
func TestH26PingFlood(t *testing.T) {
	n := start(t, local(10))
	v := visit(t, n, 10, "1", 1)
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	pongs := 0
	wg.Go(func() {
		for {
			p, err := v.Receive()
			if err != nil {
				return
			}
			if p.kind() == TypePong {
				pongs++
			}
		}
	})
	for range 900 {
		if err := v.Send(&Parcel{ptype: TypePing, Payload: []byte("Ping")}); err != nil {
			t.Fatal(err)
		}
	}
	v.Send(NewParcel("", []byte("x")))
	next(t, n)
	if now := runtime.NumGoroutine(); now > before+5 {
		t.Errorf("%d goroutines, %d before", now, before)
	}
	for range 200 {
		v.Send(&Parcel{ptype: TypePing, Payload: []byte("Ping")})
	}
	wg.Wait()
	if pongs == 0 || pongs > 300 {
		t.Errorf("%d pongs", pongs)
	}
	eventually(t, "the flood is ended", func() bool { return n.Total() == 0 })
}

// A network leaves no goroutine behind, whatever it was doing.
func TestStopLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		c := numbered(local(10), 2)
		c.SeedURL = write(t, "127.0.0.1:1\n")
		c.ChannelCapacity = 1
		a, b := pair(t, numbered(c, 1), c)
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 3000 {
				b.BlockingSend(NewParcel(Broadcast, make([]byte, 4<<10))) // nobody reads
			}
		})
		eventually(t, "queues are full", func() bool { return only(t, b).SendFillRatio() > 0.8 })
		dialRaw(t, a)
		a.Stop()
		b.Stop()
		wg.Wait()
	}
	goroutines(t, before)
}

func TestIPv6(t *testing.T) {
	for _, bind := range []string{"::1", "[::1]"} {
		ca, cb := numbered(local(10), 1), numbered(local(11), 2)
		ca.BindIP, cb.BindIP = bind, bind
		a, b := pair(t, ca, cb)
		p := only(t, a)
		if p.Endpoint.IP != "::1" || !p.IsIncoming || !strings.HasPrefix(p.Hash, "::1:") || !strings.HasPrefix(p.Endpoint.String(), "[::1]:") {
			t.Errorf("%s at %s", p, p.Endpoint)
		}
		b.BlockingSend(NewParcel(only(t, b).Hash, []byte("six")))
		if got := next(t, a); string(got.Payload) != "six" || got.Address != p.Hash {
			t.Errorf("got %s from %s", got, got.Address)
		}
	}
}

// The limit of connections dialed to one IP is kept.
func TestPeerIPLimitOutgoing(t *testing.T) {
	var list []string
	for i := range 4 {
		c := numbered(local(10), i+1)
		c.TargetPeers = 1
		list = append(list, at(start(t, c)))
	}
	c := numbered(local(10), 9)
	c.PeerIPLimitOutgoing = 2
	c.SeedURL = write(t, strings.Join(list, "\n"))
	n := start(t, c)
	eventually(t, "the others are given up", func() bool {
		given := 0
		for _, e := range n.node.Ended(100) {
			if strings.Contains(e.Why, errIPLimit.Error()) {
				given++
			}
		}
		return given >= 2
	})
	if out := n.peers.Outgoing(); out > 2 {
		t.Errorf("%d dialed to one IP, want 2", out)
	}
	if slices.ContainsFunc(n.peers.Slice(), func(p *Peer) bool { return p.Endpoint.IP != "127.0.0.1" }) {
		t.Error("another IP")
	}
}
