package p2p

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/dialect"
	"parley/fault"
	"parley/transport/mem"
)

// With Hangup, a peer that sends more than may wait is disconnected.
func TestHangup(t *testing.T) { synctest.Test(t, testHangup) }

func testHangup(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app, Overflow: Hangup, RecvQueueBytes: 50_000})
	v := newVictim(t, c)
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	conn, l, err := visit(t, netw, 3)
	if err != nil {
		t.Fatal(err)
	}
	settled(time.Second)
	for range 6 {
		say(t, conn, l, dialect.Message{Type: app, Body: make([]byte, 10_000)})
	}
	v.ended(t, comet(t, netw, 3), time.Second, fault.Timeout)
}

// Identities that are private are passed on to nobody.
func TestPrivatePeers(t *testing.T) { synctest.Test(t, testPrivate) }

func testPrivate(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.PrivatePeerIDs = []string{idOf(comet(t, netw, 2))}
	start(t, c)
	var others []*Switch
	for n := 2; n < 6; n++ {
		c := comet(t, netw, n, &ChannelDescriptor{Id: app})
		c.Seeds = []string{place(1)}
		if n == 2 { // it says nothing of itself
			c.PersistentPeers, c.MaxNumOutboundPeers = c.Seeds, -1
		}
		others = append(others, start(t, c))
	}
	settled(10 * time.Minute)
	if n := count(others[0]); n != 1 {
		t.Errorf("the private node has %d peers, want the one it dialed", n)
	}
	if n := count(others[1]); n != 3 {
		t.Errorf("another one has %d peers, want 3", n)
	}
}

// A seed is asked, answers, and hangs up.
func TestSeedMode(t *testing.T) { synctest.Test(t, testSeed) }

func testSeed(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.SeedMode = true
	friend := comet(t, netw, 6, &ChannelDescriptor{Id: app})
	friend.PersistentPeers, friend.MaxNumOutboundPeers = []string{place(1)}, -1
	c.UnconditionalPeerIDs = []string{idOf(friend)}
	seed := start(t, c)
	kept := start(t, friend)
	var all []*Switch
	for n := 2; n < 6; n++ {
		c := comet(t, netw, n, &ChannelDescriptor{Id: app})
		c.Seeds = []string{place(1)}
		all = append(all, start(t, c))
		settled(time.Minute)
	}
	settled(10 * time.Minute)
	for i, sw := range all {
		if n := len(sw.Peers().List()); n < 3 {
			t.Errorf("node %d has %d peers", 2+i, n)
		}
	}
	busy := 0
	for range 100 {
		settled(time.Second)
		busy += count(seed)
	}
	if busy > 200 {
		t.Errorf("the seed holds on to peers: %d in 100 looks", busy)
	}
	if p := kept.peers.Get(idOf(c)); p == nil || !seed.peers.Has(idOf(friend)) {
		t.Error("the seed has hung up on an unconditional peer")
	}
}

// A mailbox whose listener never reads stays as small as the peers are many.
func TestMailboxIsBounded(t *testing.T) {
	m := newMailbox()
	told := &Peer{Key: "told"}
	m.came(told)
	if e, ok := m.next(); !ok || e.peer != told || e.gone {
		t.Fatalf("%v", e)
	}
	stays := &Peer{Key: "stays"}
	m.came(stays)
	for i := range 1000 {
		p := &Peer{Key: fmt.Sprint(i)}
		m.came(p)
		m.left(p, nil)
	}
	m.left(told, "why")
	if n := len(m.queue); n != 2 || m.missed.Load() != 1000 {
		t.Errorf("%d events wait, %d are missed", n, m.missed.Load())
	}
	for range maxEvents {
		m.came(&Peer{})
	}
	if n := len(m.queue); n != maxEvents || m.missed.Load() != 1002 {
		t.Errorf("%d events wait, %d are missed; limit %d", n, m.missed.Load(), maxEvents)
	}
	m.end()
	m.end()
	if _, ok := m.next(); ok {
		t.Error("told after the end")
	}
}

// A listener whose channel is closed is told no more, and a name can be used again.
func TestListenersChange(t *testing.T) { synctest.Test(t, testListenersChange) }

func testListenersChange(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	d := func() []*ChannelDescriptor { return []*ChannelDescriptor{{Id: app}} }
	first, second, closed := make(chan interface{}, 9), make(chan interface{}, 9), make(chan interface{})
	close(closed)
	a, b := joined(t, netw, func(a, b *Switch) {
		a.AddEventListener("x", first)
		a.AddEventListener("x", second)
		b.AddEventListener("closed", closed)
	}, d)
	later := make(chan interface{}, 9)
	a.AddEventListener("later", later)
	a.RemoveEventListener("nobody")
	b.StopPeerGracefully(only(t, b))
	settled(time.Second)
	if len(first) != 0 || len(second) < 2 || a.MissedEvents("nobody") != 0 {
		t.Errorf("told are %d and %d", len(first), len(second))
	}
	a.Stop()
	b.Stop()
	a.AddEventListener("too late", first)
	for len(later) > 0 {
		if e, ok := (<-later).(SwitchEventDonePeer); ok && e.Error == nil {
			t.Error("gone for no reason")
		}
	}
}

// What cannot be is said, with the name of the field.
func TestConfigErrors(t *testing.T) {
	for want, c := range map[string]Config{
		"listen":          {Listen: []string{"nowhere:1"}},
		"external":        {External: "x"},
		"persistent peer": {PersistentPeers: []string{"1.2.3.4"}},
		"seed":            {Seeds: []string{"zz@1.2.3.4:5"}},
		"Key":             {Protocol: CometBFT},
		"network":         {Protocol: CometBFT, Key: testKey(1)},
		"channel 0x00":    {Protocol: CometBFT, Key: testKey(1), Network: "x", NoPex: true, Channels: []*ChannelDescriptor{{DefaultPriority: 1 << 20}}},
	} {
		sw, err := NewSwitchConfig(c)
		if err == nil {
			err = sw.Start()
			sw.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want something about %s", err, want)
		}
	}
	r := newTape(&ChannelDescriptor{Id: 1})
	sw := NewSwitch(nil)
	sw.AddReactor("a", r)
	for what, f := range map[string]func(){
		"a name that is taken":            func() { sw.AddReactor("a", newTape()) },
		"a channel that is taken":         func() { sw.AddReactor("b", newTape(&ChannelDescriptor{Id: 1})) },
		"receiving what a reactor does":   func() { sw.Receive(1) },
		"a text that is no address":       func() { NewNetAddressString("x") },
		"an address that is not of TCP":   func() { NewNetAddress(&net.UDPAddr{}) },
		"a place where nobody can listen": func() { NewDefaultListener("tcp", "192.0.2.1:1") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
	if _, ok := sw.Reactor("zz"); ok {
		t.Error("a reactor that nobody added")
	}
}

// A reactor that cannot start keeps the Switch from starting.
func TestReactorThatCannotStart(t *testing.T) {
	sw := NewSwitch(nil)
	r := &lame{}
	r.BaseReactor = NewBaseReactor("lame", r)
	sw.AddReactor("lame", r)
	if err := sw.Start(); !errors.Is(err, errLame) || !strings.Contains(err.Error(), "lame") {
		t.Errorf("started with %v", err)
	}
	if !r.stopped {
		t.Error("it was not stopped")
	}
}

var errLame = errors.New("no legs")

type lame struct {
	*BaseReactor
	stopped bool
}

func (*lame) OnStart() error { return errLame }

func (r *lame) OnStop() { r.stopped = true }

// Where others dial is what the router says, if it is asked and answers, and never
// loopback.
func TestExternalAddress(t *testing.T) {
	said := NewNetAddressString("8.8.8.8:99")
	asked := uint16(0)
	l, err := Listen("tcp", "0.0.0.0:0", func(port uint16) (*NetAddress, error) {
		asked = port
		return said, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	if l.ExternalAddress() != said || asked == 0 || !strings.Contains(l.String(), "8.8.8.8:99") {
		t.Errorf("%v, asked for port %d", l, asked)
	}
	network := func(s string) net.Addr {
		ip, n, err := net.ParseCIDR(s)
		if err != nil {
			t.Fatal(err)
		}
		n.IP = ip
		return n
	}
	six := []net.Addr{network("127.0.0.1/8"), network("fe80::1/64"), network("2a00::1/64")}
	if na, err := outward(six, 5); err != nil || na.String() != "[2a00::1]:5" {
		t.Errorf("%v, %v", na, err)
	}
	if na, err := outward(append(six, network("10.0.0.7/8")), 5); err != nil || na.String() != "10.0.0.7:5" {
		t.Errorf("%v, %v", na, err)
	}
	if na, err := outward(six[:2], 5); err == nil {
		t.Errorf("%v", na)
	}
}

// The book of a CometBFT node is taken over with its secret and its identities, and
// what MarkBad is told stays out.
func TestBookOfANode(t *testing.T) { synctest.Test(t, testBook) }

func testBook(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	path := t.TempDir() + "/addrbook.json"
	id := idOf(comet(t, netw, 2))
	file := fmt.Sprintf(`{"key":"0123456789abcdef01234567","addrs":[{"addr":{"id":%q,"ip":"20.2.0.1","port":26656},
		"src":{"id":%q,"ip":"20.2.0.1","port":26656},"buckets":[7],"attempts":0,"bucket_type":2,
		"last_attempt":"1999-12-01T00:00:00Z","last_success":"1999-12-01T00:00:00Z","last_ban_time":"0001-01-01T00:00:00Z"}]}`, id, id)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.AddrBook = NewAddrBook(path)
	other := start(t, comet(t, netw, 2, &ChannelDescriptor{Id: app}))
	a := start(t, c)
	settled(time.Minute)
	if count(a) != 1 || c.AddrBook.Key() != "0123456789abcdef01234567" {
		t.Fatalf("%d peers, and the secret is %s", count(a), c.AddrBook.Key())
	}
	c.AddrBook.MarkBad(only(t, a).SocketAddr())
	settled(time.Hour)
	if count(a) != 0 || count(other) != 0 || c.AddrBook.Size() != 0 {
		t.Errorf("%d peers, %d addresses", count(a), c.AddrBook.Size())
	}
}
