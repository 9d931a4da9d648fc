package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/fault"
	"parley/transport/mem"
)

// hello is what a toy node says first.
func hello(netw uint32, nonce uint64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, netw)
	b = binary.LittleEndian.AppendUint64(b, nonce)
	return binary.LittleEndian.AppendUint16(b, 0)
}

// wantClosed checks that the node closes c after from and before d.
func wantClosed(t *testing.T, c net.Conn, from, d time.Duration) {
	t.Helper()
	start := time.Now()
	c.SetReadDeadline(start.Add(2 * d))
	if _, err := io.Copy(io.Discard, c); err != nil && errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("still open after %v", time.Since(start))
	}
	if took := time.Since(start); took < from || took > d {
		t.Errorf("closed after %v, want %v to %v", took, from, d)
	}
}

func TestOpenSilence(t *testing.T) { synctest.Test(t, testOpenSilence) }

func testOpenSilence(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1))
	wantClosed(t, raw(t, netw, 1), 10*time.Second, 11*time.Second)
	n.wantEnded(t, "timeout", "open")
	c := raw(t, netw, 1)
	c.Write(hello(network, 2)[:5])
	wantClosed(t, c, 9*time.Second, 11*time.Second)
	n.wantEnded(t, "timeout", "open")
}

// A peer that sends a byte a second does not get more time than others.
func TestOpenTrickle(t *testing.T) { synctest.Test(t, testOpenTrickle) }

func testOpenTrickle(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1))
	c := raw(t, netw, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, b := range hello(network, 2) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	})
	wantClosed(t, c, 9*time.Second, 11*time.Second)
	wg.Wait()
	n.wantEnded(t, "timeout", "open")
}

func TestOpenGarbage(t *testing.T) { synctest.Test(t, testOpenGarbage) }

func testOpenGarbage(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1))
	c := raw(t, netw, 1)
	c.Write(bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 100))
	wantClosed(t, c, 0, time.Second)
	time.Sleep(linger)
	n.wantEnded(t, "protocol", "network")
}

func TestOpenSelf(t *testing.T) { synctest.Test(t, testOpenSelf) }

func testOpenSelf(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1, 1))
	time.Sleep(time.Minute)
	for range n.Links() {
		t.Error("a node is linked to itself")
	}
	for _, e := range n.Ended(10) {
		if e.WasUp || e.Kind == "protocol" || e.Kind == "abuse" {
			t.Errorf("%+v: nobody is to blame", e)
		}
	}
}

// endless is a dialect whose opening never has enough, or always too much.
type endless struct{ dialect.Dialect }

func (endless) Open(rw io.ReadWriter, _ *dialect.Opening) (*dialect.Link, error) {
	if _, err := io.Copy(io.Discard, rw); err != nil {
		return nil, errors.New("some error of the dialect's")
	}
	return nil, errors.New("the stream ended")
}

func TestOpenBytes(t *testing.T) { synctest.Test(t, testOpenBytes) }

func testOpenBytes(t *testing.T) {
	netw := mem.New(time.Millisecond)
	cfg := member(netw, 1)
	cfg.Dialect = endless{toy.New(toy.Config{})}
	cfg.OpenBytes = 1 << 10
	n := run(t, cfg)
	c := raw(t, netw, 1)
	c.Write(make([]byte, 1<<10))
	time.Sleep(time.Second)
	if e := n.Ended(1); len(e) != 0 {
		t.Errorf("ended within its limit: %+v", e)
	}
	c.Write([]byte{1})
	wantClosed(t, c, 0, time.Second)
	n.wantEnded(t, "protocol", "limit 1024")
}

// What follows the exchange in the same packet reaches the reader.
func TestOpenPipelined(t *testing.T) { synctest.Test(t, testOpenPipelined) }

func testOpenPipelined(t *testing.T) {
	netw := mem.New(time.Millisecond)
	got := &collector{}
	cfg := member(netw, 1)
	cfg.Handler = events{receive: got.receive}
	run(t, cfg)
	c := raw(t, netw, 1)
	const yes = 1
	b := append(hello(network, 2), yes)
	for range 3 {
		b = append(b, 2, 0, 0, 0, byte(toy.App), 'h', 'i')
	}
	c.Write(append(b, 2, 0, 0)) // and a part of the next
	time.Sleep(time.Second)
	if g := strings.Join(got.all(), " "); g != "hi hi hi" {
		t.Errorf("arrived: %q", g)
	}
	c.Write([]byte{0, byte(toy.App), 'y', 'o'})
	time.Sleep(time.Second)
	if g := strings.Join(got.all(), " "); g != "hi hi hi yo" {
		t.Errorf("arrived: %q", g)
	}
}

// A refusal arrives with its alternatives, although the one that is refused
// has sent more than was read.
func TestRefusal(t *testing.T) { synctest.Test(t, testRefusal) }

func testRefusal(t *testing.T) {
	netw := mem.New(5 * time.Millisecond)
	cfg := member(netw, 1)
	cfg.Core.Inbound = 1
	n := run(t, cfg)
	run(t, member(netw, 2, 1))
	n.only(t)
	time.Sleep(time.Minute) // until the other is proven by being dialed, or known
	n.Learn([]addr.Addr{host(7)})
	c := raw(t, netw, 1)
	c.Write(append(hello(network, 3), make([]byte, 20<<10)...))
	c.SetReadDeadline(time.Now().Add(time.Second))
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("read %d bytes, then %v", len(got), err)
	}
	if !bytes.HasPrefix(got, hello(network, 1)[:12]) || got[14] != 0 {
		t.Errorf("answer: %q, want a hello and a refusal", got)
	}
	c.Close()
	time.Sleep(time.Second)
	n.wantEnded(t, "refused", "refused")
}

// A node that is refused learns where else to try.
func TestRefusalTeaches(t *testing.T) { synctest.Test(t, testRefusalTeaches) }

func testRefusalTeaches(t *testing.T) {
	netw := mem.New(5 * time.Millisecond)
	full := member(netw, 1, 2)
	full.Core.Inbound = -1
	run(t, full)
	run(t, member(netw, 2))
	third := run(t, member(netw, 3, 1))
	time.Sleep(2 * time.Minute)
	if l := linkTo(t, third, 2); l == nil {
		t.Error("the alternative was not dialed")
	}
}

// A dial to a place that does not answer ends at its deadline.
func TestDialTimeout(t *testing.T) { synctest.Test(t, testDialTimeout) }

func testDialTimeout(t *testing.T) {
	netw := mem.New(time.Millisecond)
	netw.Cut(host(1), host(2))
	n := run(t, member(netw, 1, 2, 3))
	time.Sleep(11 * time.Second)
	kinds := map[string]string{}
	for _, e := range n.Ended(100) {
		kinds[e.Addr] = e.Kind
	}
	if kinds[host(2).String()] != "timeout" || kinds[host(3).String()] != "io" {
		t.Errorf("a peer that is cut off and one that is not there: %v", kinds)
	}
}

func TestDialByName(t *testing.T) { synctest.Test(t, testDialByName) }

func testDialByName(t *testing.T) {
	netw := mem.New(time.Millisecond)
	netw.Name("seed.example", host(1))
	run(t, member(netw, 1))
	cfg := member(netw, 2)
	cfg.Seeds = []addr.Addr{{Host: "seed.example", Port: 8000}}
	n := run(t, cfg)
	if l := n.only(t); l.Addr() != cfg.Seeds[0] {
		t.Errorf("linked to %s", l.Addr())
	}
}

func TestAttach(t *testing.T) { synctest.Test(t, testAttach) }

func testAttach(t *testing.T) {
	netw := mem.New(0)
	got := &collector{}
	a, b := member(netw, 1), member(netw, 2)
	a.Listen, b.Listen = nil, nil
	a.Handler = events{receive: got.receive}
	na, nb := run(t, a), run(t, b)
	ca, cb := net.Pipe() // a connection without addresses or a half close
	done := make(chan *Link)
	go func() {
		l, err := na.Attach(t.Context(), ca, false)
		if err != nil {
			t.Error(err)
		}
		done <- l
	}()
	lb, err := nb.Attach(t.Context(), cb, true)
	if err != nil {
		t.Fatal(err)
	}
	la := <-done
	if la.Dialed() || !lb.Dialed() || la.Intro().Nonce != 2 {
		t.Errorf("links: dialed %v and %v, introduced %+v", la.Dialed(), lb.Dialed(), la.Intro())
	}
	if err := lb.Send(t.Context(), app("hello")); err != nil {
		t.Error(err)
	}
	synctest.Wait()
	if g := got.all(); len(g) != 1 || g[0] != "hello" {
		t.Errorf("arrived: %q", g)
	}
	lb.Close(nil)
	<-la.Done()
	<-lb.Done()
}

func TestAttachFails(t *testing.T) { synctest.Test(t, testAttachFails) }

func testAttachFails(t *testing.T) {
	netw := mem.New(0)
	n := run(t, member(netw, 1))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	silent, _ := net.Pipe()
	if l, err := n.Attach(ctx, silent, true); l != nil || err != context.DeadlineExceeded {
		t.Errorf("to a silent peer: %v, %v", l, err)
	}
	ours, theirs := net.Pipe()
	go theirs.Write(hello(network+1, 9))
	if _, err := n.Attach(t.Context(), ours, false); fault.KindOf(err) != fault.Protocol && fault.KindOf(err) != fault.Timeout {
		t.Errorf("to a peer of another network: %v", err)
	}
	n.stop()
	gone, other := net.Pipe()
	if _, err := n.Attach(t.Context(), gone, true); err != ErrNotRunning {
		t.Errorf("to a node that has ended: %v", err)
	}
	if _, err := other.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Errorf("a connection that was not adopted is left open: %v", err)
	}
	unborn, err := New(member(netw, 2))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := unborn.Attach(ctx, gone, true); err == nil {
		t.Error("a node that never ran adopted a connection")
	}
}

func TestAdvertise(t *testing.T) {
	at := []addr.Addr{host(1).WithPort(1234)}
	anywhere := []addr.Addr{{Port: 1234}}
	name := addr.Addr{Host: "node.example"}
	for _, c := range []struct {
		what      string
		self      addr.Addr
		advertise addr.Addr
		at        []addr.Addr
		want      addr.Addr
	}{
		{"nowhere", addr.Addr{}, addr.Addr{}, nil, addr.Addr{}},
		{"one address", addr.Addr{}, addr.Addr{}, at, at[0]},
		{"every interface: only the port is known", addr.Addr{}, addr.Addr{}, anywhere, addr.Addr{Port: 1234}},
		{"a name for it", addr.Addr{}, name, at, name.WithPort(1234)},
		{"another port, as forwarded", addr.Addr{}, addr.Addr{Port: 80}, at, at[0].WithPort(80)},
		{"both", addr.Addr{}, name.WithPort(80), at, name.WithPort(80)},
		{"a name without a port or a listener", addr.Addr{}, name, nil, addr.Addr{}},
		{"set by hand", host(9), name.WithPort(80), at, host(9)},
	} {
		cfg := Config{Self: dialect.Self{Listen: c.self}}
		if got := cfg.introduce(c.advertise, c.at).Listen; got != c.want {
			t.Errorf("%s: tells %s, want %s", c.what, got, c.want)
		}
	}
}

// What a node tells of itself is what its peers are told.
func TestAdvertiseArrives(t *testing.T) { synctest.Test(t, testAdvertiseArrives) }

func testAdvertiseArrives(t *testing.T) {
	netw := mem.New(0)
	b := member(netw, 2, 1)
	b.Listen = []addr.Addr{host(2).WithPort(0)}
	b.Advertise = addr.Addr{Port: 4321}
	b.Core = core.Config{}
	na, nb, _ := two(t, member(netw, 1), b)
	if in := na.only(t).Intro(); in.Listen != host(2).WithPort(4321) {
		t.Errorf("introduced as %s", in.Listen)
	}
	if at := nb.Listening(); len(at) != 1 || at[0].Port < 49152 || nb.Self().Listen.Port != 4321 {
		t.Errorf("listens at %v, tells %s", at, nb.Self().Listen)
	}
	for _, c := range []struct{ to, want addr.Addr }{
		{host(9).WithPort(80), host(9).WithPort(80)},
		{addr.Addr{Port: 81}, host(2).WithPort(81)},
		{addr.Addr{}, host(2).WithPort(4321)},
	} {
		nb.Advertise(c.to)
		na.only(t).Close(errors.New("to open anew"))
		synctest.Wait()
		time.Sleep(time.Minute) // until it is dialed again
		if in := na.only(t).Intro(); in.Listen.Port != c.want.Port || nb.Self().Listen != c.want {
			t.Errorf("after Advertise(%s), introduced as %s, tells %s", c.to, in.Listen, nb.Self().Listen)
		}
	}
}

// On a live link, too, a message that trickles in does not keep the link alive.
func TestLiveTrickle(t *testing.T) { synctest.Test(t, testLiveTrickle) }

func testLiveTrickle(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1))
	c := raw(t, netw, 1)
	const yes = 1
	c.Write(append(hello(network, 2), yes, 0, 4, 0, 0, byte(toy.App))) // of 1,024 bytes
	start := time.Now()
	for {
		if _, err := c.Write([]byte{0}); err != nil {
			break
		}
		time.Sleep(time.Second)
	}
	if took := time.Since(start); took > 90*time.Second {
		t.Errorf("ended after %v", took)
	}
	n.wantEnded(t, "timeout", "silent")
}
