package p2p

import (
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/fault"
	"parley/internal/golden"
	"parley/transport/mem"
)

const app = 0x30 // the channel of the application

// victim is a Switch that notes why its peers went.
type victim struct {
	*Switch

	mu  sync.Mutex
	why map[string]error
}

func (v *victim) note(p *Peer, why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.why[p.Key] = why
}

// ends returns why the peer of a key went, and how many went in all.
func (v *victim) ends(key string) (all int, why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.why), v.why[key]
}

func newVictim(t *testing.T, c Config) *victim {
	t.Helper()
	v := &victim{Switch: prepare(t, c), why: map[string]error{}}
	v.gone = v.note
	return v
}

// attacked starts node 1, with whatever more, and node 2, an honest peer of it.
func attacked(t *testing.T, netw *mem.Network, more func(c *Config)) (v *victim, honest *Switch) {
	t.Helper()
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app, MaxMessage: 100_000})
	if more != nil {
		more(&c)
	}
	v = newVictim(t, c)
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	h := comet(t, netw, 2, &ChannelDescriptor{Id: app, MaxMessage: 100_000})
	h.PersistentPeers, h.Protocol, h.NoPex = []string{place(1)}, c.Protocol, c.NoPex
	honest = start(t, h)
	settled(time.Second)
	if count(v.Switch) != 1 {
		t.Fatal("the honest peer is not connected")
	}
	return v, honest
}

// undisturbed checks that the honest peer is still connected and gets what is
// sent at once.
func (v *victim) undisturbed(t *testing.T, honest *Switch) {
	t.Helper()
	for _, p := range v.Peers().List() {
		if p.RemoteIP().Equal(net.IP{20, 2, 0, 1}) && !p.TrySend(app, Raw("still here")) {
			t.Error("there is no room for a message to the honest peer")
		}
	}
	began := time.Now()
	if in, ok := honest.Receive(app); !ok || string(in.Bytes) != "still here" || time.Since(began) > time.Second {
		t.Errorf("the honest peer got %q after %v", in.Bytes, time.Since(began))
	}
	if n, _ := v.ends(""); n > 1 {
		t.Errorf("%d peers went", n)
	}
}

// ended waits until the peer of a key has gone and checks the kind of the fault.
func (v *victim) ended(t *testing.T, c Config, within time.Duration, want fault.Kind) {
	t.Helper()
	settled(within)
	if _, why := v.ends(idOf(c)); !errors.Is(why, want) {
		t.Errorf("the peer's connection ended with %v, want a fault of kind %v", why, want)
	}
}

// visit connects to node 1 as node n, whose channels are 0 and that of the
// application, with its own rules about what it does.
func visit(t *testing.T, netw *mem.Network, n int) (net.Conn, *dialect.Link, error) {
	t.Helper()
	return visitAs(t, netw, n, n)
}

// visitAs has a machine connect with the key of a node.
func visitAs(t *testing.T, netw *mem.Network, n, key int) (net.Conn, *dialect.Link, error) {
	t.Helper()
	d, err := tendermint.New(tendermint.Config{
		Key: testKey(key), Network: "test", NoPEX: true, Channels: []tendermint.Channel{{ID: 0}, {ID: app}, {ID: 0x31}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := hostOn(t, netw, n).Dial(t.Context(), at(t, place(1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	l, err := d.Open(c, &dialect.Opening{
		Dialing: true, Remote: at(t, place(1)), Rand: rand.Reader, Now: time.Now(),
		Admit: func(dialect.Intro) error { return nil },
	})
	return c, l, err
}

// say sends messages and goes on reading nothing.
func say(t *testing.T, c net.Conn, l *dialect.Link, ms ...dialect.Message) {
	t.Helper()
	var wire []byte
	var err error
	for _, m := range ms {
		if wire, err = l.Encoder.Append(wire, m); err != nil {
			t.Fatal(err)
		}
	}
	c.SetWriteDeadline(time.Now().Add(time.Second))
	c.Write(wire) // it may be cut off
}

// What a peer may not do ends its connection with the stated fault, and disturbs
// nobody else.
func TestHostilePeers(t *testing.T) {
	pex := func(body string) dialect.Message {
		return dialect.Message{Type: 0, Body: golden.Bytes(t, body)}
	}
	for _, tt := range []struct {
		name string
		says []dialect.Message
		want fault.Kind
	}{
		{"addresses that nobody asked for", []dialect.Message{pex("1200")}, fault.Abuse},
		{"requests without pause", []dialect.Message{pex("0a00"), pex("0a00"), pex("0a00")}, fault.Abuse},
		{"neither a request nor addresses", []dialect.Message{pex("ff")}, fault.Protocol},
		{"an address that is none", []dialect.Message{pex("12050a031201ff")}, fault.Protocol},
		{"a message that is too long", []dialect.Message{{Type: app, Body: make([]byte, 100_001)}}, fault.Protocol},
		{"a message that never ends", []dialect.Message{{Type: app, Body: make([]byte, 20<<20)}}, fault.Protocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				netw := mem.New(10 * time.Millisecond)
				v, honest := attacked(t, netw, nil)
				c, l, err := visit(t, netw, 3)
				if err != nil {
					t.Fatal(err)
				}
				settled(time.Second)
				say(t, c, l, tt.says...)
				v.ended(t, comet(t, netw, 3), time.Second, tt.want)
				v.undisturbed(t, honest)
				_, _, err = visit(t, netw, 3)
				if banned := tt.want == fault.Abuse; banned != (err != nil) {
					t.Errorf("when it comes back it is told %v; a ban is wanted: %v", err, banned)
				}
			})
		})
	}
}

// In 2014 there was no limit to what a header may announce.
func TestHostilePeersOf2014(t *testing.T) {
	for name, wire := range map[string]string{
		"a packet of 4 GiB":             "1030" + "00" + "ffffffff",
		"a packet over the limit":       "1030" + "00" + "01040000",
		"a channel that does not exist": "1031" + "01" + "00000000",
		"a packet of no kind":           "77",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				netw := mem.New(10 * time.Millisecond)
				v, honest := attacked(t, netw, func(c *Config) { c.Protocol, c.NoPex = September2014, true })
				c, err := hostOn(t, netw, 3).Dial(t.Context(), at(t, place(1)))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.Write(golden.Bytes(t, wire))
				settled(time.Second)
				if _, why := v.ends(c.LocalAddr().String()); !errors.Is(why, fault.Protocol) {
					t.Errorf("the connection ended with %v", why)
				}
				v.undisturbed(t, honest)
			})
		})
	}
}

// Connections that never finish the secret handshake are cut off in time and take
// no place of a peer.
func TestHalfOpenHandshakes(t *testing.T) { synctest.Test(t, testHalfOpen) }

func testHalfOpen(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	v, honest := attacked(t, netw, func(c *Config) { c.MaxNumInboundPeers, c.DialTimeout = 2, 3*time.Second })
	var silent []net.Conn
	for i := range 40 {
		c, err := hostOn(t, netw, 10+i).Dial(t.Context(), at(t, place(1)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			c.Write(golden.Bytes(t, "220a20")) // half of the first message
		}
		silent = append(silent, c)
	}
	settled(time.Second)
	if _, _, err := visit(t, netw, 3); err != nil {
		t.Errorf("an honest peer is refused: %v", err)
	}
	settled(3 * time.Second)
	for i, c := range silent {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		var timeout net.Error
		if _, err := c.Read(make([]byte, 100)); err == nil {
			_, err = c.Read(make([]byte, 1))
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("connection %d is still open", i)
			}
		} else if errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("connection %d is still open", i)
		}
	}
	v.undisturbed(t, honest)
}

// A peer that answers no ping is gone when the time for a pong is over.
func TestNoPong(t *testing.T) { synctest.Test(t, testNoPong) }

func testNoPong(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	v, honest := attacked(t, netw, func(c *Config) { c.PingInterval, c.PongTimeout = 10*time.Second, 5*time.Second })
	if _, _, err := visit(t, netw, 3); err != nil {
		t.Fatal(err)
	}
	settled(14 * time.Second)
	if n, _ := v.ends(""); n > 0 {
		t.Errorf("%d peers went too soon", n)
	}
	v.ended(t, comet(t, netw, 3), 2*time.Second, fault.Timeout)
	v.undisturbed(t, honest)
}

// A peer that stops reading has a bounded queue, holds up no broadcast, and is
// gone when a write takes too long.
func TestPeerThatStopsReading(t *testing.T) { synctest.Test(t, testStopsReading) }

func testStopsReading(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	v, honest := attacked(t, netw, nil)
	if _, _, err := visit(t, netw, 3); err != nil {
		t.Fatal(err)
	}
	settled(time.Second)
	var took int
	for range 200 {
		began := time.Now()
		ok, failed := v.Broadcast(app, Raw(make([]byte, 100_000)))
		if time.Since(began) > 0 || ok+failed != 2 || ok == 0 {
			t.Fatalf("%d and %d after %v", ok, failed, time.Since(began))
		}
		took += ok - 1
		if in, more := honest.Receive(app); !more || len(in.Bytes) != 100_000 {
			t.Fatal("the honest peer got something else")
		}
	}
	if most := defaultQueueBytes/100_000 + 10; took > most {
		t.Errorf("%d messages wait for the peer that does not read, want no more than about %d", took, most)
	}
	v.ended(t, comet(t, netw, 3), time.Minute, fault.Timeout)
	v.undisturbed(t, honest)
}

// bomb is a reactor that panics.
type bomb struct{ *BaseReactor }

func (bomb) GetChannels() []*ChannelDescriptor { return []*ChannelDescriptor{{Id: 0x31}} }

func (bomb) Receive(e Envelope) { panic("cannot unmarshal " + string(e.Message)) }

// A message that makes a reactor panic ends the connection it came on.
func TestPanickingReactor(t *testing.T) { synctest.Test(t, testPanics) }

func testPanics(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	v := newVictim(t, c)
	v.AddReactor("bomb", bomb{NewBaseReactor("bomb", nil)})
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	conn, l, err := visit(t, netw, 3)
	if err != nil {
		t.Fatal(err)
	}
	h := comet(t, netw, 2, &ChannelDescriptor{Id: app})
	h.PersistentPeers = []string{place(1)}
	honest := start(t, h)
	settled(time.Second)
	say(t, conn, l, dialect.Message{Type: 0x31, Body: []byte("this")})
	v.ended(t, comet(t, netw, 3), time.Second, fault.Protocol)
	v.undisturbed(t, honest)
}

// bans of the application hold for peers that dial, and over a restart.
func TestBanHoldsInboundAndOverRestart(t *testing.T) { synctest.Test(t, testBan) }

func testBan(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	file := t.TempDir() + "/peers"
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.PeersFile = file
	v := start(t, c)
	if _, _, err := visit(t, netw, 3); err != nil {
		t.Fatal(err)
	}
	settled(time.Second)
	if err := v.Ban(only(t, v), time.Hour, "spam"); err != nil {
		t.Fatal(err)
	}
	refused := func(when string, want bool) {
		t.Helper()
		if _, _, err := visit(t, netw, 3); (err != nil) != want {
			t.Errorf("%s: %v, refused is wanted: %v", when, err, want)
		}
	}
	settled(time.Second)
	refused("at once", true)
	for _, key := range []int{3, 4} { // from another machine, the banned identity, and one that is not
		visitAs(t, netw, 4, key)
		settled(time.Second)
		if n := count(v); n != key-3 {
			t.Errorf("node %d from machine 4: %d peers, want %d", key, n, key-3)
		}
	}
	v.Stop()
	w := start(t, c)
	refused("after a restart", true)
	settled(time.Hour)
	refused("when it is over", false)
	settled(time.Second)
	if count(w) != 1 {
		t.Errorf("%d peers", count(w))
	}
}

// Whoever the filter does not like stays out.
func TestFilter(t *testing.T) { synctest.Test(t, testFilter) }

func testFilter(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	v, honest := attacked(t, netw, func(c *Config) {
		c.Filter = func(id string, remote *NetAddress) error {
			if remote.IP.Equal(net.IP{20, 3, 0, 1}) && id == idOf(comet(t, netw, 3)) {
				return errors.New("not you")
			}
			return nil
		}
	})
	if _, _, err := visit(t, netw, 3); err == nil {
		t.Error("it is let in")
	}
	if _, _, err := visit(t, netw, 4); err != nil {
		t.Errorf("another one is not: %v", err)
	}
	settled(time.Second)
	v.undisturbed(t, honest)
}
