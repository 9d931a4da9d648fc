package tendermint

import (
	"errors"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
	"parley/fault"
)

// Who is to be at an address is checked before we say who we are.
func TestExpectedPeer(t *testing.T) {
	listener := mustNew(t, Config{Key: testKey(2), Channels: testChannels})
	at := mustParse(t, "192.0.2.2:26656")
	for _, right := range []bool{true, false} {
		want := NetAddress{listener.ID(), at}
		if !right {
			want.ID = strings.Repeat("b", 40)
		}
		x, y := openPair(mustNew(t, Config{Channels: testChannels, Peers: []NetAddress{want}}), listener,
			opening(t, true, at.String(), 1), opening(t, false, "192.0.2.1:50000", 2))
		if right && (x.err != nil || y.err != nil) {
			t.Errorf("who was expected is refused: %v, %v", x.err, y.err)
		}
		if !right && (!errors.Is(x.err, fault.Refused) || y.err == nil) {
			t.Errorf("who was not expected: %v, %v", x.err, y.err)
		}
	}
}

// What both sides learn of each other.
func TestIntro(t *testing.T) {
	a := mustNew(t, Config{Channels: testChannels, Version: "1.2.3", Moniker: "alice", App: 7})
	b := mustNew(t, Config{Channels: testChannels, Key: testKey(2)})
	x, y := opening(t, true, "192.0.2.2:26656", 1), opening(t, false, "192.0.2.1:50000", 2)
	x.Self.Listen = mustParse(t, "host.example:7000")
	y.Self.Agent = "agent/1"
	d, l := openPair(a, b, x, y)
	if d.err != nil || l.err != nil {
		t.Fatal(d.err, l.err)
	}
	in := l.link.Intro
	p := in.Info.(*Peer)
	if in.ID != a.ID() || in.Agent != "1.2.3" || in.Version != 11 || in.Listen.String() != "192.0.2.1:7000" {
		t.Errorf("the listener met %+v", in)
	}
	if in.Listen.Host != "" {
		t.Errorf("a name that a stranger gave is believed: %v", in.Listen)
	}
	if p.Dialed || p.NodeInfo.Moniker != "alice" || p.NodeInfo.App != 7 || p.NodeInfo.ListenAddr != "tcp://host.example:7000" || ID(p.Key) != a.ID() {
		t.Errorf("the listener met %+v", p)
	}
	if in := d.link.Intro; in.Agent != "agent/1" || !in.Info.(*Peer).Dialed || in.Info.(*Peer).at != x.Remote {
		t.Errorf("the dialer met %+v", in)
	}
	y.Self = dialect.Self{}
	if n := b.introduce(y.Self); n.ListenAddr != "tcp://0.0.0.0:0" || n.Version != "parley" {
		t.Errorf("a node that knows nothing of itself says %+v", n)
	}
}

// A node that connects to itself finds out by its key, whichever half notices.
func TestSelf(t *testing.T) {
	d := mustNew(t, Config{Channels: testChannels})
	x, y := openPair(d, d, opening(t, true, "192.0.2.2:1", 1), opening(t, false, "192.0.2.1:2", 2))
	if !errors.Is(x.err, dialect.ErrSelf) || y.err == nil {
		t.Errorf("ends with %v and %v", x.err, y.err)
	}
}

// A node that dialed one of CometBFT's, which does not wait and says nothing of
// turns, introduces itself once it has admitted the peer, and else not at all.
func TestSpeaksSecond(t *testing.T) {
	theirs := mustNew(t, Config{Key: testKey(2), Channels: testChannels})
	for _, full := range []bool{false, true} {
		heard := false
		o := opening(t, true, "192.0.2.2:1", 1)
		o.Self.Nonce = 7
		admitted := false
		o.Admit = func(dialect.Intro) error {
			if admitted = !full; full {
				return &dialect.Refusal{Reason: "full"}
			}
			return nil
		}
		err := against(mustNew(t, Config{Channels: testChannels}), o, func(p *pipe) error {
			c, err := secret.Listen(p, testKey(2), false, opening(t, false, "192.0.2.1:1", 2).Rand)
			if err != nil {
				return err
			}
			if _, err := p.Write(c.AppendMessage(nil, theirs.introduce(dialect.Self{}).append(nil))); err != nil {
				return err
			}
			_, err = c.ReadMessage(p, "node info", maxNodeInfo)
			heard = err == nil
			return err
		})
		if heard == full || admitted == full || errors.Is(err, fault.Refused) != full {
			t.Errorf("full is %v: we were heard %v, the peer was admitted %v, and it ends with %v", full, heard, admitted, err)
		}
	}
}

// Nodes of this engine do not wait for each other.
func TestTurns(t *testing.T) {
	for _, nonces := range [][2]uint64{{0, 0}, {0, 1}, {2, 1}} {
		x, y := opening(t, true, "192.0.2.2:1", 1), opening(t, false, "192.0.2.1:2", 2)
		x.Self.Nonce, y.Self.Nonce = nonces[0], nonces[1]
		d, l := openPair(mustNew(t, Config{Channels: testChannels}), mustNew(t, Config{Channels: testChannels, Key: testKey(2)}), x, y)
		if d.err != nil || l.err != nil {
			t.Errorf("nonces %v: %v, %v", nonces, d.err, l.err)
		}
	}
}

// In 2014 a link opens without a word, unless the node itself objects.
func TestOpen2014(t *testing.T) {
	d := mustNew2014(t, Config2014{Channels: testChannels})
	s := &script{}
	o := opening(t, true, "192.0.2.2:1", 1)
	l, err := d.Open(s, o)
	if err != nil || s.wrote.Len() > 0 || l.Intro.Listen != o.Remote || l.Intro.ID != "" || d.ID() != "" || d.Name() != "tendermint2014" {
		t.Errorf("opens with %+v and %v", l, err)
	}
	full := &dialect.Refusal{Reason: "full"}
	o.Admit = func(dialect.Intro) error { return full }
	if _, err := d.Open(s, o); !errors.Is(err, full) || !errors.Is(err, fault.Refused) {
		t.Errorf("a node that is full says %v", err)
	}
	o.Admit = func(dialect.Intro) error { return errTest }
	if _, err := d.Open(s, o); !errors.Is(err, errTest) {
		t.Errorf("a node that stops says %v", err)
	}
}

// In 2014 a node knows itself by its address alone.
func TestSelf2014(t *testing.T) {
	d := mustNew2014(t, Config2014{Channels: testChannels})
	for _, tt := range []struct {
		at, self string
		dialing  bool
		want     bool
	}{
		{"203.0.113.7:8770", "203.0.113.7:8770", true, true},
		{"203.0.113.7:8771", "203.0.113.7:8770", true, false},
		{"203.0.113.8:8770", "203.0.113.7:8770", true, false},
		{"203.0.113.7:8770", "203.0.113.7:8770", false, false},
		{"127.0.0.1:8770", ":8770", true, true},
		{"127.0.0.1:8771", ":8770", true, false},
		{"203.0.113.7:8770", ":8770", true, false},
		{"host.example:8770", "host.example:8770", true, true},
		{"127.0.0.1:8770", "", true, false},
	} {
		o := opening(t, tt.dialing, tt.at, 1)
		switch {
		case tt.self == "":
			o.Self.Listen = addr.Addr{}
		case tt.self[0] == ':':
			o.Self.Listen = addr.Addr{Port: 8770}
		default:
			o.Self.Listen = mustParse(t, tt.self)
		}
		_, err := d.Open(&script{}, o)
		if got := errors.Is(err, dialect.ErrSelf); got != tt.want || err != nil && !tt.want {
			t.Errorf("dialing is %v, from %q to %s: %v", tt.dialing, tt.self, tt.at, err)
		}
	}
}
