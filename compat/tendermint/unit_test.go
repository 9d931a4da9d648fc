package p2p

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

func TestNetAddress(t *testing.T) {
	for _, tt := range []struct {
		text                   string
		valid, local, routable bool
	}{
		{"127.0.0.1:8080", true, true, false},
		{"8.8.8.8:8080", true, false, true},
		{"[ff02::1:114]:8080", false, false, false},
		{"[2001:db8::68]:8080", false, false, false},
		{"0.0.0.0:1", false, true, false},
		{"255.255.255.255:1", false, false, false},
		{"10.1.2.3:1", true, false, false},
		{"192.168.0.1:1", true, false, false},
		{"169.254.0.1:1", true, false, false},
		{"[fe80::1]:1", true, false, false},
		{"[fc00::1]:1", true, false, false},
		{"[2001:10::1]:1", true, false, false},
		{"[2a00::1]:1", true, false, true},
	} {
		na := NewNetAddressString(tt.text)
		if na.Valid() != tt.valid || na.Local() != tt.local || na.Routable() != tt.routable || na.String() != tt.text {
			t.Errorf("%v: valid %v, local %v, routable %v", na, na.Valid(), na.Local(), na.Routable())
		}
	}
	for _, bad := range []string{"", "1.2.3.4", "1.2.3.4:0", "1.2.3.4:65536", "name:80", "x@1.2.3.4:5"} {
		if na, err := ParseNetAddress(bad); err == nil {
			t.Errorf("%q is %v", bad, na)
		}
	}
	a, b := NewNetAddressString("1.2.3.4:5"), NewNetAddressString("1.2.3.4:6")
	if !a.Less(b) || b.Less(a) || a.Equals(b) || !a.Equals(NewNetAddress(&net.TCPAddr{IP: net.ParseIP("::ffff:1.2.3.4"), Port: 5})) {
		t.Error("addresses are out of order")
	}
}

func TestReachability(t *testing.T) {
	local, four, other, six, teredo, sixtofour := "10.0.0.1:1", "8.8.8.8:1", "9.9.9.9:1", "[2a00::1]:1", "[2001::1]:1", "[2002::1]:1"
	for _, tt := range []struct {
		to, from string
		want     int
	}{
		{local, four, Unreachable}, {four, other, Ipv4}, {four, six, Unreachable}, {six, local, Default},
		{six, teredo, Teredo}, {six, four, Ipv4}, {six, six, Ipv6_strong}, {sixtofour, six, Ipv6_weak}, {teredo, six, Ipv6_weak},
	} {
		if got := NewNetAddressString(tt.to).ReachabilityTo(NewNetAddressString(tt.from)); got != tt.want {
			t.Errorf("%s from %s: %d, want %d", tt.to, tt.from, got, tt.want)
		}
	}
}

// A book keeps its secret and what it knows over a restart, in the form that it
// found, and sets aside a file that it cannot read.
func TestAddrBookFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addrbook.json")
	a := NewAddrBook(path)
	src := NewNetAddressString("7.7.7.7:1")
	a.AddOurAddress(NewNetAddressString("5.5.5.5:1"))
	for _, s := range []string{"5.5.5.5:1", "10.0.0.1:1", "8.8.8.8:1", "9.9.9.9:2"} {
		a.AddAddress(NewNetAddressString(s), src)
	}
	a.MarkGood(NewNetAddressString("9.9.9.9:2"))
	a.Start()
	a.Stop()
	b := NewAddrBook(path)
	b.Start()
	if b.Key() != a.Key() || b.Size() != 2 || !b.NeedMoreAddrs() {
		t.Errorf("the key is %s for %s, with %d addresses", b.Key(), a.Key(), b.Size())
	}
	if got := b.PickAddress(0); got.String() != "9.9.9.9:2" {
		t.Errorf("the proven address is %v", got)
	}
	if got := b.PickAddress(100); got.String() != "8.8.8.8:1" {
		t.Errorf("the unproven address is %v", got)
	}
	if n := len(b.GetSelection()); n != 2 {
		t.Errorf("%d are selected", n)
	}
	b.MarkBad(NewNetAddressString("8.8.8.8:1"))
	b.RemoveAddress(NewNetAddressString("9.9.9.9:2"))
	if b.PickAddress(50) != nil {
		t.Error("a removed address is picked")
	}
	b.Stop()
	file, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(file), `"Addrs"`) {
		t.Errorf("the file of 2014 became %s, %v", file, err)
	}
	if err := os.WriteFile(path, []byte(`{"key": 5`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := NewAddrBook(path)
	c.Start()
	c.Stop()
	if aside, err := os.ReadFile(path + ".damaged"); err != nil || string(aside) != `{"key": 5` {
		t.Errorf("set aside is %q, %v", aside, err)
	}
	if file, err := os.ReadFile(path); err != nil || !strings.Contains(string(file), c.Key()) {
		t.Errorf("the new file is %q, %v", file, err)
	}
}

// Peers take turns in a queue, and one that is held, or being dealt with, has
// none.
func TestQueueTurns(t *testing.T) {
	d := &ChannelDescriptor{Id: 1}
	d.fillDefaults()
	q := newQueue(d)
	a, b, held := &inbox{}, &inbox{}, &inbox{held: true}
	for _, s := range []string{"1", "2", "3"} {
		q.put(a, []byte("a"+s))
	}
	q.put(held, []byte("h1"))
	q.put(b, []byte("b1"))
	var got []string
	take := func(alone bool) *inbox {
		in, x, _ := q.take(alone)
		got = append(got, string(x))
		return in
	}
	first := take(true)
	take(false)
	q.release(held)
	take(false)
	q.done(first)
	take(false)
	take(false)
	if want := []string{"a1", "b1", "h1", "a2", "a3"}; !slices.Equal(got, want) {
		t.Errorf("taken are %v, want %v", got, want)
	}
}

func TestQueueLimits(t *testing.T) {
	d := &ChannelDescriptor{Id: 1, RecvQueueBytes: 1000}
	d.fillDefaults()
	q := newQueue(d)
	a := &inbox{}
	if ok, _ := q.put(a, make([]byte, 5000)); !ok {
		t.Error("a message longer than the queue is never taken")
	}
	ok, room := q.put(a, nil)
	if ok {
		t.Error("more is taken than may wait")
	}
	q.take(false)
	<-room
	n := 0
	for ok := true; ok; n++ {
		ok, _ = q.put(a, make([]byte, 36))
	}
	if n != 11 || a.bytes != 1000 {
		t.Errorf("%d are taken, %d bytes", n-1, a.bytes)
	}
}

// Workers deal with several peers at a time, never with two messages of one.
func TestWorkers(t *testing.T) { synctest.Test(t, testWorkers) }

func testWorkers(t *testing.T) {
	const peers, messages = 4, 5
	netw := mem.New(time.Millisecond)
	r := newTape(&ChannelDescriptor{Id: app, Workers: peers})
	r.slow[app] = time.Second
	c := comet(t, netw, 1)
	a := prepare(t, c)
	a.AddReactor("tape", r)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	for n := range peers {
		dialer(t, netw, 2+n, nil)
	}
	settled(time.Second)
	if n, _ := r.met(); n != peers {
		t.Errorf("told of %d peers", n)
	}
	if got, ok := a.Reactor("tape"); !ok || got != Reactor(r) || r.Switch != a || !r.IsRunning() || r.String() != "tape" {
		t.Error("the reactor is not there")
	}
	for _, p := range a.Peers().List() {
		if !p.SendEnvelope(Envelope{ChannelID: app, Message: []byte("x")}) {
			t.Error("not sent")
		}
	}
	if ok, failed := a.BroadcastEnvelope(Envelope{ChannelID: 0x77}); ok != 0 || failed != peers {
		t.Errorf("on no channel: %d, %d", ok, failed)
	}
	quit := r.Quit()
	for range messages {
		for n := range peers {
			sender(t, a, netw, 2+n)
		}
	}
	began := time.Now()
	for r.counted(app) < peers*messages {
		settled(100 * time.Millisecond)
	}
	if d := time.Since(began); d < (messages-1)*time.Second || d > (messages+1)*time.Second {
		t.Errorf("%d messages of each of %d peers took %v", messages, peers, d)
	}
	a.Stop()
	<-quit
	if _, n := r.met(); r.IsRunning() || n != peers {
		t.Errorf("told that %d peers went", n)
	}
}

// sender has node n, which is a peer of a, send it a message.
func sender(t *testing.T, a *Switch, netw *mem.Network, n int) {
	t.Helper()
	p := a.Peers().Get(idOf(comet(t, netw, n)))
	m := p.mconn.channels[app]
	m.q.put(m.in, []byte("x"))
}
