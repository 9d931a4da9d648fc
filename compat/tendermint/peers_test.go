package p2p

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// dialer starts node n, which holds on to node 1.
func dialer(t *testing.T, netw *mem.Network, n int, more func(c *Config)) *Switch {
	t.Helper()
	c := comet(t, netw, n, &ChannelDescriptor{Id: app})
	c.PersistentPeers, c.NoPex = []string{place(1)}, true
	if more != nil {
		more(&c)
	}
	return start(t, c)
}

// The limit of peers that dial in holds at every moment, and is reached; peers
// that the configuration names are let in beyond it.
func TestLimitsAreExact(t *testing.T) { synctest.Test(t, testLimits) }

func testLimits(t *testing.T) {
	const limit = 3
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.MaxNumInboundPeers, c.MaxNumOutboundPeers = limit, -1
	c.UnconditionalPeerIDs = []string{idOf(comet(t, netw, 40))}
	a := start(t, c)
	for i := range 10 {
		dialer(t, netw, 2+i, nil)
	}
	for range 600 {
		settled(100 * time.Millisecond)
		if n := count(a); n > limit {
			t.Fatalf("%d peers, limit %d", n, limit)
		}
	}
	if n := count(a); n != limit {
		t.Errorf("%d peers, want %d", n, limit)
	}
	friend := dialer(t, netw, 40, nil)
	settled(time.Second)
	if count(friend) != 1 || count(a) != limit+1 {
		t.Errorf("the unconditional peer has %d peers, and the full node %d", count(friend), count(a))
	}
	out, in, dialing := a.NumPeers()
	if out != 0 || in != limit+1 || dialing != 0 {
		t.Errorf("counted %d, %d, %d", out, in, dialing)
	}
}

// Of two nodes with one IP address the second is let in if the configuration says
// so, or if it is unconditional, and so is the second with one identity.
func TestDuplicates(t *testing.T) {
	neighbor := func(t *testing.T, netw *mem.Network) string { return idOf(comet(t, netw, 3)) }
	for _, tt := range []struct {
		name string
		a    func(t *testing.T, netw *mem.Network, c *Config)
		key  int // of the second node
		at   int // its machine
		want int
	}{
		{"two machines", nil, 3, 3, 2},
		{"one machine", nil, 3, 2, 1},
		{"one machine, allowed", func(_ *testing.T, _ *mem.Network, c *Config) { c.AllowDuplicateIP = true }, 3, 2, 2},
		{"one machine, unconditional", func(t *testing.T, netw *mem.Network, c *Config) {
			c.UnconditionalPeerIDs = []string{neighbor(t, netw)}
		}, 3, 2, 2},
		{"one identity on two machines", func(_ *testing.T, _ *mem.Network, c *Config) { c.AllowDuplicateIP = true }, 2, 3, 1},
		{"one identity on two machines, allowed", func(_ *testing.T, _ *mem.Network, c *Config) { c.AllowDuplicateID = true }, 2, 3, 2},
		{"one identity on one machine, which is not", func(_ *testing.T, _ *mem.Network, c *Config) { c.AllowDuplicateID = true }, 2, 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				netw := mem.New(10 * time.Millisecond)
				c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
				c.MaxNumOutboundPeers = -1
				if tt.a != nil {
					tt.a(t, netw, &c)
				}
				a := start(t, c)
				dialer(t, netw, 2, nil)
				settled(time.Second)
				dialer(t, netw, tt.key, func(c *Config) {
					c.Listen = []string{strings.Replace(place(tt.at), "26656", "26657", 1)}
					c.Transport = hostOn(t, netw, tt.at)
				})
				for range 20 {
					settled(3 * time.Second)
					if n := count(a); n > tt.want {
						t.Fatalf("%d peers, want %d", n, tt.want)
					}
				}
				if n := count(a); n != tt.want {
					t.Errorf("%d peers, want %d", n, tt.want)
				}
			})
		})
	}
}

// That two of one IP address come in the same moment makes no difference.
func TestDuplicatesAtOnce(t *testing.T) { synctest.Test(t, testAtOnce) }

func testAtOnce(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.MaxNumOutboundPeers = -1
	a := prepare(t, c)
	events := make(chan interface{}, 100)
	a.AddEventListener("test", events)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		dialer(t, netw, 2+n, func(c *Config) {
			c.Listen = []string{strings.Replace(place(2), "26656", []string{"1", "2", "3"}[n], 1)}
			c.Transport = hostOn(t, netw, 2)
		})
	}
	settled(5 * time.Minute)
	if n := count(a); n != 1 || len(events) != 1 {
		t.Errorf("%d peers, and %d events", n, len(events))
	}
}

// A persistent peer is never given up: known by a name that leads nowhere for three
// days, and then to another place each time, it is found again within two minutes.
func TestPersistentPeerIsNeverGivenUp(t *testing.T) { synctest.Test(t, testPersistent) }

func testPersistent(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.PersistentPeers = []string{idOf(comet(t, netw, 2)) + "@validator.example:26656"}
	a := start(t, c)
	settled(72 * time.Hour)
	for machine := 2; machine < 5; machine++ {
		if count(a) != 0 {
			t.Fatal("connected to nobody")
		}
		b := comet(t, netw, 2, &ChannelDescriptor{Id: app})
		b.Listen, b.Transport = []string{place(machine)}, hostOn(t, netw, machine)
		netw.Name("validator.example", at(t, place(machine)))
		sw := start(t, b)
		settled(2 * time.Minute)
		if count(a) != 1 || !only(t, a).IsPersistent() || !only(t, a).IsOutbound() {
			t.Fatalf("the peer on machine %d is not connected", machine)
		}
		sw.Stop()
		settled(time.Second)
	}
}

// Whoever answers at a persistent peer's address must be that peer.
func TestWrongIdentity(t *testing.T) { synctest.Test(t, testWrongIdentity) }

func testWrongIdentity(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	start(t, comet(t, netw, 2, &ChannelDescriptor{Id: app}))
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.PersistentPeers = []string{idOf(comet(t, netw, 3)) + "@" + place(2)}
	a := start(t, c)
	settled(10 * time.Minute)
	if n := count(a); n != 0 {
		t.Errorf("%d peers", n)
	}
}

// Nodes find each other by peer exchange, keep what they learn in a book that
// CometBFT reads, and find each other again without a seed.
func TestPeerExchange(t *testing.T) { synctest.Test(t, testExchange) }

func testExchange(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	dir := t.TempDir()
	const nodes = 6
	config := func(n int) Config {
		c := comet(t, netw, n, &ChannelDescriptor{Id: app})
		c.AddrBook = NewAddrBook(dir + "/" + idOf(c) + ".json")
		return c
	}
	var all []*Switch
	for n := range nodes {
		c := config(1 + n)
		if n > 0 {
			c.Seeds = []string{place(1)}
		}
		all = append(all, start(t, c))
	}
	settled(5 * time.Minute)
	for i, sw := range all {
		if n := count(sw); n != nodes-1 {
			t.Errorf("node %d has %d peers", 1+i, n)
		}
	}
	key := all[5].cfg.AddrBook.Key()
	if n := all[5].cfg.AddrBook.Size(); n < 3 {
		t.Errorf("the last node knows %d addresses", n)
	}
	all[5].Stop()
	settled(time.Minute)
	c := config(6)
	file, err := os.ReadFile(dir + "/" + idOf(c) + ".json")
	if err != nil || !strings.Contains(string(file), `"bucket_type"`) || !strings.Contains(string(file), key) {
		t.Errorf("the file is %.200q, %v", file, err)
	}
	again := start(t, c) // has no seeds
	settled(5 * time.Minute)
	if n := count(again); n != nodes-1 || c.AddrBook.Key() != key {
		t.Errorf("it has %d peers again, and its book the key %s for %s", n, c.AddrBook.Key(), key)
	}
}
