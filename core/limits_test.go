package core

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// TestRoundInParts checks that a round that drops many links does so over
// several calls at the same time.
func TestRoundInParts(t *testing.T) {
	n := newNode(1, Config{Outbound: -1, Inbound: 1000, Opening: 1000, PerHost: -1, RoundTime: time.Minute, DropTo: 5})
	var e Effects
	n.Wake(epoch, &e)
	const links = 2*maxDrops + 20
	for range links {
		id, _ := n.Accepted(epoch, at("8.1.0.1:1"))
		n.Opened(epoch, id, dialect.Intro{}, &e)
	}
	calls, closed := 0, 0
	for now := n.Next(); n.Next().Equal(now); calls++ {
		e.Reset()
		n.Wake(now, &e)
		closed += len(e.Close)
		if len(e.Close) > maxDrops {
			t.Fatalf("one call dropped %d links, limit %d", len(e.Close), maxDrops)
		}
	}
	if calls != 3 || closed != links-5 || n.State(epoch).Rounds != 1 {
		t.Errorf("%d calls dropped %d links in %d rounds, want 3, %d, 1", calls, closed, n.State(epoch).Rounds, links-5)
	}
}

// TestManyEnd checks that what ends many links does so over several calls at the
// same time, and ends each link once.
func TestManyEnd(t *testing.T) {
	cfg := Config{Outbound: -1, Inbound: 1000, Opening: 1000, PerHost: -1}
	low := cfg
	low.Inbound = -1
	for what, end := range map[string]func(*Node, *Effects){
		"stop": func(n *Node, e *Effects) { n.Stop(epoch, nil, e) },
		"tune": func(n *Node, e *Effects) { n.Tune(epoch, low, e) },
		"ban":  func(n *Node, e *Effects) { n.Ban(epoch, Ban{Addr: at("8.1.0.1"), Until: epoch.Add(time.Hour)}, e) },
	} {
		n := newNode(1, cfg)
		var e Effects
		const links = 2*maxEnds + 20
		for range links {
			id, _ := n.Accepted(epoch, at("8.1.0.1:1"))
			n.Opened(epoch, id, dialect.Intro{}, &e)
		}
		e.Reset()
		end(n, &e)
		ended, calls := map[LinkID]bool{}, 1
		for ; ; calls++ {
			for _, c := range e.Close {
				ended[c.Link] = true
			}
			if len(e.Close) > maxEnds || len(e.Close) != len(e.Peers) {
				t.Fatalf("%s: one call ended %d links and reported %d, limit %d", what, len(e.Close), len(e.Peers), maxEnds)
			}
			e.Reset()
			if !n.Next().Equal(epoch) {
				break
			}
			n.Wake(epoch, &e)
		}
		if calls != 3 || len(ended) != links || len(n.State(epoch).Links) != 0 {
			t.Errorf("%s: %d calls ended %d links, want 3 and %d", what, calls, len(ended), links)
		}
	}
}

// TestRoundCutShort checks that a round that is under way ends with the rounds.
func TestRoundCutShort(t *testing.T) {
	cfg := Config{Outbound: -1, Inbound: 1000, Opening: 1000, PerHost: -1, RoundTime: time.Minute, DropTo: 5}
	n := newNode(1, cfg)
	var e Effects
	n.Wake(epoch, &e)
	for range 3 * maxDrops {
		id, _ := n.Accepted(epoch, at("8.1.0.1:1"))
		n.Opened(epoch, id, dialect.Intro{}, &e)
	}
	now := n.Next()
	n.Wake(now, &e)
	cfg.RoundTime = 0
	n.Tune(now, cfg, &e)
	if next := n.Next(); !next.IsZero() {
		t.Errorf("without rounds the node wants to be woken in %v", next.Sub(now))
	}
	n.Wake(now, &e)
	if len(n.live) != 2*maxDrops {
		t.Errorf("%d links are left, want the %d that were when the rounds ended", len(n.live), 2*maxDrops)
	}
}

// TestTarget checks that links of both directions count towards it, also those
// to peers to hold on to once they are up.
func TestTarget(t *testing.T) {
	n := newNode(1, Config{Target: 3, Outbound: 50, Always: addrs("8.9.0.1:1")}, "8.1.0.1:1", "8.2.0.1:1", "8.3.0.1:1", "8.4.0.1:1")
	var e Effects
	n.Wake(epoch, &e)
	if len(e.Dial) != 4 {
		t.Fatalf("%d dials at the start, want the one to hold on to and three more", len(e.Dial))
	}
	n.Opened(epoch, 1, dialect.Intro{ID: "z"}, &e)
	id, _ := n.Accepted(epoch, at("8.5.0.1:9"))
	n.Opened(epoch, id, dialect.Intro{ID: "a"}, &e)
	e.Reset()
	n.Closed(epoch, 2, io.EOF, &e)
	n.Closed(epoch, 3, io.EOF, &e)
	if len(e.Dial) != 0 {
		t.Errorf("%d dials with two links and an attempt, target 3", len(e.Dial))
	}
	n.Closed(epoch, 4, io.EOF, &e)
	if len(e.Dial) != 1 {
		t.Errorf("%d dials with two links, target 3, want 1", len(e.Dial))
	}
}

// TestDials checks that no more attempts are made at once than allowed.
func TestDials(t *testing.T) {
	n := newNode(1, Config{Outbound: 10, Dials: 3}, "8.1.0.1:1", "8.2.0.1:1", "8.3.0.1:1", "8.4.0.1:1", "8.5.0.1:1")
	var e Effects
	n.Wake(epoch, &e)
	if len(e.Dial) != 3 {
		t.Fatalf("%d attempts at once, limit 3", len(e.Dial))
	}
	e.Reset()
	n.Opened(epoch, 1, dialect.Intro{}, &e)
	n.Closed(epoch, 2, io.EOF, &e)
	if len(e.Dial) != 2 {
		t.Errorf("%d more after two were done, want 2", len(e.Dial))
	}
}

// TestSpread checks that links are spread over neighborhoods, but not those on
// local networks.
func TestSpread(t *testing.T) {
	var seeds []string
	for i := range 20 {
		seeds = append(seeds, fmt.Sprintf("8.1.0.%d:1", i+1), fmt.Sprintf("10.1.0.%d:1", i+1))
	}
	n := newNode(1, Config{Outbound: 100, Dials: 100, PerGroup: 2}, seeds...)
	var e Effects
	n.Wake(epoch, &e)
	count := map[byte]int{}
	for _, d := range e.Dial {
		count[d.Addr.IP.As4()[0]]++
	}
	if count[8] != 2 || count[10] != 20 {
		t.Errorf("dialed %d of one neighborhood and %d local ones, want 2 and 20", count[8], count[10])
	}
}

// TestPlaces checks that a peer at more addresses than one link remembers does
// not make the node dial all the time.
func TestPlaces(t *testing.T) {
	var seeds []string
	for i := range 2 * maxPlaces {
		seeds = append(seeds, fmt.Sprintf("8.%d.0.1:1", i))
	}
	testPlaces(t, newNode(1, Config{Outbound: 2, Backoff: time.Second}, seeds...))
	testPlaces(t, newNode(1, Config{Always: addrs(seeds...), Backoff: time.Second}))
}

func testPlaces(t *testing.T, n *Node) {
	t.Helper()
	var e Effects
	now, dials := epoch, 0
	for n.Wake(now, &e); now.Before(epoch.Add(time.Hour)); n.Wake(now, &e) {
		for todo := slices.Clone(e.Dial); len(todo) > 0; todo = append(todo[1:], e.Dial...) {
			id := todo[0].Link
			dials++
			e.Reset()
			if err := n.Admit(now, id, dialect.Intro{ID: "one", Nonce: 7}, &e); err != nil {
				n.Closed(now, id, err, &e)
			} else {
				n.Opened(now, id, dialect.Intro{ID: "one", Nonce: 7}, &e)
			}
		}
		if len(n.live[0].places) > maxPlaces {
			t.Fatalf("one link keeps %d addresses, limit %d", len(n.live[0].places), maxPlaces)
		}
		e.Reset()
		now = latest(now.Add(time.Second), n.Next())
	}
	if len(n.live[0].places) != maxPlaces {
		t.Errorf("one link keeps %d addresses, want %d", len(n.live[0].places), maxPlaces)
	}
	if perAddress := dials / maxPlaces; perAddress > 12 {
		t.Errorf("%d dials in an hour to each of %d addresses too many of one peer", perAddress, maxPlaces)
	}
}

// TestBlameIsExplained lets a peer misbehave and come back.
func TestBlameIsExplained(t *testing.T) {
	n := newNode(1, Config{})
	var e Effects
	for range 2 {
		id, err := n.Accepted(epoch, at("8.1.0.1:1"))
		if err != nil {
			t.Fatal(err)
		}
		n.Opened(epoch, id, dialect.Intro{ID: "a"}, &e)
		ls := n.State(epoch).Links
		if id == 1 && (ls[0].Blame != 0 || ls[0].Why != "") || id == 2 && (ls[0].Blame != 50 || ls[0].Why != "decode: nonsense") {
			t.Errorf("link %d has %d points for %q", id, ls[0].Blame, ls[0].Why)
		}
		n.Closed(epoch, id, fault.New(fault.Protocol, "decode", errors.New("nonsense")), &e)
	}
}

// TestTrusted checks that identities outside the limits are let into a full node,
// and give way once they are trusted no more.
func TestTrusted(t *testing.T) {
	n := newNode(1, Config{Inbound: 1, Outbound: -1, Trusted: []string{"friend"}})
	var e Effects
	admit := func(from, identity string) (LinkID, error) {
		id, err := n.Accepted(epoch, at(from))
		if err != nil {
			t.Fatal(err)
		}
		in := dialect.Intro{ID: identity}
		if err := n.Admit(epoch, id, in, &e); err != nil {
			return id, err
		}
		n.Opened(epoch, id, in, &e)
		return id, nil
	}
	if _, err := admit("8.1.0.1:1", "stranger"); err != nil {
		t.Fatal(err)
	}
	friend, err := admit("8.2.0.1:1", "friend")
	if err != nil {
		t.Fatalf("a full node refuses a trusted identity: %v", err)
	}
	if _, err := admit("8.3.0.1:1", ""); err == nil {
		t.Error("a full node lets in a peer without an identity")
	}
	e.Reset()
	n.Tune(epoch, Config{Inbound: 1, Outbound: -1}, &e)
	if len(e.Close) != 1 || e.Close[0].Link != friend {
		t.Errorf("closed are %+v, want the link that is trusted no more", e.Close)
	}
}

// TestTrustedFromACrowd checks that trusted identities are let in from a machine
// that has all the links it may, where others still are not.
func TestTrustedFromACrowd(t *testing.T) {
	n := newNode(1, Config{PerHost: 2, Outbound: -1, Trusted: []string{"friend", "ally"}})
	var e Effects
	port := uint16(0)
	admit := func(identity string) error {
		port++
		id, err := n.Accepted(epoch, at("8.1.0.1:1").WithPort(port))
		if err != nil {
			return err
		}
		in := dialect.Intro{ID: identity}
		if err := n.Admit(epoch, id, in, &e); err != nil {
			n.Closed(epoch, id, err, &e)
			return err
		}
		n.Opened(epoch, id, in, &e)
		return nil
	}
	for _, c := range []struct {
		id   string
		fits bool
	}{{"one", true}, {"friend", true}, {"two", true}, {"three", false}, {"ally", true}, {"four", false}, {"", false}} {
		if err := admit(c.id); (err == nil) != c.fits {
			t.Errorf("%q: %v", c.id, err)
		}
	}
	opening := 0
	for {
		port++
		if _, err := n.Accepted(epoch, at("8.1.0.1:1").WithPort(port)); err != nil {
			break
		}
		if opening++; opening > 2 {
			t.Fatal("a machine opens connections without limit")
		}
	}
}

// TestTrustedWithOnly checks that trusted identities are welcome where nobody
// else is, wherever they dial from.
func TestTrustedWithOnly(t *testing.T) {
	n := newNode(1, Config{Only: true, Always: []addr.Addr{at("9.1.0.1:1")}, Trusted: []string{"friend"}})
	var e Effects
	for identity, fits := range map[string]bool{"friend": true, "stranger": false, "": false} {
		id, err := n.Accepted(epoch, at("8.1.0.1:1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Admit(epoch, id, dialect.Intro{ID: identity}, &e); (err == nil) != fits {
			t.Errorf("%q: %v", identity, err)
		}
	}
}
