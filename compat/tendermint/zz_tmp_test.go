package p2p
import (
"testing"
"testing/synctest"
"time"
"parley/transport/mem"
)
// A seed is asked, answers, and hangs up.
func TestZZSeed5(t *testing.T) { synctest.Test(t, testZZSeed5) }

func testZZSeed5(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.SeedMode = true; c.Backoff = 5 * time.Second
	seed := start(t, c)
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
	if busy > 100 {
		t.Errorf("the seed holds on to peers: %d in 100 looks", busy)
	}
}

// A seed is asked, answers, and hangs up.
func TestZZSeed30(t *testing.T) { synctest.Test(t, testZZSeed30) }

func testZZSeed30(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.SeedMode = true; c.Backoff = 30 * time.Second
	seed := start(t, c)
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
	if busy > 100 {
		t.Errorf("the seed holds on to peers: %d in 100 looks", busy)
	}
}

// A seed is asked, answers, and hangs up.
func TestZZSeed120(t *testing.T) { synctest.Test(t, testZZSeed120) }

func testZZSeed120(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app})
	c.SeedMode = true; c.Backoff = 120 * time.Second
	seed := start(t, c)
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
	if busy > 100 {
		t.Errorf("the seed holds on to peers: %d in 100 looks", busy)
	}
}

