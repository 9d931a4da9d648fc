package node

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/transport"
	"parley/transport/mem"
)

// troubled is a transport whose listener fails a few times before it accepts.
type troubled struct {
	transport.Transport
	fails int
	tries []time.Duration // when Accept was called
	start time.Time
}

func (tr *troubled) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	ln, err := tr.Transport.Listen(ctx, at)
	return &troubledListener{ln, tr}, err
}

type troubledListener struct {
	net.Listener
	tr *troubled
}

func (l *troubledListener) Accept() (net.Conn, error) {
	l.tr.tries = append(l.tr.tries, time.Since(l.tr.start))
	if l.tr.fails > 0 {
		l.tr.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// A listener without file descriptors waits longer and longer, up to a second,
// and then goes on.
func TestAcceptPauses(t *testing.T) { synctest.Test(t, testAcceptPauses) }

func testAcceptPauses(t *testing.T) {
	netw := mem.New(0)
	cfg := member(netw, 1)
	tr := &troubled{Transport: cfg.Transport, fails: 11, start: time.Now()}
	cfg.Transport = tr
	log := &logs{}
	cfg.Log = log.logger()
	n := run(t, cfg)
	time.Sleep(10 * time.Second)
	run(t, member(netw, 2, 1))
	n.only(t)
	var at time.Duration
	for i, got := range tr.tries[:11] {
		if got != at {
			t.Errorf("try %d after %v, want %v", i, got, at)
		}
		at += min(acceptPause<<i, time.Second)
	}
	if !strings.Contains(log.text(), "accept failed") {
		t.Error("the log does not say so")
	}
}

// A node does not wait for the end of a pause to stop.
func TestAcceptPauseEnds(t *testing.T) { synctest.Test(t, testAcceptPauseEnds) }

func testAcceptPauseEnds(t *testing.T) {
	cfg := member(mem.New(0), 1)
	cfg.Transport = &troubled{Transport: cfg.Transport, fails: 1 << 30, start: time.Now()}
	n := run(t, cfg)
	time.Sleep(time.Minute + 100*time.Millisecond)
	start := time.Now()
	n.stop()
	if took := time.Since(start); took != 0 {
		t.Errorf("stopping took %v", took)
	}
}

func TestBucket(t *testing.T) {
	var b bucket
	b.init(10, 20)
	now := time.Unix(1000, 0)
	took := func(tries int) (n int) {
		for range tries {
			if b.take(now) {
				n++
			}
		}
		return n
	}
	if n := took(50); n != 20 {
		t.Errorf("%d at once, want the burst of 20", n)
	}
	now = now.Add(time.Second)
	if n := took(50); n != 10 {
		t.Errorf("%d a second later, want 10", n)
	}
	now = now.Add(time.Hour)
	if n := took(50); n != 20 {
		t.Errorf("%d an hour later, want 20", n)
	}
	b.init(-1, -2)
	if n := took(5000); n != 5000 {
		t.Errorf("%d without a limit", n)
	}
}

// One machine gets its share of the rate, and leaves the rest to others.
func TestPorter(t *testing.T) {
	var g porter
	g.init(10, 40)
	now := time.Unix(1000, 0)
	took := func(tries int, from ...string) (n int) {
		for i := range tries {
			a, err := addr.Parse(from[i%len(from)])
			if err != nil {
				t.Fatal(err)
			}
			if g.take(now, a) {
				n++
			}
		}
		return n
	}
	if n := took(90, "8.1.0.1:1", "8.1.0.1:2"); n != 10 {
		t.Errorf("%d from one machine, want a quarter of the burst", n)
	}
	home := elsewhere(&g, netip.MustParseAddr("8.1.0.1"))
	if n := took(90, "["+home.String()+"]:1", "["+home.Next().String()+"]:1"); n != 10 {
		t.Errorf("%d from one IPv6 network of 64 bits, want a quarter of the burst", n)
	}
	if n := took(90, "127.0.0.1:1"); n != 20 {
		t.Errorf("%d from this machine, want what is left", n)
	}
	g.init(-1, 1)
	if n := took(90, "8.1.0.1:1"); n != 90 {
		t.Errorf("%d without a limit", n)
	}
}

// elsewhere returns an IPv6 address whose share of the rate is not that of another
// machine. Machines are many and shares few, so chance gives some the same.
func elsewhere(g *porter, other netip.Addr) netip.Addr {
	home := netip.MustParseAddr("2001:db8::1").As16()
	for g.host(netip.AddrFrom16(home)) == g.host(other) {
		home[7]++
	}
	return netip.AddrFrom16(home)
}

// Connections beyond the rate are closed before anything is read.
func TestAcceptRate(t *testing.T) { synctest.Test(t, testAcceptRate) }

func testAcceptRate(t *testing.T) {
	netw := mem.New(0)
	cfg := member(netw, 1)
	cfg.AcceptRate, cfg.AcceptBurst = 1, 20
	n := run(t, cfg)
	for range 20 {
		raw(t, netw, 1)
	}
	synctest.Wait()
	s, err := n.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Turned != 15 || len(s.Links) != 5 {
		t.Errorf("%d turned away, %d opening; want 15 and 5", s.Turned, len(s.Links))
	}
}
